import { pathOf, post } from '../../lib/api.ts';
import { ageText, countOf, countText, momentText } from '../../lib/format.ts';
import type { Loaded } from '../../lib/load.ts';
import { hrefOf } from '../../lib/router.ts';
import type { Concern } from '../../lib/types.ts';
import { Glyph, type GlyphName } from '../../parts/glyph.tsx';
import { Operate } from '../../parts/operate.tsx';
import { Answer, Panel } from '../../parts/panel.tsx';
import { ArrivalBars } from '../../parts/spark.tsx';

/** Everything that needs a person to proceed. A single line if there is nothing. */
export function Waits({ concerns }: { readonly concerns: Loaded<{ items: readonly Concern[] }> }) {
  if (concerns.value?.items.length === 0 && concerns.error === undefined) return <Panel title="Nothing waits for you." />;
  return (
    <Panel title="Waits for you" note="What needs a person to continue. Bars: arrivals in the last hour.">
      <Answer of={concerns}>
        {({ items }) => (
          <>
            <ul>
              {items.map((concern) => (
                <Wait key={`${concern.kind} ${concern.pipeline} ${concern.what}`} concern={concern} again={concerns.again} />
              ))}
            </ul>
            <p class="hidden-text" aria-live="polite">
              {spokenOf(items)}
            </p>
          </>
        )}
      </Answer>
    </Panel>
  );
}

/** Names what waits without its counts and ages: a screen reader announces only what is new or gone. */
function spokenOf(items: readonly Concern[]): string {
  const names = items.map(({ kind, pipeline }) => `${kind === 'source' ? 'topic' : kind} of ${pipeline}`);
  return `Waits for you: ${[...new Set(names)].join(', ')}`;
}

const glyphs: Readonly<Record<Concern['kind'], GlyphName>> = {
  'dead letter': 'dead',
  parked: 'parked',
  paused: 'paused',
  stopped: 'paused',
  gap: 'gap',
  failed: 'dead',
  loop: 'stalled',
  source: 'stalled',
  circuit: 'behind',
  leftover: 'idle',
};

function Wait({ concern, again }: { readonly concern: Concern; readonly again: () => void }) {
  const { kind, pipeline, count, why, said, who, since, arrivals } = concern;
  const grown = arrivals.at(-1) ?? 0;
  const hour = arrivals.reduce((sum, one) => sum + one, 0);
  return (
    <li class="wait" data-row>
      <Glyph name={glyphs[kind]} />
      <b class="number">{countText(count)}</b>
      <div>
        <strong>{nounOf(concern)}</strong> in{' '}
        <a class="link" href={linkOf(concern)}>
          {pipeline}
        </a>
        <span class={`second why ${said === null ? '' : 'is-said'}`} title={said ?? why}>
          {kind === 'paused' && who !== null ? `by ${who}${said === null ? '' : `: “${said}”`}` : (said ?? why)}
        </span>
      </div>
      <div class="arrivals">
        {arrivals.length > 0 && <ArrivalBars arrivals={arrivals} label={`${hour} in the last hour, ${grown} in the last minute`} />}
      </div>
      <div class="since">
        {since !== null && (
          <>
            <span class="quiet">since</span> {momentText(since)} <span class="quiet">· {ageText(since, Date.now())}</span>
            <br />
          </>
        )}
        <span class={grown > 0 ? 'amber' : 'quiet'}>{noteOf(concern, grown)}</span>
      </div>
      <Act concern={concern} again={again} />
    </li>
  );
}

function nounOf({ kind, count, what }: Concern): string {
  if (kind === 'dead letter') return count === 1 ? 'dead letter' : 'dead letters';
  if (kind === 'parked') return count === 1 ? 'key parked' : 'keys parked';
  if (kind === 'gap') return count === 1 ? 'gap' : 'gaps';
  // Words such as "2 partitions held up" begin with the number that the row shows already.
  return what.replace(/^[\d,]+ /, '');
}

function noteOf({ kind, holds, arrivals }: Concern, grown: number): string {
  if (kind === 'dead letter') {
    if (grown > 0) return `${countText(grown)} more in the last minute`;
    return arrivals.every((one) => one === 0) ? 'none in the last hour' : 'none in the last minute';
  }
  if (holds > 0) return `${countOf(holds, 'event')} ${holds === 1 ? 'waits' : 'wait'}`;
  return kind === 'circuit' ? 'resumes by itself' : '';
}

function linkOf({ kind, pipeline }: Concern): string {
  if (kind === 'dead letter') return hrefOf(['dead-letters'], { pipeline });
  if (kind === 'parked') return hrefOf(['pipelines', pipeline], { status: 'parked' });
  if (kind === 'gap') return hrefOf(['gaps']);
  if (kind === 'stopped' || kind === 'failed') return hrefOf(['schedules']);
  return hrefOf(['pipelines', pipeline]);
}

function Act({ concern, again }: { readonly concern: Concern; readonly again: () => void }) {
  const { kind, pipeline, key } = concern;
  if (kind === 'paused') {
    const resume = async (reason: string | undefined) => {
      await post(`${pathOf('pipelines', pipeline)}/resume`, { reason });
      again();
    };
    return (
      <Operate
        title={`Resume ${pipeline}`}
        text={`${countOf(concern.holds, 'waiting event')} ${concern.holds === 1 ? 'continues' : 'continue'}.`}
        action="Resume"
        act={resume}
      >
        Resume
      </Operate>
    );
  }
  const [text, href] =
    kind === 'parked' && key !== null
      ? ['Open first', hrefOf(['pipelines', pipeline, 'keys', key])]
      : [kind === 'gap' ? 'See keys' : 'Review', linkOf(concern)];
  return (
    <a class="button" href={href} aria-label={`${text}: ${nounOf(concern)}, ${pipeline}`}>
      {text}
    </a>
  );
}
