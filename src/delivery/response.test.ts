import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeWebhook, retryAfterMs } from './response.ts';

const now = Date.UTC(2026, 10, 21, 12);
const day = 24 * 60 * 60 * 1000;

const pauses: readonly [value: string, pauseMs: number | undefined][] = [
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7_000],
  ['99999999999999999999', day],
  ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
  ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['Sat, 21 Nov 2027 12:00:00 GMT', day],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['Sat, some day', undefined],
  ['2026-11-21', undefined],
  ['', undefined],
];

for (const [value, pauseMs] of pauses) {
  test(`Retry-After: ${JSON.stringify(value)} asks for ${pauseMs ?? 'no'} ms`, () => {
    assert.equal(retryAfterMs({ 'retry-after': value }, now), pauseMs);
  });
}

test('without Retry-After no pause is requested', () => {
  assert.equal(retryAfterMs({}), undefined);
});

test('2xx is delivered, 410 refused, everything else failed, and the key learns what the server said', () => {
  for (const status of [200, 202, 204, 299]) assert.equal(judgeWebhook({ status, headers: {}, body: '' }).result, 'delivered');
  for (const status of [301, 304, 400, 404, 408, 409, 429, 500, 503])
    assert.deepEqual(judgeWebhook({ status, headers: { 'retry-after': '3' }, body: 'why' }), {
      result: 'failed',
      reason: `status ${status}`,
      retryAfterMs: 3000,
      answer: { status, body: 'why' },
    });
  assert.deepEqual(judgeWebhook({ status: 410, headers: {}, body: 'gone' }), {
    result: 'refused',
    reason: 'status 410',
    answer: { status: 410, body: 'gone' },
  });
});
