import type { InboxResult, inboxSizes } from '../measures/inbox.ts';
import { peerNamed } from '../peers/index.ts';
import { median } from '../work/distribution.ts';
import { figure, tableLines } from './table.ts';

/** Reports the events sent within an application's transactions: medians over the runs. */
export function inboxLines(results: readonly InboxResult[]): string[] {
  const loads = [...Map.groupBy(results, ({ peer, perTransaction }) => `${peerNamed(peer).title}, ${perTransaction}`)];
  return [
    'Brought in by an application within its own transactions, events per second',
    ...tableLines(
      ['events a transaction', 'events', 'written', 'taken in'],
      loads.map(([name, own]) => [
        name,
        figure(median(own.map(({ events }) => events))),
        figure(median(own.map(({ writtenRate }) => writtenRate))),
        figure(median(own.map(({ takenRate }) => takenRate))),
      ]),
    ),
  ];
}

/**
 * Returns the ratio of Millrace's intake to that of pg-boss at this number of events per transaction: the median of the ratios within each
 * run.
 */
export function inboxRatio(results: readonly InboxResult[], size: (typeof inboxSizes)[number]): number {
  const ofRun = (run: number, peer: string) =>
    results.find((one) => one.run === run && one.peer === peer && one.perTransaction === size)?.takenRate ?? Number.NaN;
  const runs = new Set(results.map(({ run }) => run));
  return median(Array.from(runs, (run) => ofRun(run, 'millrace-postgres') / ofRun(run, 'pg-boss')));
}
