import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createSchema } from '../schema/schema.ts';
import { PartitionReader } from './partition-reader.ts';

/** Returns the plans of the statements that read timers and outcomes, found by a distinctive part of each. */
function plansOf(marks: readonly string[]): readonly (readonly unknown[])[] {
  const db = new DatabaseSync(':memory:');
  createSchema(db, ['orders']);
  const statements: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    if (sql.includes('millrace_causes_orders')) statements.push(sql);
    return prepare(sql);
  };
  new PartitionReader(db, 'orders');
  assert.equal(statements.length, marks.length);
  const plans = marks.map((mark) => {
    const sql = statements.find((one) => one.includes(mark)) ?? assert.fail(`expected a statement with ${mark}`);
    return prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...Array.from(sql.matchAll(/\?/g), () => 1))
      .map(({ detail }) => detail);
  });
  db.close();
  return plans;
}

test('timers and outcomes are read together through one index: no second query, no scan, no sort', () => {
  const causes = 'millrace_causes_orders';
  const due = 'millrace_idx_causes_orders';
  assert.deepEqual(
    plansOf(['WHERE key = ?', 'min(key)', 'WHERE due_at <= ? ORDER', 'AND (due_at, key, kind, name, id) >', 'min(due_at)']),
    [
      [`SEARCH ${causes} USING PRIMARY KEY (key=?)`],
      [`SEARCH ${causes} USING PRIMARY KEY`],
      [`SEARCH ${causes} USING INDEX ${due} (due_at<?)`],
      [`SEARCH ${causes} USING INDEX ${due} ((due_at,key,kind,name,id)>(?,?,?,?,?) AND due_at<?)`],
      [`SEARCH ${causes} USING COVERING INDEX ${due} (due_at>?)`],
    ],
  );
});
