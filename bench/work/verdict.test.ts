import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HistoryRow, judge } from './verdict.ts';

/** A history of one key: for each row the event's number, which is also its number within the key, and the count in the state. */
function historyOf(...rows: readonly (readonly [seq: number, total: number])[]): HistoryRow[] {
  return rows.map(([seq, total]) => ({ key: 'a', seq, n: seq, total }));
}

test('a history in order, with each event once, has no faults', () => {
  const verdict = judge(historyOf([1, 1], [2, 2], [3, 3]), [1, 2, 3]);
  assert.deepEqual(verdict, { effects: 3, missing: 0, duplicates: 0, outOfOrder: 0, overwritten: 0 });
});

test('an event without a row is missing', () => {
  assert.equal(judge(historyOf([1, 1], [3, 2]), [1, 2, 3]).missing, 1);
});

test('a second row of an event is a duplicate, and not out of order', () => {
  const { duplicates, outOfOrder } = judge(historyOf([1, 1], [2, 2], [1, 3]), []);
  assert.deepEqual({ duplicates, outOfOrder }, { duplicates: 1, outOfOrder: 0 });
});

test('an event after a later one of its own key is out of order, but not after one of another key', () => {
  const other: HistoryRow = { key: 'b', seq: 1, n: 9, total: 1 };
  assert.equal(judge([...historyOf([1, 1], [3, 2], [2, 3]), other], []).outOfOrder, 1);
});

test('a change missing from the state was overwritten', () => {
  assert.equal(judge(historyOf([1, 1], [2, 1], [3, 2]), []).overwritten, 1);
});
