import { hrefOf } from '../../lib/router.ts';
import type { Happening } from '../../lib/types.ts';
import { Glyph, type GlyphName } from '../../parts/glyph.tsx';
import { Moment } from '../../parts/moment.tsx';

const shown = 9;
const glyphs: Readonly<Record<string, GlyphName>> = { 'timer handled': 'timer', 'outcome handled': 'delivery', 'gave up': 'dead' };

/** A sample of current activity, which shows the engine at work. */
export function Happenings({ items }: { readonly items: readonly Happening[] }) {
  return (
    <ul class="happenings">
      {items.length === 0 && <li class="empty">Nothing has happened since this page was opened.</li>}
      {items.slice(0, shown).map((item) => (
        <li key={`${item.at} ${item.pipeline} ${item.key}`} class="happening">
          <Moment at={item.at} isPrecise />
          <Glyph name={glyphs[item.what] ?? 'turn'} />
          <span>
            <a href={hrefOf(['pipelines', item.pipeline, 'keys', item.key])} class="mono">
              {item.key}
            </a>{' '}
            <span class={item.reason === undefined ? 'second' : 'red'}>{item.reason ?? item.what}</span>
          </span>
          <span class="quiet small">{item.pipeline}</span>
        </li>
      ))}
    </ul>
  );
}
