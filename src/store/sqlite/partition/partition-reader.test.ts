import assert from 'node:assert/strict';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { test } from 'node:test';
import { createSchema } from '../schema/schema.ts';
import { PartitionReader } from './partition-reader.ts';

/** Counts the statements that search for the data of a single key. */
function countingSearches(db: DatabaseSync): { count: number } {
  const searches = { count: 0 };
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    const statement = prepare(sql);
    if (!sql.includes('WHERE key = ?')) return statement;
    for (const method of ['all', 'get'] as const) {
      const run = statement[method].bind(statement) as (...parameters: unknown[]) => unknown;
      statement[method] = ((...parameters: unknown[]) => {
        searches.count += 1;
        return run(...parameters);
      }) as StatementSync['all'] & StatementSync['get'];
    }
    return statement;
  };
  return searches;
}

test('keys are searched for held events, timers and outcomes only if some key has any', () => {
  const db = new DatabaseSync(':memory:');
  createSchema(db, ['orders']);
  const searches = countingSearches(db);
  const reader = new PartitionReader(db, 'orders');
  const searchesOfLoad = () => {
    searches.count = 0;
    const rows = reader.load(['one', 'two']).toArray();
    return { searches: searches.count, held: rows.map((row) => row[7]), causes: rows.map((row) => row[9].length) };
  };
  assert.deepEqual(searchesOfLoad(), { searches: 2, held: [0, 0], causes: [0, 0] });
  db.exec("INSERT INTO millrace_causes_orders VALUES ('two', 'timer', 'wake', '', 1, NULL, 0, NULL)");
  assert.deepEqual(searchesOfLoad(), { searches: 4, held: [0, 0], causes: [0, 1] });
  db.exec("INSERT INTO millrace_held_orders VALUES ('one', 1, 1, 0, NULL)");
  assert.deepEqual(searchesOfLoad(), { searches: 7, held: [1, 0], causes: [0, 1] });
  db.close();
});
