import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { selectRows } from '../../node-sqlite/tables.ts';
import type { DeliveryWrite } from '../../store.ts';
import { createSchema } from '../schema/schema.ts';
import { PartitionDeliveries } from './partition-deliveries.ts';
import { PartitionReader } from './partition-reader.ts';

const pipeline = 'visits';

/** The prepared statements for deliveries, each with SQLite's plan. */
function plans(t: TestContext): readonly { readonly sql: string; readonly plan: string }[] {
  const db = new DatabaseSync(':memory:');
  createSchema(db, [pipeline]);
  const prepare = t.mock.method(db, 'prepare');
  new PartitionDeliveries(db, pipeline);
  new PartitionReader(db, pipeline);
  const prepared = prepare.mock.calls.map(({ arguments: [sql] }) => sql).filter((sql) => sql.includes('millrace_deliveries_'));
  prepare.mock.restore();
  return prepared.map((sql) => {
    const steps = selectRows(db, `EXPLAIN QUERY PLAN ${sql}`, []);
    return { sql, plan: steps.map(({ detail }) => detail).join('; ') };
  });
}

test('due deliveries are read from the index of those that do not wait, in its order', (t) => {
  const reads = plans(t).filter(({ sql }) => /due_at <= \?|min\(due_at\)/.test(sql) && !sql.includes('flow = ?'));
  assert.equal(reads.length, 2);
  for (const { plan } of reads) {
    assert.match(
      plan,
      /^SEARCH millrace_deliveries_visits USING (COVERING )?INDEX millrace_idx_deliveries_due_visits \(endpoint=\? AND due_at[<>]\?\)$/,
    );
  }
});

test('a flow’s due deliveries, and the next flow, are read from the index of flows, in its order', (t) => {
  const reads = plans(t).filter(({ sql }) => sql.includes('flow = ? AND') || sql.includes('min(flow)'));
  assert.equal(reads.length, 3);
  for (const { plan } of reads) {
    assert.match(
      plan,
      /^SEARCH millrace_deliveries_visits USING (COVERING )?INDEX millrace_idx_deliveries_flow_visits \(endpoint=\? AND flow(=\? AND due_at<|>)\?\)$/,
    );
  }
});

test('the first delivery of a line is read from the index of lines, in its order', (t) => {
  const [read, ...others] = plans(t).filter(({ sql }) => sql.includes('ordered = 1'));
  assert.equal(others.length, 0);
  assert.match(
    read?.plan ?? '',
    /^SEARCH millrace_deliveries_visits USING INDEX millrace_idx_deliveries_line_visits \(endpoint=\? AND key=\?\)$/,
  );
});

test('no statement about deliveries scans all of them, or sorts', (t) => {
  for (const { sql, plan } of plans(t)) assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/, sql);
});

test('a write changes few rows, however long the line is', () => {
  const db = new DatabaseSync(':memory:');
  createSchema(db, [pipeline]);
  const deliveries = new PartitionDeliveries(db, pipeline);
  const ask = (id: string, ordered: boolean): DeliveryWrite => {
    const facts = { endpoint: 'mail', body: '{}', url: null, askedAt: 1, traceparent: null, attempts: 0, dueAt: 1 };
    return { write: 'ask', delivery: { id, key: 'a', flow: 'key a', ordered, ...facts } };
  };
  const changesBy = (write: DeliveryWrite): number => {
    const total = () => Number(selectRows(db, 'SELECT total_changes() AS total', [])[0]?.total);
    const before = total();
    deliveries.write(write);
    return total() - before;
  };
  for (let at = 0; at < 1_000; at += 1) deliveries.write(ask(`${at}`, true));
  assert.equal(changesBy(ask('last', true)), 1);
  assert.equal(changesBy({ write: 'remove', endpoint: 'mail', key: 'a', id: '500' }), 1, 'one that waited');
  assert.equal(changesBy({ write: 'remove', endpoint: 'mail', key: 'a', id: '0' }), 2, 'the first, and the next is let go');
  assert.equal(changesBy({ write: 'retry', endpoint: 'mail', key: 'a', id: '1', attempts: 1, dueAt: 5, pauseMs: 1 }), 1);
  assert.equal(changesBy(ask('1', true)), 1, 'asked for again');
  deliveries.write(ask('free', false));
  assert.equal(changesBy({ write: 'remove', endpoint: 'mail', key: 'a', id: 'free' }), 1, 'one that is not ordered');
});
