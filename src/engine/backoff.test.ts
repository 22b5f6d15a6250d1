import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pauseMs } from './backoff.ts';

const retry = { attempts: 10, backoffMs: 100, backoffMsMax: 1_000, jitter: 0 };
const pauses = (attempts: readonly number[], random = 0.5, jitter = 0) =>
  attempts.map((attempt) => pauseMs({ ...retry, jitter }, attempt, random));

test('the pause after a failed attempt doubles each time, up to the maximum', () => {
  assert.deepEqual(pauses([1, 2, 3, 4, 5, 6, 2_000]), [100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test('a share of each pause is random, and makes it shorter', () => {
  assert.deepEqual(pauses([1, 2, 5], 0, 0.5), [100, 200, 1_000]);
  assert.deepEqual(pauses([1, 2, 5], 0.5, 0.5), [75, 150, 750]);
  assert.deepEqual(pauses([1, 2, 5], 0.5, 1), [50, 100, 500]);
});
