import type { IdlePart, LoadPart, TablesResult, TablesSettings } from '../tables/measure-tables.ts';
import { callsOf, millisecondsOf, type Statements } from '../tables/statement-counts.ts';
import type { TableSize } from '../tables/table-sizes.ts';
import { figure, tableLines } from './table.ts';

/** Number of statements listed, the most expensive first. */
const listedMax = 12;
const textMax = 90;
const mebibyte = 1024 * 1024;

/** Reports the size of the tables, the statements per event, and the statements of an idle fleet. */
export function tablesLines(result: TablesResult, settings: TablesSettings): string[] {
  const [first, second] = result.halves;
  const events = first.events + second.events;
  const took = first.seconds + second.seconds;
  return [
    `${figure(events)} events in ${figure(took / 60, 1)} minutes, ${figure(events / took)} a second: an hour at ${figure(events / 3_600)} a second. ` +
      `${settings.members} processes, ${figure(settings.keys)} keys, logs and ids kept for ${result.retainSeconds} s; session: ${settings.session}`,
    ...sizeLines(result),
    '',
    ...loadLines(result.halves),
    '',
    ...statementLines(result.halves),
    '',
    ...idleLines('before the first event', result.idle.before, settings),
    '',
    ...idleLines('after the last event', result.idle.after, settings),
    ...miscountLines(result.miscounted),
  ];
}

/** An event repeated after its id has expired is a new event. */
function miscountLines(miscounted: number): string[] {
  if (miscounted === 0) return [];
  return ['', `${figure(Math.abs(miscounted))} events are ${miscounted < 0 ? 'missing from the states' : 'counted twice'}`];
}

function sizeLines({ sizes: { start, middle, end }, vacuumed }: TablesResult): string[] {
  const at = (moment: readonly TableSize[], table: string) => moment.find((one) => one.table === table);
  const names = end.filter(({ bytes, indexBytes }) => bytes + indexBytes > mebibyte / 4).map(({ table }) => table);
  const moments = [start, middle, end, vacuumed];
  const total = (of: (size: TableSize) => number) =>
    moments.map((moment) => figure(moment.reduce((sum, size) => sum + of(size), 0) / mebibyte, 1));
  return tableLines(
    [
      'MiB at the start, in the middle, at the end, vacuumed',
      ...['table', 'middle', 'end', 'vacuumed'],
      ...['indexes', 'middle', 'end', 'vacuumed'],
      ...['live', 'dead', 'vacuums'],
    ],
    [
      ...names.map((name) => [
        name,
        ...moments.map((moment) => figure((at(moment, name)?.bytes ?? Number.NaN) / mebibyte, 1)),
        ...moments.map((moment) => figure((at(moment, name)?.indexBytes ?? Number.NaN) / mebibyte, 1)),
        ...[at(end, name)?.live, at(end, name)?.dead, at(end, name)?.vacuums].map((count) => figure(count)),
      ]),
      ['all', ...total(({ bytes }) => bytes), ...total(({ indexBytes }) => indexBytes), '', '', ''],
    ],
  );
}

function loadLines(halves: readonly LoadPart[]): string[] {
  return tableLines(
    ['', 'events/s', 'batches refused', 'statements per event', 'transactions per event', 'µs of the database an event'],
    halves.map(({ events, seconds, refusals, statements }, nth) => [
      nth === 0 ? 'first half' : 'second half',
      figure(events / seconds),
      figure(refusals),
      figure(callsOf(statements) / events, 3),
      figure(statements.transactions / events, 4),
      figure((1_000 * millisecondsOf(statements)) / events, 1),
    ]),
  );
}

/** The most expensive ones, and whether one becomes slower in the end. */
function statementLines([first, second]: readonly [LoadPart, LoadPart]): string[] {
  const most = second.statements.statements.toSorted((a, b) => b.ms - a.ms).slice(0, listedMax);
  const of = (text: string) => first.statements.statements.find((one) => one.text === text);
  const each = (one: { readonly ms: number; readonly calls: number } | undefined) => (one === undefined ? Number.NaN : one.ms / one.calls);
  return tableLines(
    ['statement', 'calls', 'ms each, first half', 'second half', '×'],
    most.map((one) => {
      const before = each(of(one.text));
      return [shortened(one.text), figure(one.calls), figure(before, 3), figure(each(one), 3), figure(each(one) / before, 1)];
    }),
  );
}

function idleLines(when: string, { seconds, statements }: IdlePart, { members }: TablesSettings): string[] {
  const perSecond = (count: number) => figure(count / seconds, 2);
  const rows = statements.statements.toSorted((a, b) => b.calls - a.calls);
  return [
    `An idle fleet of ${members}, ${when}: ${figure(callsOf(statements) / seconds, 1)} statements a second, including BEGIN, SET and COMMIT, ` +
      `in ${figure(statements.transactions / seconds, 1)} transactions; ${figure(questionsOf(statements) / seconds, 1)} without those`,
    ...tableLines(
      ['statement', 'a second', 'ms each'],
      rows.map(({ text, calls, ms }) => [shortened(text), perSecond(calls), figure(ms / calls, 3)]),
    ),
  ];
}

/** Those that send any statement. */
function questionsOf({ statements }: Statements): number {
  return statements.filter(({ text }) => !/^(?:BEGIN|COMMIT|ROLLBACK|SET)\b/.test(text)).reduce((sum, { calls }) => sum + calls, 0);
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '¦').trim();
  return line.length > textMax ? `${line.slice(0, textMax)}…` : line;
}
