import assert from 'node:assert/strict';
import test from 'node:test';
import { testMill } from 'millrace/testing';
import { audit, nightly, orders, reminders } from './shop.ts';

const placed = { type: 'placed', order: 'a', lines: [{ article: 'Ulysses', kind: 'book', count: 1 }] } as const;

test('a paid order goes to the warehouse', async () => {
  const t = await testMill({ pipelines: [orders, audit, nightly], crashBeforeCommit: true });
  await t.ingest('orders', { ...placed, lines: [...placed.lines] });
  await t.ingest('orders', { type: 'paid', order: 'a', cents: 900, at: '2026-01-01T00:00:00Z' });
  await t.drain();
  const order = await t.state('orders', 'a');
  assert.deepEqual([order?.status, order?.paid?.[1], order?.note], ['paid', 'EUR', 'delivered']);
  assert.deepEqual(await t.state('audit', 'a'), ['placed', 'paid']);
  assert.equal(t.calls.length, 1);
  assert.equal(t.mill.counts().orders.processed > 0, true);
  await t.stop();
});

test('an unpaid order gets a reminder in the night', async () => {
  const t = await testMill({ pipelines: [orders, audit, nightly] });
  await t.ingest('orders', { ...placed, lines: [...placed.lines] });
  await t.advance('15d');
  const status = (await t.state('orders', 'a'))?.status;
  assert.equal(status, 'overdue');
  const [row] = await t.rows(reminders);
  assert.equal(row?.status, 'sent');
  await t.stop();
});
