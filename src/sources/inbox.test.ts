import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { inboxInsert, inboxRow } from './inbox.ts';

const orders = pipeline('orders', { event: z.object({ id: z.string(), total: z.number().optional() }), handle: () => undefined });

test('a row has the pipeline’s name, the event as JSON, and the given details', () => {
  assert.deepEqual(inboxRow(orders, { id: 'ü', total: 2 }), {
    pipeline: 'orders',
    event: '{"id":"ü","total":2}',
    id: null,
    traceparent: null,
  });
  const said = { id: 'one', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  assert.deepEqual(inboxRow(orders, { id: 'a' }, said), { pipeline: 'orders', event: '{"id":"a"}', ...said });
  assert.deepEqual(inboxInsert(orders, { id: 'a' }, { id: 'one' }), {
    text: 'INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES ($1, $2, $3, $4)',
    sql: 'INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES (?, ?, ?, ?)',
    values: ['orders', '{"id":"a"}', 'one', null],
  });
});

test('an event that the pipeline does not accept does not compile, and an invalid row is refused', () => {
  const wrong = { code: 'MILL_INVALID_REQUEST' };
  // @ts-expect-error an order has an id
  inboxRow(orders, { total: 2 });
  // @ts-expect-error no such option
  assert.throws(() => inboxRow(orders, { id: 'a' }, { key: 'b' }), { ...wrong, message: /^inboxRow: key .*/ });
  assert.throws(() => inboxRow(orders, { id: 'a' }, { id: '' }), { ...wrong, message: /^inboxRow: id: expected a non-empty text/ });
  // @ts-expect-error no JSON
  assert.throws(() => inboxRow(orders, { id: 1n }), { ...wrong, message: /^inboxRow: event: / });
  // @ts-expect-error nothing
  assert.throws(() => inboxRow(orders, undefined), { ...wrong, message: /^inboxRow: event: / });
  // @ts-expect-error no pipeline
  assert.throws(() => inboxRow('orders', { id: 'a' }), { ...wrong, message: /^inboxRow: pipeline: / });
});
