import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RoundResult } from '../http/round.ts';
import { median } from '../work/distribution.ts';
import { barChart } from './bar-chart.ts';
import { figure, tableLines } from './table.ts';

const heads = ['', 'requests/s', 'events/s', 'p50 ms', 'p99 ms', 'events per echo', 'p99 ÷ echo', 'CPU µs/event', 'not 2xx'];

/** Reports the loads as a table: medians over all measurements of the same name, sums of answers other than 2xx. */
export function overHttpLines(rounds: readonly (readonly RoundResult[])[]): string[] {
  const rows = named(rounds).map(([name, own]) => {
    const middle = (of: (one: RoundResult) => number | undefined, digits = 0) =>
      figure(median(own.map((one) => of(one) ?? Number.NaN)), digits);
    return [
      name,
      middle((one) => one.requestRate),
      middle((one) => one.eventRate),
      middle((one) => one.p50, 2),
      middle((one) => one.p99, 2),
      middle((one) => one.eventsPerEcho, 2),
      middle((one) => one.p99PerEcho, 2),
      middle((one) => one.cpuPerEventUs, 1),
      figure(own.reduce((sum, one) => sum + one.failures, 0)),
    ];
  });
  return tableLines(heads, rows);
}

/** Writes the chart for the docs into a folder. */
export function writeOverHttpChart(folder: string, rounds: readonly (readonly RoundResult[])[], notes: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const bars = named(rounds).map(([name, own]) => {
    const value = median(own.map((one) => one.eventRate));
    return { label: name, value, text: `${figure(value)} /s`, isOurs: own.some((one) => one.eventsPerEcho !== undefined) };
  });
  writeFileSync(join(folder, 'http.svg'), barChart('Over HTTP: events accepted and processed per second (more is better)', notes, bars));
}

function named(rounds: readonly (readonly RoundResult[])[]): [name: string, own: RoundResult[]][] {
  return [...Map.groupBy(rounds.flat(), ({ name }) => name)];
}
