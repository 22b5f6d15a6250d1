import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters, type PipelineCounts } from '../engine/counts.ts';
import { eventMetrics } from './event-metrics.ts';

const none: PipelineCounts = new Counters().snapshot(
  { concurrency: 10, held: 0, gaps: 0, oldestGapMs: 0, lagMs: 0, partitions: 1, paused: false },
  0,
);

test('the totals are the sums over the pipelines, and the latency the mean over all events', () => {
  const busy = { ...none, received: 10, processed: 6, failed: 1, depth: 3, latencyMsTotal: 60, perSecond: 0.6 };
  const slow = { ...none, received: 2, processed: 2, latencyMsTotal: 100, perSecond: 0.2 };
  const { pipelines, ...total } = eventMetrics({ busy, slow, idle: none }, 1_500);
  assert.deepEqual(total, {
    events_received: 12,
    events_processed: 8,
    events_failed: 1,
    average_processing_latency_ms: 20,
    current_queue_depth: 3,
    active_workers: 30,
    events_per_second: 0.8,
    uptime_seconds: 1.5,
  });
  assert.equal(pipelines.slow?.average_processing_latency_ms, 50);
});

test('without processed events the latency is 0', () => {
  assert.equal(eventMetrics({ none }, 0).average_processing_latency_ms, 0);
  assert.equal(eventMetrics({}, 0).average_processing_latency_ms, 0);
});
