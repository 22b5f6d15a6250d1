/** Writes the tables of docs/metrics.md from the lists of metrics: `npm run metrics`. A test keeps them in step. */
import { readFileSync, writeFileSync } from 'node:fs';
import { figureEntries, histogramEntries } from '../src/engine/metric-names.ts';
import type { PipelineMetric } from '../src/engine/pipeline-metrics.ts';
import { jsonFigures, otherKeys } from '../src/telemetry/event-metrics.ts';
import { serverMetrics } from '../src/telemetry/server-metrics.ts';

export const metricsPage = new URL('../docs/metrics.md', import.meta.url);

type Row = readonly string[];

/** Returns the page with tables from the lists. Each table is between a comment with its name and `<!-- end -->`. */
export function withTables(page: string): string {
  let written = page;
  for (const [name, rows] of Object.entries(tables())) {
    const table = new RegExp(`(<!-- table: ${name} -->\n).*?(\n<!-- end -->)`, 's');
    if (!table.test(written)) throw new Error(`docs/metrics.md: expected a table named ${name}, found none`);
    written = written.replace(table, (_, begin, end) => `${begin}\n${rows.map(lineOf).join('\n')}\n${end}`);
  }
  return written;
}

function tables(): Readonly<Record<string, readonly Row[]>> {
  return {
    json: [['key', 'means'], ['---', '---'], ...jsonRows()],
    prometheus: [
      ['metric', 'type', 'labels', '`counts()`', 'means'],
      ['---', '---', '---', '---', '---'],
      ...pipelineRows(),
      ...serverRows(),
    ],
    others: [['`counts()`', 'means'], ['---', '---'], ...otherRows()],
  };
}

function jsonRows(): readonly Row[] {
  const figures = jsonFigures.map(({ key, ...metric }) => [code(key), meaning(metric)]);
  return [...figures, ...Object.entries(otherKeys).map(([key, help]) => [code(key), help])];
}

function pipelineRows(): readonly Row[] {
  const row = (place: string, { kind, prometheus = '', outcome, ...metric }: PipelineMetric) => {
    const name = outcome === undefined ? prometheus : `${prometheus}{outcome="${outcome}"}`;
    return [code(name), kind, code('pipeline'), code(place), meaning(metric)];
  };
  return [
    ...figureEntries.filter(([, { prometheus }]) => prometheus !== undefined).map(([name, metric]) => row(name, metric)),
    ...histogramEntries.map(([name, metric]) => row(`distributions.${name}`, metric)),
  ];
}

function serverRows(): readonly Row[] {
  return Object.entries(serverMetrics).map(([name, metric]) => [
    code(name),
    metric.kind,
    metric.labels.map(code).join(', '),
    '',
    meaning(metric),
  ]);
}

function otherRows(): readonly Row[] {
  return figureEntries.filter(([, { prometheus }]) => prometheus === undefined).map(([name, metric]) => [code(name), meaning(metric)]);
}

function meaning({ help, more }: { readonly help: string; readonly more?: string | undefined }): string {
  if (more === undefined) return help;
  return more.startsWith('(') ? `${help} ${more}` : `${help}. ${more}`;
}

function code(name: string): string {
  return `\`${name}\``;
}

function lineOf(row: Row): string {
  return `| ${row.join(' | ')} |`;
}

if (import.meta.main) writeFileSync(metricsPage, withTables(readFileSync(metricsPage, 'utf8')));
