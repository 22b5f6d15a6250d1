import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { NatsDeliveryOptions } from './delivery-options.ts';
import { nats } from './nats.ts';

const secret = 'hunter2';

test('the options of nats() are checked, and no secret is shown', () => {
  const servers = 'nats://localhost:4222';
  const subject = 'orders.paid';
  refuses({ subject }, /^nats: servers: expected an address such as nats:\/\/localhost:4222, found nothing/);
  refuses({ servers: `nats://mill:${secret}@localhost`, subject }, /^nats: servers: expected credentials in the options user and password/);
  refuses({ servers: ['http://localhost'], subject }, /^nats: servers: expected an address such as/);
  refuses({ servers, subject: 'orders.*' }, /^nats: subject: expected a subject .*found "orders\.\*"/);
  refuses({ servers, subject, user: 'mill' }, /^nats: expected user and password together, found user alone/);
  refuses({ servers, subject, token: secret, nkey: secret }, /^nats: expected at most one kind of credentials, found token and nkey/);
  refuses({ servers, subject, token: undefined }, /^nats: token: expected a non-empty text.*Is an environment variable unset\?/);
  refuses({ servers, subject, tls: { certFile: 'a.pem' } }, /^nats: tls: expected certFile and keyFile together/);
  refuses({ servers, subject, headers: { 'Nats-Msg-Id': secret } }, /^nats: headers: the transport sets this header itself: Nats-Msg-Id/);
  refuses({ servers, subject, headers: { token: `${secret}\n` } }, /^nats: headers\.token: expected a text without line breaks/);
  refuses({ servers, subject, cloudEvents: { type: '' } }, /^nats: cloudEvents\.type: expected/);
});

test('without its packages the error says what to install', () => {
  const withoutClient = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier !== '@nats-io/jetstream') return next(specifier, context);
        throw Object.assign(new Error("Cannot find package '@nats-io/jetstream'"), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });
    const { nats } = await import(${JSON.stringify(new URL('./nats.ts', import.meta.url).href)});
    await nats({ servers: 'localhost', subject: 'a' }).open().catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', withoutClient], { encoding: 'utf8' });
  const packages = '@nats-io/transport-node @nats-io/jetstream';
  assert.equal(
    stdout,
    `MILL_INVALID_CONFIGURATION nats: expected the packages ${packages}, found that they are not installed. Install them: npm install ${packages}\n`,
  );
});

function refuses(options: object, message: RegExp): void {
  assert.throws(
    () => nats(options as NatsDeliveryOptions),
    (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(secret), error.message);
      return 'code' in error && error.code === 'MILL_INVALID_DECLARATION';
    },
  );
}
