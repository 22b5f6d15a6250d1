import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockText } from '../store/block-text.ts';
import { Lane } from './lane.ts';
import { LaneMemory } from './lane-memory.ts';
import { defaultLimits } from './limits.ts';
import { Memory } from './memory.ts';
import { Telling } from './telling.ts';
import { findLine, type ToldItem } from './timeline-items.ts';

const moment = 1_750_000_000_000;

test('items recorded before and after a key comes into memory are in one line, in order', () => {
  const told = new Telling(1);
  const lane = laneOf('a\n"b"');
  told.tellOf(lane.key, called(1));
  told.tellOf('other', called(9));
  assert.equal(told.handled(lane, 4, { at: moment + 5, durationMs: 0.26 }), 1);
  assert.equal(told.tellOf(lane.key, called(2)), 2);
  const block = told.toBlock(moment + 10, new Set([lane]));
  assert.ok(block !== undefined);
  assert.deepEqual(findLine(blockText(block.lines), lane.key), {
    before: null,
    items: [called(1), { kind: 'handled', at: moment + 5, durationMs: 0.3, attempt: 1, position: 4 }, called(2)],
  });
  assert.deepEqual(findLine(blockText(block.lines), 'other'), { before: null, items: [called(9)] });
  assert.equal(findLine(blockText(block.lines), 'b'), undefined);
  assert.deepEqual(block.keys, [lane.key, 'other']);
});

test('the record of a changed key names the block, and the next block continues from there', () => {
  const lane = laneOf('a');
  lane.moveState(1, { json: '1', version: 1 });
  const blockOf = (draft: number, at: number, changed: readonly Lane[]) => {
    const told = new Telling(draft);
    told.handled(lane, draft, { at, durationMs: 0 });
    return told.toBlock(at, new Set(changed));
  };
  assert.deepEqual(blockOf(1, moment, [lane])?.keys, []);
  assert.equal(lane.newestBlock, moment);
  const second = blockOf(2, moment + 7, []);
  assert.deepEqual(second?.keys, ['a'], 'a record that is not written names none');
  assert.equal(lane.newestBlock, moment);
  assert.deepEqual(second && findLine(blockText(second.lines), 'a')?.before, moment);
});

test('a lane with recorded items stays in memory until they are on disk', () => {
  const lane = laneOf('a');
  new Telling(3).handled(lane, 1, { at: moment, durationMs: 0 });
  assert.ok(!lane.isForgettable(2));
  assert.ok(lane.isForgettable(3));
});

test('without items there is no block', () => {
  assert.equal(new Telling(1).toBlock(moment, new Set()), undefined);
});

function laneOf(key: string): Lane {
  return new Lane(key, undefined, new LaneMemory(new Memory(defaultLimits.memoryBytes)));
}

function called(attempt: number): ToldItem {
  return { kind: 'delivery-called', at: moment + attempt, attempt };
}
