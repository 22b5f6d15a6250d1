import assert from 'node:assert/strict';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { MillraceError } from '../errors.ts';
import { isWebhookSecret, signer } from './signature.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function secretOf(bytes: number): string {
  return `whsec_${Buffer.alloc(bytes, 'x').toString('base64')}`;
}

test('the signature matches that of other implementations', () => {
  // The reference libraries' test vector.
  assert.deepEqual(signer([secret])('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, '{"test": 2432232314}'), {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('with several secrets each one verifies, and no other', () => {
  const [former, latter] = [secretOf(24), secretOf(64)];
  const body = '{"größe":"Ω"}';
  const headers = signer([former, latter])('id.1/2', Date.now(), body);
  assert.equal(headers['webhook-signature']?.split(' ').length, 2);
  for (const known of [former, latter]) assert.deepEqual(new Webhook(known).verify(body, { ...headers }), { größe: 'Ω' });
  assert.throws(() => new Webhook(secret).verify(body, { ...headers }), /No matching signature/);
  assert.throws(() => new Webhook(former).verify(`${body} `, { ...headers }), /No matching signature/);
});

test('without a secret nothing is signed', () => {
  assert.deepEqual(signer([])('1', 0, '{}'), {});
});

const bad = [
  secretOf(23),
  secretOf(65),
  secret.replace('whsec_', ''),
  secret.replace('whsec_', 'whsk_'),
  `${secret}!`,
  `${secret}=`,
  ` ${secret}`,
  'whsec_',
  '',
];

test('an invalid secret is refused, and never shown', () => {
  for (const text of bad) {
    assert.equal(isWebhookSecret(text), false, text);
    assert.throws(
      () => signer([text]),
      (error) =>
        error instanceof MillraceError &&
        error.code === 'MILL_INVALID_DECLARATION' &&
        error.message === 'http: secret: expected whsec_ followed by 24 to 64 bytes in base64, found a value that is not shown',
    );
  }
  for (const text of [secret, secretOf(24), secretOf(25), secretOf(64)]) assert.equal(isWebhookSecret(text), true);
});
