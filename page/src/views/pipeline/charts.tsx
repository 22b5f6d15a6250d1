import { useMemo } from 'preact/hooks';
import type { Act } from '../../lib/acts.ts';
import { countText, durationParts, rateText } from '../../lib/format.ts';
import type { Chart } from '../../lib/types.ts';
import { Glyph } from '../../parts/glyph.tsx';
import { Moment } from '../../parts/moment.tsx';
import { type Series, TimeChart } from '../../parts/time-chart.tsx';

const msText = (value: number | null) => durationParts(value).join(' ').trim();
const countOrNone = (value: number | null) => (value === null ? '–' : countText(value));

interface ChartsProps {
  readonly chart: Chart | undefined;
  /** The operators' acts on the pipeline. */
  readonly acts: readonly Act[];
}

/**
 * Four charts with one crosshair: events, latency, waiting items, failures. A line through all of them marks each operator's act, which is
 * named below.
 */
export function Charts({ chart, acts: all }: ChartsProps) {
  const shown = useMemo(() => seriesOf(chart), [chart]);
  const from = (chart?.at.at(-1) ?? 0) - (chart?.spanMs ?? 0);
  const acts = chart === undefined ? [] : all.filter(({ at }) => at >= from);
  const axis = { at: chart?.at ?? [], spanMs: chart?.spanMs ?? 1, acts };
  const most = Math.max(1, ...(chart?.in ?? []).map((value) => value ?? 0));
  return (
    <section class="panel charts" aria-label="Charts">
      <TimeChart {...axis} title="Events" unit="a second" series={shown.events} floor={most * 1.3} format={rateText} />
      <TimeChart {...axis} title="Latency" unit="ms, accepted to committed" series={shown.latency} floor={20} format={msText} />
      <TimeChart {...axis} title="Waiting" unit="events" series={shown.waiting} floor={Math.max(40, most * 0.4)} format={countOrNone} />
      <TimeChart {...axis} title="Failures" unit="a step" series={shown.failures} floor={4} format={countOrNone} />
      {acts.length > 0 && <Acts acts={acts} />}
    </section>
  );
}

const actsMax = 5;

function Acts({ acts }: { readonly acts: readonly Act[] }) {
  return (
    <ul class="acts" aria-label="What people did">
      {acts.slice(0, actsMax).map(({ at, text }) => (
        <li key={`${at} ${text}`}>
          <Glyph name="flag" />
          <Moment at={new Date(at).toISOString()} />
          <span class="cut">{text}</span>
        </li>
      ))}
      {acts.length > actsMax && <li class="quiet">and {acts.length - actsMax} before</li>}
    </ul>
  );
}

type Name = 'events' | 'latency' | 'waiting' | 'failures';

function seriesOf(chart: Chart | undefined): Readonly<Record<Name, readonly Series[]>> {
  const values = (name: 'in' | 'out' | 'p50' | 'p99' | 'depth' | 'held' | 'retried' | 'givenUp') => chart?.[name] ?? [];
  return {
    events: [
      { name: 'in', values: values('in'), form: 'second' },
      { name: 'out', values: values('out'), form: 'main' },
    ],
    latency: [
      { name: 'p50', values: values('p50'), form: 'second' },
      { name: 'p99', values: values('p99'), form: 'main' },
    ],
    waiting: [
      { name: 'held', values: values('held'), form: 'third' },
      { name: 'all', values: values('depth'), form: 'main' },
    ],
    failures: [
      { name: 'retried', values: values('retried'), form: 'bar-amber' },
      { name: 'given up', values: values('givenUp'), form: 'bar-red' },
    ],
  };
}
