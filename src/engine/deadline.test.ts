import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Condition } from './condition.ts';
import { Deadline, within } from './deadline.ts';
import { Milestone } from './milestone.ts';
import { Queue } from './queue.ts';
import { Waiters } from './waiters.ts';

test('a wait ends when its object arrives or its time is over, and leaves nothing behind', async () => {
  const clock = new VirtualClock(0);
  const waiters = new Waiters();
  const inTime = within(clock, 100, (deadline) => waiters.next(deadline));
  waiters.wake();
  assert.equal(await inTime, true);
  assert.equal(clock.turnToNextAlarm(1_000), false, 'its alarm is called off');
  const late = within(clock, 100, (deadline) => waiters.next(deadline));
  assert.equal(waiters.isEmpty, false);
  clock.turnToNextAlarm(clock.now() + 100);
  assert.equal(waiters.isEmpty, true);
  assert.equal(await late, false);
  assert.equal(await within(clock, 0, () => assert.fail('there is no time')), false);
});

test('a failing wait rejects, and its alarm is cancelled', async () => {
  const clock = new VirtualClock(0);
  await assert.rejects(
    within(clock, 100, async () => assert.fail('no')),
    /no/,
  );
  assert.equal(clock.turnToNextAlarm(1_000), false);
});

test('a condition is not checked for callers whose time is over', async () => {
  const condition = new Condition();
  const deadline = new Deadline();
  let looks = 0;
  const isNever = () => {
    looks += 1;
    return false;
  };
  const waits = [condition.until(isNever, deadline), condition.until(isNever, deadline)];
  deadline.end();
  await Promise.all([...waits, condition.until(isNever, deadline)]);
  looks = 0;
  condition.changed();
  assert.equal(looks, 0);
});

test('a milestone wakes those waiting for what it has reached, and nobody else', async () => {
  const milestone = new Milestone(3);
  const reached: number[] = [];
  const waitFor = (count: number) => milestone.until(count).then(() => reached.push(count));
  await waitFor(3);
  const waits = [waitFor(4), waitFor(5), waitFor(5), waitFor(7)];
  const deadline = new Deadline();
  const late = milestone.until(6, deadline);
  deadline.end();
  await late;
  milestone.reach(5);
  await Promise.all(waits.slice(0, 3));
  assert.deepEqual(reached, [3, 4, 5, 5]);
  milestone.endWaits();
  await Promise.all(waits);
});

test('a race with a promise ends with the promise or with the deadline, and fails as the promise does', async () => {
  const deadline = new Deadline();
  assert.equal(await deadline.race(Promise.resolve(1)), 1);
  await assert.rejects(deadline.race(Promise.reject(new Error('no'))), /no/);
  const never = deadline.race(new Promise<number>(() => {}));
  deadline.end();
  assert.equal(await never, undefined);
  assert.equal(await deadline.race(new Promise<number>(() => {})), undefined);
});

test('a queue returns what was pushed, in order, however pushes and shifts are mixed', () => {
  const queue = new Queue<number>();
  const shifted: (number | undefined)[] = [];
  for (let n = 1; n <= 100; n += 1) {
    queue.push(n);
    if (n % 3 !== 0) shifted.push(queue.shift());
  }
  assert.deepEqual(
    queue.toArray(),
    Array.from({ length: queue.length }, (_, at) => shifted.length + 1 + at),
  );
  while (queue.length > 0) shifted.push(queue.shift());
  assert.deepEqual(
    shifted,
    Array.from({ length: 100 }, (_, at) => at + 1),
  );
  assert.equal(queue.shift(), undefined);
});
