import assert from 'node:assert/strict';
import test from 'node:test';
import { nearestName } from './nearest-name.ts';

const options = ['event', 'key', 'id', 'state', 'timeout', 'timers', 'onGiveUp', 'retry', 'retain', 'tables', 'concurrency'];

const meant: readonly (readonly [found: string, known: readonly string[], name: string | undefined])[] = [
  ['timeOut', options, 'timeout'],
  ['on_give_up', options, 'onGiveUp'],
  ['concurency', options, 'concurrency'],
  ['retries', options, 'retry'],
  ['timer', options, 'timers'],
  ['keys', options, 'key'],
  ['primarykey', ['primaryKey', 'indexes'], 'primaryKey'],
  ['logger', ['store', 'limits', 'log'], 'log'],
  ['signingSecret', ['url', 'headers', 'secret'], 'secret'],
  ['idempotencyKey', ['id', 'traceparent'], undefined],
  ['parallelism', options, undefined],
  ['', options, undefined],
  ['anything', [], undefined],
];

for (const [found, known, name] of meant) {
  test(`${JSON.stringify(found)} is most likely ${name ?? 'none'} of ${known.join(', ') || 'no names'}`, () => {
    assert.equal(nearestName(found, known), name);
  });
}
