import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Counters } from '../engine/counts.ts';
import type { Leftover } from '../engine/leftovers/leftover.ts';
import { ProcessCounts } from './process-counts.ts';
import { Prometheus } from './prometheus.ts';

const documentation = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

async function scrape(counters: Counters): Promise<string> {
  const counts = { visits: counters.snapshot({ concurrency: 10, held: 2, gaps: 1, oldestGapMs: 90_500, paused: false }, 0) };
  const leftovers = ['a', 'b'].map((timer): Leftover => ({ gone: 'timer', pipeline: 'visits', timer, timers: 9 }));
  const waits = [{ pipeline: 'visits', endpoint: 'shop', postponed: 'no port', restingAddresses: 3, silentAddresses: [], crowding: [] }];
  return new Prometheus(new ProcessCounts()).text({
    counts,
    leftovers,
    waits,
    store: { logBytes: 4_096 },
    uptimeMs: 1_500,
    refusals: { missing: 3 },
  });
}

/** Names with their types. */
const typesIn = (text: string) => new Map(Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [name, type]));

/** Rows of the tables that have a type: names with types and labels. */
const documented = Array.from(
  documentation.matchAll(/^\| `(\w+)` +\| (counter|gauge|histogram) +\| (.*?) +\|/gm),
  ([, name = '', type, labels = '']) => ({ name, type, labels: labels.match(/\w+/g) ?? [] }),
);

test('docs/metrics.md has a row for every metric of ours, with its type, and none that is not there', async () => {
  const types = typesIn(await scrape(new Counters()));
  for (const { name, type } of documented) assert.equal(types.get(name), type, name);
  const ours = [...types.keys()].filter((name) => name.startsWith('millrace_'));
  assert.ok(ours.length > 5);
  const names = documented.map(({ name }) => name);
  assert.deepEqual(
    ours.filter((name) => !names.includes(name)),
    [],
  );
});

test('docs/metrics.md names the labels that a metric has', async () => {
  const text = await scrape(new Counters());
  for (const { name, labels } of documented.filter((metric) => metric.name.startsWith('millrace_'))) {
    const [, shown = ''] = new RegExp(`^${name}(?:_sum)?(?:\\{(.*?)\\})? `, 'm').exec(text) ?? [];
    assert.deepEqual(
      Array.from(shown.matchAll(/(\w+)=/g), ([, label = '']) => label),
      labels,
      name,
    );
  }
});

test('docs/metrics.md names every outcome', async () => {
  const text = await scrape(new Counters());
  const outcomes = Array.from(text.matchAll(/outcome="(\w+)"/g), ([, outcome = '']) => outcome);
  assert.equal(outcomes.length, 12);
  for (const outcome of outcomes) assert.ok(documentation.includes(`\`${outcome}\``), outcome);
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
