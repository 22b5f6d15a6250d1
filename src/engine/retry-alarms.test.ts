import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Lane } from './lane.ts';
import { LaneMemory } from './lane-memory.ts';
import { defaultLimits } from './limits.ts';
import { Memory } from './memory.ts';
import { RetryAlarms } from './retry-alarms.ts';

function alarmsOf() {
  const clock = new VirtualClock(1_000_000);
  const rung: string[] = [];
  const alarms = new RetryAlarms({ clock, pauseMsMax: 10_000, rang: ({ key }) => rung.push(key) });
  const lane = new Lane('k', undefined, new LaneMemory(new Memory(defaultLimits.memoryBytes)));
  const advance = (ms: number) => {
    const until = clock.now() + ms;
    while (clock.turnToNextAlarm(until));
  };
  return { clock, alarms, lane, rung, advance };
}

test('a lane waits for only one moment: the last one it was armed for', () => {
  const { alarms, lane, rung, advance } = alarmsOf();
  alarms.arm(lane, 1_005_000);
  alarms.arm(lane, 1_008_000);
  assert.equal(alarms.armed, 1);
  advance(5_000);
  assert.deepEqual(rung, []);
  advance(3_000);
  assert.deepEqual([rung, alarms.armed, alarms.hasCome(lane, 1_008_000)], [['k'], 0, true]);
});

test('a cancelled alarm does not ring', () => {
  const { alarms, lane, rung, advance } = alarmsOf();
  alarms.arm(lane, 1_005_000);
  alarms.disarm(lane);
  alarms.disarm(lane);
  advance(10_000);
  assert.deepEqual([rung, alarms.armed], [[], 0]);
});

test('if the clock is set back, a lane waits no longer than the longest pause, however often it is read back meanwhile', () => {
  const { clock, alarms, lane, rung, advance } = alarmsOf();
  alarms.arm(lane, 1_010_000);
  clock.jump(-3_600_000);
  advance(6_000);
  alarms.arm(lane, 1_010_000);
  advance(4_000);
  assert.deepEqual(rung, ['k']);
  assert.equal(alarms.hasCome(lane, 1_010_000), true, 'it has waited long enough, whatever the clock says');
  assert.equal(alarms.hasCome(lane, 1_020_000), false);
});
