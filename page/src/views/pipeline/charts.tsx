import { useMemo } from 'preact/hooks';
import { countText, durationParts, rateText } from '../../lib/format.ts';
import type { Chart } from '../../lib/types.ts';
import { type Series, TimeChart } from '../../parts/time-chart.tsx';

const msText = (value: number | null) => durationParts(value).join(' ').trim();
const countOrNone = (value: number | null) => (value === null ? '–' : countText(value));

/** Four charts with one crosshair: events, latency, waiting, failures. */
export function Charts({ chart }: { readonly chart: Chart | undefined }) {
  const all = useMemo(() => seriesOf(chart), [chart]);
  const axis = { at: chart?.at ?? [], spanMs: chart?.spanMs ?? 1 };
  const most = Math.max(1, ...(chart?.in ?? []).map((value) => value ?? 0));
  return (
    <section class="panel charts" aria-label="Charts">
      <TimeChart {...axis} title="Events" unit="a second" series={all.events} floor={most * 1.3} format={rateText} />
      <TimeChart {...axis} title="Latency" unit="ms, accepted to committed" series={all.latency} floor={20} format={msText} />
      <TimeChart {...axis} title="Waiting" unit="events" series={all.waiting} floor={Math.max(40, most * 0.4)} format={countOrNone} />
      <TimeChart {...axis} title="Failures" unit="a step" series={all.failures} floor={4} format={countOrNone} />
    </section>
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
