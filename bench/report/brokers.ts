import type { ReadingResult } from '../brokers/measure.ts';
import { type ReaderDescription, readers } from '../brokers/readers.ts';
import { median } from '../work/distribution.ts';
import { faultsOf } from './fleet.ts';
import { figure, tableLines } from './table.ts';

/** Millrace's goal, as a share of the bare loop. */
const goal = 0.7;

/** From a topic to the committed state: medians over the runs, sums of faults, ratios within each run. */
export function brokerLines(results: readonly ReadingResult[]): string[] {
  const measured = readers.filter(({ name }) => results.some(({ reader }) => reader === name));
  return [
    'From a Kafka topic to the committed state',
    ...tableLines(
      ['', 'events', 'events/s', 'Millrace ×', 'CPU µs', 'server CPU µs', 'faults'],
      measured.map((reader) => rowOf(reader, results)),
    ),
    ...measured.filter(({ name }) => name.startsWith('bare-')).map((bare) => goalOf(ratioTo(bare, results), bare)),
  ];
}

function rowOf(reader: ReaderDescription, results: readonly ReadingResult[]): string[] {
  const own = results.filter((one) => one.reader === reader.name);
  const middle = (of: (one: ReadingResult) => number, digits = 0) => figure(median(own.map(of)), digits);
  return [
    reader.title,
    middle((one) => one.events),
    middle((one) => one.rate),
    figure(ratioTo(reader, results), 2),
    middle((one) => one.ownCpuUs, 1),
    reader.database === 'postgres' ? middle((one) => one.serverCpuUs, 1) : '–',
    figure(own.reduce((sum, one) => sum + faultsOf(one), 0)),
  ];
}

/** The ratio of Millrace's rate to a reader's, on the same database. */
function ratioTo({ name, database }: ReaderDescription, results: readonly ReadingResult[]): number {
  const rateOf = (run: number, reader: string) => results.find((one) => one.run === run && one.reader === reader)?.rate ?? Number.NaN;
  const runs = new Set(results.map(({ run }) => run));
  return median(Array.from(runs, (run) => rateOf(run, `millrace-${database}`) / rateOf(run, name)));
}

function goalOf(ratio: number, { title }: ReaderDescription): string {
  return `Goal: at least ${goal} of the ${title}. Measured: ${figure(ratio, 2)}, ${ratio >= goal ? 'met' : 'missed'}`;
}
