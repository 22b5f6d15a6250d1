import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { partsOf } from '../../copy/copy-part.ts';
import { selectOf } from '../../copy/part-select.ts';
import { createSchema } from '../schema/schema.ts';
import { partDialect } from './sqlite-selects.ts';

test('a copy reads each part with as many rows as events in the order of an index: no sort', () => {
  const db = new DatabaseSync(':memory:');
  createSchema(db, ['rockets']);
  const plans = partsOf(['rockets'], []).flatMap((part) => {
    const { columns, from, order } = selectOf(part, partDialect);
    const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT ${columns} FROM ${from} ORDER BY ${order} LIMIT -1 OFFSET 0`).all();
    return plan.map(({ detail }): [string, string] => [part.name, String(detail)]);
  });
  const sorted = plans.filter(([, detail]) => detail === 'USE TEMP B-TREE FOR ORDER BY').map(([name]) => name);
  for (const kind of ['log', 'keys', 'blocks', 'key_blocks']) assert.ok(!sorted.includes(`rockets/${kind}`), `${kind} is sorted`);
  db.close();
});
