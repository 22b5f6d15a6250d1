import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createSchema } from '../schema/schema.ts';
import { PartitionLog } from './partition-log.ts';
import { PartitionReader } from './partition-reader.ts';

/** An in-memory database with this many held events, whose statements are recorded. */
function withHeld(events: number) {
  const db = new DatabaseSync(':memory:');
  createSchema(db, ['rockets']);
  const numbers = `WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ${events})`;
  db.exec(`INSERT INTO millrace_log_rockets ${numbers} SELECT n, 'key ' || n, 'key ' || n || '#2', 2, n, '{}', NULL, NULL FROM count;
    INSERT INTO millrace_held_rockets ${numbers} SELECT 'key ' || n, 2, n, 0, NULL FROM count;
    INSERT INTO millrace_gaps_rockets ${numbers} SELECT 'key ' || n, 1, 2, n FROM count;
    INSERT INTO millrace_partitions VALUES ('rockets', 0, 1, ${events})`);
  return db;
}

test('gaps are found oldest first through an index alone: no scan, no sort', () => {
  const db = new DatabaseSync(':memory:');
  createSchema(db, ['rockets']);
  const statements: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    statements.push(sql);
    return prepare(sql);
  };
  new PartitionReader(db, 'rockets');
  const sql = statements.find((one) => one.includes('ORDER BY since')) ?? assert.fail('expected a statement over gaps');
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(9, 0, '', 10);
  assert.deepEqual(
    plan.map(({ detail }) => detail),
    ['SEARCH millrace_gaps_rockets USING INDEX millrace_idx_gaps_rockets ((since,key)>(?,?) AND since<?)'],
  );
  db.close();
});

test('however many events are held, a page of gaps takes no longer and a prune call examines no more', () => {
  const stepsOf = (events: number) => {
    const db = withHeld(events);
    const [reader, log] = [new PartitionReader(db, 'rockets'), new PartitionLog(db, 'rockets')];
    const page = reader.gaps({ after: { since: events / 2, key: '' }, limit: 20 });
    assert.deepEqual([page.length, page[0]?.[0]], [20, `key ${events / 2}`]);
    const pruned = log.prune({ partition: { pipeline: 'rockets', slice: 0 }, acceptedBefore: events, idsBefore: 0, after: 0, limit: 100 });
    db.close();
    return pruned;
  };
  assert.deepEqual(stepsOf(1_000), { count: 0, after: 100 });
  assert.deepEqual(stepsOf(100_000), { count: 0, after: 100 });
});
