import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chart, chartWindows } from './chart.ts';

const made = () => {
  const between = (before: { count: number }, after: { count: number }) => ({ grown: after.count - before.count });
  return new Chart<{ at: number; count: number }, 'grown'>(['grown'], between);
};

test('a point covers what happened in its interval, however many observations that has', () => {
  const chart = made();
  for (let second = 0; second <= 10; second += 1) chart.take({ at: second * 1_000, count: second * 3 });
  assert.deepEqual(chart.answer('15m').at, [5_000, 10_000]);
  assert.deepEqual(chart.answer('15m').grown, [15, 15]);
  assert.deepEqual(chart.answer('1h').grown, []);
});

test('a chart keeps its window and nothing more', () => {
  const chart = made();
  const { spanMs, stepMs } = chartWindows['5m'];
  for (let at = 0; at <= 2 * spanMs; at += 1_000) chart.take({ at, count: at });
  const { at, grown } = chart.answer('5m');
  assert.equal(grown.length, spanMs / stepMs);
  assert.equal(at.at(-1), 2 * spanMs);
});
