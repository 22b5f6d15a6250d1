import { figures } from '../lib/pipelines.ts';
import { hrefOf } from '../lib/router.ts';
import { useStore } from '../lib/store.ts';
import { systemViews } from '../lib/systems.ts';
import { Glyph, type GlyphName } from '../parts/glyph.tsx';
import { Head, Panel } from '../parts/panel.tsx';

const places: readonly (readonly [path: string, glyph: GlyphName, text: string])[] = [
  ['parked', 'parked', 'Parked keys'],
  ['gaps', 'gap', 'Gaps'],
  ['deliveries', 'delivery', 'Deliveries'],
  ['timers', 'timer', 'Timers'],
  ['schedules', 'schedule', 'Schedules'],
  ['fleet', 'fleet', 'Fleet'],
  ['audit', 'audit', 'Audit'],
];

/** Further destinations, on a phone. */
export function MoreView() {
  const names = useStore(figures).pipelines.map(({ name }) => name);
  return (
    <>
      <Head title="More" />
      <Panel title="Engine">
        <Links links={places.map(([path, glyph, text]) => [hrefOf([path]), glyph, text])} />
      </Panel>
      <Panel title="Pipelines">
        <Links links={names.map((name) => [hrefOf(['pipelines', name]), 'turn', name])} />
      </Panel>
      <Panel title="Systems">
        <Links links={systemViews(names).map(({ name, title }) => [hrefOf(['systems', name]), 'system', title])} />
      </Panel>
    </>
  );
}

function Links({ links }: { readonly links: readonly (readonly [href: string, glyph: GlyphName, text: string])[] }) {
  return (
    <ul class="links">
      {links.map(([href, glyph, text]) => (
        <li key={href}>
          <a href={href}>
            <Glyph name={glyph} />
            {text}
          </a>
        </li>
      ))}
    </ul>
  );
}
