import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from './virtual-clock.ts';

const hour = 3_600_000;

test('a due alarm waits for its moment again if the clock is set back before it rings', () => {
  const clock = new VirtualClock(10 * hour);
  const rung: number[] = [];
  clock.alarm(9 * hour, () => rung.push(clock.now()));
  clock.jump(-2 * hour);
  assert.equal(clock.turnToNextAlarm(9 * hour - 1), false);
  assert.equal(clock.turnToNextAlarm(9 * hour), true);
  assert.deepEqual(rung, [9 * hour]);
});

test('due alarms ring in the order they were set, after those that came due earlier', () => {
  const clock = new VirtualClock(10 * hour);
  const rung: string[] = [];
  clock.alarm(10 * hour, () => rung.push('now'));
  clock.alarm(8 * hour, () => rung.push('long ago'));
  clock.alarm(9 * hour, () => rung.push('later'));
  while (clock.turnToNextAlarm(10 * hour));
  assert.deepEqual(rung, ['now', 'long ago', 'later']);
});
