import type { FleetResult } from '../measures/fleet.ts';
import { median } from '../work/distribution.ts';
import { figure, tableLines } from './table.ts';

/** The waits that are listed; others are rare. */
const waitsNamed = 4;

/** Compares one process with two, with the activity of processors and backends: medians over the runs, sums of faults. */
export function fleetLines(results: readonly FleetResult[]): string[] {
  const sizes = [...Map.groupBy(results, ({ processes }) => processes)];
  return [
    'Millrace in one process and in two on one database: a backlog of the same size, events per second of both together',
    ...tableLines(
      ['processes', 'backlog', 'ingest', 'drain', '× one', 'CPU µs', 'server CPU µs', 'of machine %', 'busiest process %', 'faults'],
      sizes.map(([processes, own]) => {
        const middle = (of: (one: FleetResult) => number, digits = 0) => figure(median(own.map(of)), digits);
        return [
          String(processes),
          middle((one) => one.events),
          middle((one) => one.ingestRate),
          middle((one) => one.drainRate),
          figure(ratioToOne(results, processes), 2),
          middle((one) => one.ownCpuUs, 1),
          middle((one) => one.serverCpuUs, 1),
          middle((one) => 100 * one.machineShare),
          middle((one) => 100 * one.busiestShare),
          figure(own.reduce((sum, one) => sum + faultsOf(one), 0)),
        ];
      }),
    ),
    ...sizes.map(([processes, own]) => `Busy backends, ${processes} ${processes === 1 ? 'process' : 'processes'}: ${waitsOf(own)}`),
  ];
}

/** Returns the ratio of the drain with this many processes to that with one: the median of the ratios within each run. */
export function ratioToOne(results: readonly FleetResult[], processes: number): number {
  const ofRun = (run: number, size: number) => results.find((one) => one.run === run && one.processes === size)?.drainRate ?? Number.NaN;
  const runs = new Set(results.map(({ run }) => run));
  return median(Array.from(runs, (run) => ofRun(run, processes) / ofRun(run, 1)));
}

/** Events without an effect, with several, out of order, or missing from the states. */
export function faultsOf({ verdict, miscounted }: Pick<FleetResult, 'verdict' | 'miscounted'>): number {
  return verdict.missing + verdict.duplicates + verdict.outOfOrder + verdict.overwritten + miscounted;
}

function waitsOf(own: readonly FleetResult[]): string {
  const names = new Set(own.flatMap(({ waits }) => waits.map(({ name }) => name)));
  const shares = Array.from(names, (name) => ({
    name,
    share: median(own.map(({ waits }) => waits.find((wait) => wait.name === name)?.share ?? 0)),
  }));
  const most = shares.toSorted((a, b) => b.share - a.share).slice(0, waitsNamed);
  return most.map(({ name, share }) => `${name} ${figure(100 * share)} %`).join(', ');
}
