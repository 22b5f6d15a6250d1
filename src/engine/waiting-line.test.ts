import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lane } from './lane.ts';
import { LaneMemory } from './lane-memory.ts';
import { defaultLimits } from './limits.ts';
import { Memory } from './memory.ts';
import { WaitingLine } from './waiting-line.ts';

const memory = new Memory(defaultLimits.memoryBytes);
const laneOf = (key: string) => new Lane(key, undefined, new LaneMemory(memory));

/** A line for places that become free one at a time, and who proceeded, in order. */
function place() {
  const wentOn: string[] = [];
  let free = 0;
  let reloading = 0;
  const take = (name: string) => {
    free -= 1;
    wentOn.push(name);
  };
  const line: WaitingLine = new WaitingLine({
    isFull: () => free === 0,
    isPaused: () => false,
    reloading: () => reloading,
    advance(lane) {
      if (lane.spilledFrom === 0) {
        reloading += 1;
        wentOn.push(lane.key);
      } else take(lane.key);
    },
  });
  const freeOne = () => {
    free = 1;
    line.resume();
  };
  return { line, wentOn, take, freeOne };
}

test('ready lanes and applicants take free places alternately, each in order of arrival', async () => {
  const { line, wentOn, take, freeOne } = place();
  for (const key of ['a', 'b', 'c', 'd']) line.wait(laneOf(key));
  const begun = ['event', 'timer', 'second event'].map((name) => line.inTurn(() => take(name)));
  for (let places = 0; places < 7; places += 1) freeOne();
  assert.deepEqual(wentOn, ['a', 'event', 'b', 'timer', 'c', 'second event', 'd']);
  await Promise.all(begun);
  assert.equal(line.length, 0);
});

test('an applicant that takes no place passes it on', () => {
  const { line, wentOn, freeOne } = place();
  void line.inTurn(() => undefined);
  line.wait(laneOf('a'));
  void line.inTurn(() => undefined);
  line.wait(laneOf('b'));
  freeOne();
  freeOne();
  assert.deepEqual(wentOn, ['a', 'b']);
});

test('no more lanes whose moment has come are read back than the window allows, and each waits once', () => {
  const { line, wentOn } = place();
  const lanes = Array.from({ length: 300 }, (_, n) => laneOf(`k${n}`));
  for (const lane of lanes) {
    lane.spillFrom(0);
    line.ring(lane);
  }
  for (const lane of lanes.slice(200)) line.ring(lane);
  assert.equal(wentOn.length, 128);
  assert.equal(line.length, 172);
  assert.equal(line.isCrowded, true);
});

test('when the line is closed, applicants begin, to learn that, and lanes do not', async () => {
  const { line, wentOn, freeOne } = place();
  line.wait(laneOf('a'));
  const before = line.inTurn(() => 'before');
  line.close();
  assert.deepEqual([await before, await line.inTurn(() => 'after')], ['before', 'after']);
  freeOne();
  assert.deepEqual(wentOn, []);
});
