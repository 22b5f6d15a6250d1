import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLine, type ToldItem } from './timeline-items.ts';
import { linesOf, positionsIn } from './timeline-lines.ts';

const moment = 1_750_000_000_000;
const failed: ToldItem = { kind: 'failed', at: moment + 3, event: 'e8', position: 8, reason: 'a "line"\nbreak, \u2028, \u0000, 🚀' };
const kept: ToldItem = { kind: 'failed', at: moment + 3, event: 'e8', reason: failed.reason };

/** The number of a block some milliseconds after its moment, as after the clock was set back. */
const block = moment + 40;
const text = [
  [moment],
  ['a\n"b"', 1_000, [[4, 5, 3], failed, [9, 7]]],
  [
    'c',
    null,
    [
      [5, -6],
      [6, 8, 2],
    ],
  ],
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');
const events = new Map([
  [4, { position: 4, id: 'e4', number: null, acceptedAt: moment - 100 }],
  [5, { position: 5, id: 'e5', number: 2, acceptedAt: moment - 200 }],
  [9, { position: 9, id: 'e9', number: null, acceptedAt: moment + 6 }],
]);

test('a block names the positions of events that only the log can name', () => {
  assert.deepEqual(positionsIn(text), [4, 9, 5, 6]);
  assert.deepEqual(positionsIn(`[${moment}]\n`), []);
});

test('lines moved to a block for another log contain the same, with event ids instead of positions', () => {
  const [a, c] = moved(text, events);
  const plain = { kind: 'handled', attempt: 1 };
  assert.deepEqual(a, {
    before: moment - 1_000,
    items: [
      { ...plain, at: moment + 5, durationMs: 0.3, event: 'e4', acceptedAt: moment - 100 },
      kept,
      { ...plain, at: moment + 7, durationMs: 0, event: 'e9', acceptedAt: moment + 6 },
    ],
  });
  assert.deepEqual(c, {
    before: null,
    items: [
      { ...plain, at: moment - 6, durationMs: 0, event: 'e5', number: 2, acceptedAt: moment - 200 },
      { ...plain, at: moment + 8, durationMs: 0.2 },
    ],
  });
});

test('lines that were already moved stay unchanged', () => {
  const lines = linesOf(block, text, events);
  const again = `[${block}]\n${lines.map((line) => `${line.text}\n`).join('')}`;
  assert.deepEqual(positionsIn(again), []);
  assert.deepEqual(linesOf(block, again, new Map()), lines);
});

function moved(from: string, named: typeof events) {
  const lines = linesOf(block, from, named);
  const whole = `[${block}]\n${lines.map((line) => `${line.text}\n`).join('')}`;
  return lines.map(({ key }) => findLine(whole, key));
}
