import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary } from '../measures/summary.ts';
import { peerNamed } from '../peers/index.ts';
import { barChart } from './bar-chart.ts';
import { figure, tableLines } from './table.ts';

/** Reports the comparison as tables: rates, latencies, faults, the effects of a kill. */
export function comparisonLines(summaries: readonly Summary[], lowRate: number): string[] {
  const titled = summaries.map((summary) => ({ ...summary, title: peerNamed(summary.peer).title }));
  return [
    'Events per second (medians); "×" is Millrace\'s drain to this one\'s, within each run',
    ...tableLines(
      ['', 'backlog', 'ingest', 'drain', '×', 'CPU µs', 'server CPU µs', 'one by one'],
      titled.map((one) => [
        one.title,
        figure(one.events),
        figure(one.ingestRate),
        figure(one.drainRate),
        figure(one.drainRatio, 2),
        figure(one.ownCpuUs, 1),
        figure(one.serverCpuUs, 1),
        figure(one.greatestRate),
      ]),
    ),
    '',
    `End to end in milliseconds, open loop, at half of each one's greatest rate, and at ${lowRate} events per second`,
    ...tableLines(
      ['', 'half p50', 'half p99', 'low p50', 'low p99'],
      titled.map((one) => [one.title, ...[one.halfP50, one.halfP99, one.lowP50, one.lowP99].map((ms) => figure(ms, 1))]),
    ),
    '',
    'Faults in the history, summed over the runs, without and with kill -9',
    ...tableLines(
      [
        '',
        'effects',
        'out of order: batches',
        'one by one',
        'without effect',
        'twice',
        'overwritten',
        'miscounted',
        'acked before kill',
        'without effect',
        'twice',
        'out of order',
        'first ms',
        'all ms',
      ],
      titled.map((one) => [
        one.title,
        figure(one.effects),
        figure(one.outOfOrderInBatches),
        figure(one.outOfOrderOneByOne),
        figure(one.missing),
        figure(one.duplicates),
        figure(one.overwritten),
        figure(one.miscounted),
        ...crashCells(one),
      ]),
    ),
    '',
    ...tableLines(
      ['', 'acknowledged means', 'order by', 'in one transaction'],
      titled.map(({ peer, title }) => [title, peerNamed(peer).durability, peerNamed(peer).order, peerNamed(peer).transaction]),
    ),
    ...titled.flatMap(({ title, failures }) => failures.map((failure) => `${title}: ${failure}`)),
  ];
}

function crashCells({ crash }: Summary): string[] {
  return [
    figure(crash?.acknowledged),
    figure(crash?.missing),
    figure(crash?.duplicates),
    figure(crash?.outOfOrder),
    figure(crash?.firstProgressMs),
    figure(crash?.recoveredMs),
  ];
}

/** Writes the charts for the docs into a folder. Their names begin with `prefix`. */
export function writeCharts(folder: string, summaries: readonly Summary[], notes: readonly string[], prefix = ''): void {
  mkdirSync(folder, { recursive: true });
  const chart = (file: string, title: string, value: (summary: Summary) => number, unit: string, digits: number) => {
    const bars = summaries.map((summary) => ({
      label: peerNamed(summary.peer).title,
      value: value(summary),
      text: Number.isFinite(value(summary)) ? `${figure(value(summary), digits)} ${unit}` : 'not measured',
      isOurs: summary.peer.startsWith('millrace'),
    }));
    writeFileSync(join(folder, `${prefix}${file}`), barChart(title, notes, bars));
  };
  chart('drain.svg', 'Drain of a backlog, events per second (more is better)', (one) => one.drainRate, '/s', 0);
  chart('ingest.svg', 'Ingest in batches of 100, events per second (more is better)', (one) => one.ingestRate, '/s', 0);
  chart('latency.svg', "End-to-end latency at half of each one's greatest rate, p99 (less is better)", (one) => one.halfP99, 'ms', 1);
}
