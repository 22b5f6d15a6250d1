import type { Act } from '../../lib/acts.ts';
import { countOf, countText, durationParts, rateText } from '../../lib/format.ts';
import type { Live } from '../../lib/live.ts';
import { nowOf, withNow } from '../../lib/pipelines.ts';
import { hrefOf } from '../../lib/router.ts';
import type { ChartColumn, PipelineItem } from '../../lib/types.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Spark } from '../../parts/spark.tsx';

/** Points in the small charts. */
const points = 60;
const lateMs = 1_000;

interface PipelinesProps {
  readonly items: readonly PipelineItem[];
  readonly now: Live;
  /** Operators' acts on all of them. */
  readonly acts: readonly Act[];
}

/** One row per pipeline: its health, four small charts, and its pending work. */
export function Pipelines({ items, now, acts }: PipelinesProps) {
  const all = items.map((item) => nowOf(now, item));
  const sum = (figure: 'in' | 'out' | 'depth') => all.reduce((total, one) => total + (one[figure] ?? 0), 0);
  const note = `${rateText(sum('in'))} in and ${rateText(sum('out'))} out a second, ${countText(sum('depth'))} waiting`;
  if (items.length === 0) {
    return (
      <Panel title="Pipelines">
        <div class="empty">
          <p>No pipeline is served.</p>
          <code>millrace serve ./my-pipelines.ts</code>
        </div>
      </Panel>
    );
  }
  return (
    <Panel title="Pipelines" note={note}>
      <table class="pipes">
        <thead>
          <tr>
            <th scope="col">Pipeline</th>
            <th scope="col">Events a second</th>
            <th scope="col">Latency, accepted to committed</th>
            <th scope="col" class="depth">
              Depth
            </th>
            <th scope="col" class="lag">
              Lag of the oldest
            </th>
            <th scope="col">Waits</th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <Row key={item.name} item={item} now={now} acts={acts} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Row({ item, now, acts: all }: { readonly item: PipelineItem } & Omit<PipelinesProps, 'items'>) {
  const { name } = item;
  const present = nowOf(now, item);
  const full = withNow<ChartColumn>(item.chart, now.at, now.pipelines[name]);
  const chart = thinned(full);
  const acts = placesOf(all, name, full);
  const [p50, p50Unit] = durationParts(present.p50);
  const [p99, p99Unit] = durationParts(present.p99);
  const [lag, lagUnit] = durationParts(present.lag);
  const isLate = present.lag > lateMs;
  const outs = chart.out.map((value) => value ?? 0);
  return (
    <tr data-row>
      <th scope="row">
        <a href={hrefOf(['pipelines', name])}>
          <Glyph name={present.health} />
          <span>
            {name}
            <br />
            <span class="quiet">{present.health}</span>
          </span>
        </a>
      </th>
      <td class="rate">
        <div class="cell">
          <Spark
            values={chart.out}
            second={chart.in}
            width={120}
            floor={Math.max(1, ...outs) * 1.3}
            points={points}
            acts={acts}
            label={`${name}: in ${rateText(present.in)} and out ${rateText(present.out)} a second now${actsText(acts)}`}
          />
          <dl>
            <dt>in</dt>
            <dd>{rateText(present.in)}</dd>
            <dt>out</dt>
            <dd data-figure={`${name}.out`} class={present.health === 'stalled' ? 'red' : ''}>
              {rateText(present.out)}
            </dd>
          </dl>
        </div>
      </td>
      <td class="latency">
        <div class="cell">
          <Spark
            values={chart.p99}
            second={chart.p50}
            width={96}
            floor={20}
            points={points}
            acts={acts}
            isLate={(present.p99 ?? 0) > lateMs}
            label={`${name}: latency, p50 ${p50} ${p50Unit}, p99 ${p99} ${p99Unit} now`}
          />
          <dl>
            <dt>p50</dt>
            <dd>
              {p50} <span class="unit">{p50Unit}</span>
            </dd>
            <dt>p99</dt>
            <dd class={(present.p99 ?? 0) > lateMs ? 'amber' : ''}>
              {p99} <span class="unit">{p99Unit}</span>
            </dd>
          </dl>
        </div>
      </td>
      <td class="depth">
        <div class="cell">
          <Spark
            values={chart.depth}
            width={84}
            floor={Math.max(40, present.in * 0.4)}
            points={points}
            acts={acts}
            isLate={isLate}
            label={`${name}: depth ${countText(present.depth)} now`}
          />
          <a class="one" href={hrefOf(['pipelines', name])}>
            {countText(present.depth)}
          </a>
        </div>
      </td>
      <td class="lag">
        <div class="cell">
          <Spark
            values={chart.lag}
            width={84}
            floor={100}
            points={points}
            acts={acts}
            isLate={isLate}
            label={`${name}: lag ${lag} ${lagUnit} now`}
          />
          <span class={`one ${isLate ? 'amber' : ''}`}>
            {lag} <span class="unit">{lagUnit}</span>
          </span>
        </div>
      </td>
      <td class="waits">
        <Tags item={item} />
      </td>
    </tr>
  );
}

/** The pending work of a pipeline: each number links to the list that explains it. */
function Tags({ item: { name, deadLetters, parked, gaps, held, deliveries, paused } }: { readonly item: PipelineItem }) {
  return (
    <div class="tags">
      {paused && (
        <a class="tag violet" href={hrefOf(['pipelines', name])}>
          paused
        </a>
      )}
      {parked > 0 && (
        <a class="tag violet" href={hrefOf(['pipelines', name], { status: 'parked' })}>
          {countText(parked)} parked
        </a>
      )}
      {deadLetters > 0 && (
        <a class="tag red" href={hrefOf(['dead-letters'], { pipeline: name })}>
          {countText(deadLetters)} dead
        </a>
      )}
      {gaps > 0 && (
        <a class="tag amber" href={hrefOf(['gaps'])}>
          {countText(gaps)} {gaps === 1 ? 'gap' : 'gaps'}
        </a>
      )}
      {held > 0 && (
        <a class="tag" href={hrefOf(['pipelines', name], { status: 'waiting' })}>
          {countText(held)} held
        </a>
      )}
      {deliveries > 0 && (
        <a class="tag" href={hrefOf(['deliveries'], { pipeline: name })}>
          {countText(deliveries)} to send
        </a>
      )}
    </div>
  );
}

/** Returns the places of a pipeline's acts in the window of a chart, from 0 to 1. */
function placesOf(acts: readonly Act[], pipeline: string, chart: PipelineItem['chart']): readonly number[] {
  const end = chart?.at.at(-1);
  if (chart === undefined || end === undefined) return [];
  const places = acts.flatMap((act) => (act.pipeline === pipeline ? [1 - (end - act.at) / chart.spanMs] : []));
  return places.filter((place) => place >= 0 && place <= 1);
}

function actsText(acts: readonly number[]): string {
  return acts.length === 0 ? '' : `; operators acted ${countOf(acts.length, 'time')}`;
}

type Values = readonly (number | null)[];
type Thinned = Readonly<Record<'in' | 'out' | 'p50' | 'p99' | 'depth' | 'lag', Values>>;

/** Keeps the highest of every three points: a small chart has no room for all, and must not lose a peak. */
function thinned(chart: PipelineItem['chart']): Thinned {
  const columns = ['in', 'out', 'p50', 'p99', 'depth', 'lag'] as const;
  const thin = (values: Values): Values => {
    const size = chart === undefined ? 1 : Math.max(1, Math.round(chart.spanMs / chart.stepMs / points));
    const thinnedValues: (number | null)[] = [];
    for (let to = values.length; to > 0; to -= size) {
      const group = values.slice(Math.max(0, to - size), to).filter((value) => value !== null);
      thinnedValues.unshift(group.length === 0 ? null : Math.max(...group));
    }
    return thinnedValues;
  };
  return Object.fromEntries(columns.map((name) => [name, thin(chart?.[name] ?? [])])) as Thinned;
}
