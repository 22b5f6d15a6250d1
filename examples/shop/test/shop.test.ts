import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { http } from 'millrace';
import { type TestMillOptions, testMill } from 'millrace/testing';
import { type OrderEvent, ordersPipeline } from '../src/orders.ts';
import { sales, salesPipeline } from '../src/sales.ts';
import { stock } from '../src/stock.ts';

const order: OrderEvent = { type: 'placed', order: 'o1', items: [{ sku: 'pen', quantity: 2 }], cents: 500 };
const payment: OrderEvent = { type: 'paid', order: 'o1', payment: 'p1', cents: 500 };

/** The shop on a clock that the test advances; nothing leaves the program. */
async function openShop(context: TestContext, answer?: TestMillOptions['answer']) {
  const orders = ordersPipeline(http({ url: 'https://warehouse.example/', secret: `whsec_${'A'.repeat(32)}` }));
  const shop = await testMill({ pipelines: [orders, stock, salesPipeline], crashBeforeCommit: true, ...(answer && { answer }) });
  context.after(() => shop.stop());
  return shop;
}

test('a paid order goes to the warehouse and is shipped', async (context) => {
  const shop = await openShop(context);
  await shop.ingest('orders', order);
  await shop.drain();
  assert.deepEqual(await shop.state('stock', 'pen'), { pieces: -2 });
  await shop.ingest('orders', payment);
  await shop.drain();
  assert.equal((await shop.state('orders', 'o1'))?.status, 'shipped');
  assert.deepEqual(
    shop.calls.map(({ endpoint, key }) => [endpoint, key]),
    [['warehouse', 'o1']],
  );
});

test('an unpaid order is cancelled after half an hour, and its stock is returned', async (context) => {
  const shop = await openShop(context);
  await shop.ingest('orders', order);
  await shop.advance('29m');
  assert.equal((await shop.state('orders', 'o1'))?.status, 'placed');
  await shop.advance('1m');
  assert.equal((await shop.state('orders', 'o1'))?.status, 'cancelled');
  assert.deepEqual(await shop.state('stock', 'pen'), { pieces: 0 });
  await shop.ingest('orders', payment);
  await shop.drain();
  assert.deepEqual(shop.calls, []);
});

test('an order stays paid while the warehouse does not answer', async (context) => {
  const shop = await openShop(context, () => ({ result: 'failed', reason: 'the warehouse is closed' }));
  await shop.ingest('orders', order);
  await shop.ingest('orders', payment);
  await shop.advance('1d');
  assert.equal((await shop.state('orders', 'o1'))?.status, 'paid');
  assert.deepEqual(
    (await shop.deadLetters()).map(({ reason }) => reason),
    ['delivery to warehouse: the warehouse is closed'],
  );
});

test('every night the previous day’s sales are added up', async (context) => {
  const shop = await openShop(context);
  for (const id of ['o1', 'o2', 'o3']) await shop.ingest('orders', { ...order, order: id });
  for (const id of ['o1', 'o3']) await shop.ingest('orders', { ...payment, order: id, payment: id });
  await shop.advance('2d');
  assert.deepEqual(await shop.rows(sales), [
    { day: '2025-12-31', orders: 0, cents: 0 },
    { day: '2026-01-01', orders: 2, cents: 1000 },
  ]);
});
