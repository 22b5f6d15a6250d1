import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Distribution, durationBoundsMs } from '../../engine/distribution.ts';
import { countsBetween, quantile } from './quantile.ts';

test('a quantile is between the bounds of the bucket it falls into', () => {
  const distribution = new Distribution(durationBoundsMs);
  distribution.record(7, 98);
  distribution.record(700, 2);
  const { bounds, counts } = distribution.snapshot();
  const median = quantile(bounds, counts, 0.5) ?? 0;
  assert.ok(median > 5 && median <= 10, String(median));
  const p99 = quantile(bounds, counts, 0.99) ?? 0;
  assert.ok(p99 > 500 && p99 <= 1_000, String(p99));
});

test('only values between two observations count', () => {
  const distribution = new Distribution([10, 100]);
  distribution.record(50, 1_000);
  const before = distribution.snapshot();
  assert.equal(quantile([10, 100], countsBetween(before, distribution.snapshot()), 0.5), null);
  distribution.record(1);
  assert.ok((quantile([10, 100], countsBetween(before, distribution.snapshot()), 0.99) ?? 100) <= 10);
});

test('values above the last bound count as that bound', () => {
  assert.equal(quantile([10, 100], [0, 0, 3], 0.5), 100);
});
