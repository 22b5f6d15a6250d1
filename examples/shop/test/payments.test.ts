import assert from 'node:assert/strict';
import test from 'node:test';
import { MillraceError } from 'millrace';
import { Webhook } from 'standardwebhooks';
import { verifiedPayment } from '../src/payments.ts';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const body = JSON.stringify({ type: 'payment.succeeded', data: { order: 'o1', payment: 'p1', cents: 500 } });

function signed(by: string) {
  const at = new Date();
  return {
    'webhook-id': 'w1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(by).sign('w1', at, body),
  };
}

test('a payment signed by its provider is accepted', async () => {
  assert.deepEqual((await verifiedPayment(secret, signed(secret), Buffer.from(body))).data, { order: 'o1', payment: 'p1', cents: 500 });
});

test('any other payment is refused', async () => {
  const stranger = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const refused = (error: unknown) => error instanceof MillraceError && error.code === 'MILL_INVALID_REQUEST';
  for (const headers of [{}, signed(stranger), { ...signed(secret), 'webhook-id': 'w2' }])
    await assert.rejects(async () => verifiedPayment(secret, headers, Buffer.from(body)), refused);
  await assert.rejects(async () => verifiedPayment(secret, signed(secret), Buffer.from(body.replace('500', '5'))), refused);
});
