import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { FoundValue } from '../pipeline/table.ts';
import { markUnreadable } from '../pipeline/unreadable.ts';
import { decodeCursor, encodeCursor, pageOf } from './page.ts';
import { exactly, exactValue, withRowErrors } from './row-errors.ts';

/** Returns a query's row whose column `n` shows a placeholder. */
function spoiled(found: FoundValue, placeholder: string | number = 0) {
  const row = { id: 'a', n: placeholder };
  markUnreadable(row, [{ column: 'n', message: 'expected one thing, found another', found }]);
  return row;
}

const errors = [{ column: 'n', message: 'expected one thing, found another' }];

test('the items of a page say which parts of their rows are unreadable, and only those', () => {
  const rows = [spoiled(2n ** 60n), { id: 'b', n: 1 }];
  const { items } = pageOf(rows, { limit: 2, cursor: ({ id }) => [id], item: ({ id }) => ({ id }) });
  assert.deepEqual(items, [{ id: 'a', errors }, { id: 'b' }]);
  assert.deepEqual(withRowErrors(rows[0], { shown: true }), { shown: true, errors });
  assert.deepEqual(withRowErrors(rows[1], { shown: true }), { shown: true });
});

test('a cursor carries the database’s value, and brings it back', async () => {
  const bytes = new Uint8Array([0, 255]);
  for (const found of [
    2n ** 53n + 1n,
    -(2n ** 63n),
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1.5,
    -1e-7,
    'many',
    bytes,
    new Uint8Array(0),
  ]) {
    const cursor = encodeCursor([exactValue(spoiled(found), 'n'), exactValue(spoiled(found), 'id')]);
    assert.deepEqual(await decodeCursor(z.tuple([exactly(z.int()), z.string()]), cursor), [found, 'a']);
  }
  assert.equal(exactValue({ n: 5 }, 'n'), 5);
  assert.deepEqual(exactValue({ n: bytes }, 'n'), { blob: '00ff' }, 'of an expression');
});

test('instead of null, which compares with nothing, a cursor has the value that sorts before everything else', async () => {
  const cursor = encodeCursor([exactValue(spoiled(null), 'n'), exactValue(spoiled(null, ''), 'n')]);
  assert.deepEqual(await decodeCursor(z.tuple([exactly(z.int()), exactly(z.string())]), cursor), [Number.NEGATIVE_INFINITY, '']);
});

test('a cursor with a value that no row can have is refused', async () => {
  const values = [
    {},
    { blob: 'zz' },
    { blob: '0' },
    { integer: '1.5' },
    { integer: '9'.repeat(20) },
    { real: 'NaN' },
    { real: '1..' },
    { text: 1 },
    'a',
    null,
  ];
  for (const value of values) {
    await assert.rejects(decodeCursor(z.tuple([exactly(z.int())]), encodeCursor([value as never])), { code: 'MILL_INVALID_REQUEST' });
  }
});
