import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { markCutShort } from '../pipeline/cut-short.ts';
import { decodeCursor, encodeCursor, pageOf, pageParameters, rowsOfPage } from './page.ts';
import { jsonSchemaOf } from './parse-request.ts';

const rows = [1, 2, 3];
const options = { cursor: (row: number) => ['place', row], item: (row: number) => ({ row }) };

test('a page ends with a cursor naming its last row if there are more', async () => {
  const { items, nextCursor } = pageOf(rows, { ...options, limit: 2 });
  assert.deepEqual(items, [{ row: 1 }, { row: 2 }]);
  assert.deepEqual(await decodeCursor(z.tuple([z.string(), z.int()]), nextCursor ?? ''), ['place', 2]);
});

test('the last page has no cursor', () => {
  assert.deepEqual(pageOf(rows, { ...options, limit: 3 }), { items: [{ row: 1 }, { row: 2 }, { row: 3 }] });
  assert.deepEqual(pageOf([], { ...options, limit: 3 }), { items: [] });
});

test('a cursor fits into a URL unchanged and keeps every value', async () => {
  const values = ['ü?&/+ "', -0.5, 2 ** 53, true, null, ''];
  const cursor = encodeCursor(values);
  assert.match(cursor, /^[\w-]+$/);
  assert.deepEqual(await decodeCursor(z.array(z.unknown()), cursor), values);
});

test('a cursor from another list is refused', async () => {
  const schema = z.tuple([z.int()]);
  for (const cursor of ['', 'oops', 'e30', encodeCursor([]), encodeCursor(['1']), encodeCursor([1, 2]), '{}', '[1']) {
    await assert.rejects(decodeCursor(schema, cursor), { code: 'MILL_INVALID_REQUEST' }, cursor);
  }
});

test('a limit is a whole number from 1 to 100, and 20 by default', () => {
  const query = z.object(pageParameters);
  assert.equal(query.parse({}).limit, 20);
  for (const limit of [1, 9, 10, 99, 100]) assert.equal(query.parse({ limit: String(limit) }).limit, limit);
  for (const limit of ['0', '101', '-1', '1.5', '1e1', '0x10', '05', ' 5', 'ten', '', ['1', '2']]) {
    assert.equal(query.safeParse({ limit }).success, false, String(limit));
  }
});

test('the docs call the limit an integer', () => {
  const { properties } = JSON.parse(JSON.stringify(jsonSchemaOf(z.object(pageParameters))));
  assert.deepEqual(properties.limit, {
    type: 'integer',
    minimum: 1,
    maximum: 100,
    description: 'Maximum number of items; 20 by default.',
  });
});

test('a cursor is made from an array of values, and from nothing else', () => {
  for (const values of [undefined, 5, 'a']) {
    assert.throws(() => encodeCursor(values as never), {
      code: 'MILL_INVALID_DECLARATION',
      message: `encodeCursor: expected an array of values, such as [row.id], found ${values === undefined ? 'nothing' : JSON.stringify(values)}`,
    });
  }
});

test('rows that were cut short leave the last one to the next page, unless it is the only one', () => {
  const cut = (count: number) => {
    const some = rows.slice(0, count);
    markCutShort(some);
    return some;
  };
  assert.deepEqual(rowsOfPage(cut(3), 10), [1, 2]);
  assert.deepEqual(rowsOfPage(cut(1), 10), [1]);
  assert.deepEqual(rowsOfPage(cut(3), 1), [1]);
  assert.deepEqual(rowsOfPage(rows, 10), [1, 2, 3]);
  const page = pageOf(cut(3), { ...options, limit: 10 });
  assert.deepEqual(page.items, [{ row: 1 }, { row: 2 }]);
  assert.equal(page.nextCursor, encodeCursor(['place', 2]));
  assert.equal('nextCursor' in pageOf(cut(1), { ...options, limit: 10 }), false);
});
