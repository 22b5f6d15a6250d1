import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { InstalledPackage } from './installed-package.ts';
import { checkout, Program } from './program.ts';

const paymentsSecret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const warehouseSecret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

describe('the shop, with the published package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-shop-'));
  let installed: InstalledPackage;

  before(async () => {
    installed = await InstalledPackage.in(folder);
    installed.add('standardwebhooks');
    cpSync(join(checkout, 'examples/shop'), installed.folder, { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const compiler of ['typescript', 'typescript-5.9']) {
    test(`compiles with ${compiler}`, async () => {
      assert.equal(await installed.node(join(checkout, 'node_modules', compiler, 'bin/tsc'), '-p', '.'), '');
    });
  }

  test('passes its tests', async () => {
    assert.match(await installed.node('--test', 'test/**/*.test.ts'), /^(ℹ|#) fail 0$/m);
  });

  test('accepts a signed payment, in no other way, and notifies the warehouse, signed', async (context) => {
    const told = Promise.withResolvers<unknown>();
    const warehouse = createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray());
      told.resolve(new Webhook(warehouseSecret).verify(body, Object(request.headers)));
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    context.after(() => warehouse.close());
    await once(warehouse, 'listening');
    const shop = new Program(context, ['serve', './src/shop.ts', '--port', '0', '--database', 'memory:'], {
      folder: installed.folder,
      root: installed.path,
      environment: {
        PAYMENTS_SECRET: paymentsSecret,
        WAREHOUSE_SECRET: warehouseSecret,
        WAREHOUSE_URL: `http://127.0.0.1:${(warehouse.address() as AddressInfo).port}/`,
      },
    });
    const url = await shop.listening();
    const post = async (path: string, body: string, headers: Record<string, string> = {}) =>
      (await fetch(`${url}${path}`, { method: 'POST', body, headers })).status;
    assert.equal(await post('/orders', JSON.stringify({ order: 'o1', items: [{ sku: 'pen', quantity: 2 }], cents: 500 })), 202);

    const payment = JSON.stringify({ type: 'payment.succeeded', data: { order: 'o1', payment: 'p1', cents: 500 } });
    const signedBy = (secret: string) => {
      const at = new Date();
      const signature = new Webhook(secret).sign('w1', at, payment);
      return { 'webhook-id': 'w1', 'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`, 'webhook-signature': signature };
    };
    assert.equal(await post('/payments', payment), 400);
    assert.equal(await post('/payments', payment, signedBy(warehouseSecret)), 400);
    assert.equal(await post('/pipelines/orders/events', JSON.stringify({ type: 'paid', order: 'o1', payment: 'p1', cents: 500 })), 404);
    assert.equal(await post('/payments', payment, signedBy(paymentsSecret)), 202);

    const { type, data } = Object(await told.promise);
    assert.deepEqual([type, data.order], ['order.paid', 'o1']);
    const { code } = await shop.kill('SIGTERM');
    assert.equal(code, 0);
  });
});
