import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { metricsPage, withTables } from '../../test/metrics-tables.ts';
import { Counters } from '../engine/counts.ts';
import type { Leftover } from '../engine/leftovers/leftover.ts';
import { figureEntries, histogramEntries, recordOf } from '../engine/metric-names.ts';
import { ProcessCounts } from './process-counts.ts';
import { Prometheus } from './prometheus.ts';
import { serverMetrics } from './server-metrics.ts';

const documentation = readFileSync(metricsPage, 'utf8');

const lookedAt = { concurrency: 10, held: 2, gaps: 1, oldestGapMs: 90_500, lagMs: 12, partitions: 1, paused: false };
const rest = {
  leftovers: ['a', 'b'].map((timer): Leftover => ({ gone: 'timer', pipeline: 'visits', timer, timers: 9 })),
  waits: [{ pipeline: 'visits', endpoint: 'shop', postponed: 'no port', restingAddresses: 3, silentAddresses: [], crowding: [] }],
  store: { logBytes: 4_096 },
  uptimeMs: 1_500,
  sources: [
    [
      'visits',
      { name: 'kafka:visits', partitions: [{ partition: 2, next: 3, end: 10, lag: 7, noRoom: null }], troubles: [], warnings: [] },
    ],
  ] as const,
  refusals: { missing: 3 },
};
const figureNames = figureEntries.map(([name]) => name);

function scrape(counters: Counters): Promise<string> {
  return new Prometheus(new ProcessCounts()).text({ ...rest, counts: { visits: counters.snapshot(lookedAt, 0) } });
}

/** Names with their types. */
const typesIn = (text: string) => new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [name, type]));

/** Rows of the tables that have a type: names with types and labels. */
const documented = Array.from(
  documentation.matchAll(/^\| `(\w+)(?:\{outcome="\w+"\})?` +\| (counter|gauge|histogram) +\| (.*?) *\|/gm),
  ([row, name = '', type, labels = '']) => ({
    name,
    type,
    labels: [...(labels.match(/\w+/g) ?? []), ...(row.includes('outcome=') ? ['outcome'] : [])],
  }),
);

test('the tables in docs/metrics.md match the lists of metrics: `npm run metrics` writes them', () => {
  assert.equal(withTables(documentation), documentation);
});

test('docs/metrics.md has a row for every metric of ours, with its type and labels, and no others', async () => {
  const text = await scrape(new Counters());
  const types = typesIn(text);
  for (const { name, type } of documented) assert.equal(types.get(name), type, name);
  const ours = [...types.keys()].filter((name) => name.startsWith('millrace_'));
  assert.ok(ours.length > 25);
  const names = documented.map(({ name }) => name);
  assert.deepEqual(
    ours.filter((name) => !names.includes(name)),
    [],
  );
  for (const { name, labels } of documented.filter((metric) => metric.name.startsWith('millrace_'))) {
    const [, shown = ''] = new RegExp(`^${name}(?:_sum)?(?:\\{(.*?)\\})? `, 'm').exec(text) ?? [];
    assert.deepEqual(
      Array.from(shown.matchAll(/(\w+)=/g), ([, label = '']) => label),
      labels,
      name,
    );
  }
});

test('a counter ends with _total, a duration with _seconds, and no name and outcome belong to two figures', () => {
  const shown = [...figureEntries, ...histogramEntries].filter(([, { prometheus }]) => prometheus !== undefined);
  for (const [name, { kind, unit, prometheus = '' }] of shown) {
    assert.equal(prometheus.endsWith('_total'), kind === 'counter', name);
    assert.equal(prometheus.endsWith('_seconds'), unit === 'ms', name);
  }
  for (const [name, { kind }] of Object.entries(serverMetrics)) assert.equal(name.endsWith('_total'), kind === 'counter', name);
  const places = shown.map(([, { prometheus, outcome = '' }]) => `${prometheus} ${outcome}`);
  assert.equal(new Set(places).size, shown.length);
});

test('every figure shown has its own value in the exposition', async () => {
  const counts = {
    visits: { ...new Counters().snapshot(lookedAt, 0), ...recordOf(figureNames, (name) => 1_000 + figureNames.indexOf(name)) },
  };
  const text = await new Prometheus(new ProcessCounts()).text({ ...rest, counts: { visits: { ...counts.visits, paused: true } } });
  for (const [name, { prometheus, outcome, unit }] of figureEntries) {
    if (prometheus === undefined) continue;
    const measured = 1_000 + figureNames.indexOf(name);
    const value = unit === 'flag' ? 1 : unit === 'ms' ? measured / 1_000 : measured;
    const labels = outcome === undefined ? '' : `,outcome="${outcome}"`;
    assert.ok(text.includes(`${prometheus}{pipeline="visits"${labels}} ${value}\n`), name);
  }
});

test('a histogram counts up to each bound, and in seconds', async () => {
  const counters = new Counters();
  counters.acceptMs.record(3, 2);
  counters.acceptMs.record(5);
  counters.acceptMs.record(70_000);
  counters.commitTurns.record(7);
  const text = await scrape(counters);
  for (const line of [
    'millrace_accept_duration_seconds_bucket{pipeline="visits",le="0.0025"} 0',
    'millrace_accept_duration_seconds_bucket{pipeline="visits",le="0.005"} 3',
    'millrace_accept_duration_seconds_bucket{pipeline="visits",le="60"} 3',
    'millrace_accept_duration_seconds_bucket{pipeline="visits",le="+Inf"} 4',
    'millrace_accept_duration_seconds_sum{pipeline="visits"} 70.011',
    'millrace_accept_duration_seconds_count{pipeline="visits"} 4',
    'millrace_commit_turns_bucket{pipeline="visits",le="10"} 1',
    'millrace_commit_turns_sum{pipeline="visits"} 7',
    'millrace_held_events{pipeline="visits"} 2',
    'millrace_gaps{pipeline="visits"} 1',
    'millrace_oldest_gap_seconds{pipeline="visits"} 90.5',
    'millrace_store_log_bytes 4096',
    'millrace_refused_requests_total{reason="missing"} 3',
    'millrace_leftovers{pipeline="visits",gone="timer"} 2',
    'millrace_resting_addresses{pipeline="visits",endpoint="shop"} 3',
    'millrace_postponed_endpoints{pipeline="visits",endpoint="shop"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
});
