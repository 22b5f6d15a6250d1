import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { makeAuthority, makeCertificates } from '../../../test/certificates.ts';
import { makeOperatorMode } from '../../../test/nats-credentials.ts';
import { NatsServer, withoutNats } from '../../../test/nats-server.ts';
import { temporaryFolder } from '../../../test/program.ts';
import { messageOf } from '../../errors.ts';
import { NatsConnection } from './connection.ts';
import type { NatsConnectionOptions } from './connection-options.ts';

describe('credentials for NATS', { skip: withoutNats }, () => {
  test('a user with a password', async (context) => {
    const server = await NatsServer.make(context, { settings: 'authorization { user: mill, password: "s3cret" }' });
    await connects(context, { servers: server.url, user: 'mill', password: 's3cret' });
    await fails(context, { servers: server.url, user: 'mill', password: 'other' }, /authorization violation/i);
    await fails(context, { servers: server.url }, /authorization violation/i);
  });

  test('a token', async (context) => {
    const server = await NatsServer.make(context, { settings: 'authorization { token: "s3cret" }' });
    await connects(context, { servers: server.url, token: 's3cret' });
    await fails(context, { servers: server.url, token: 'other' }, /authorization violation/i);
  });

  test('the seed of an nkey', async (context) => {
    const [known, other] = [nkeys.createUser(), nkeys.createUser()];
    const server = await NatsServer.make(context, { settings: `authorization { users: [{ nkey: ${known.getPublicKey()} }] }` });
    const seedOf = (pair: typeof known) => new TextDecoder().decode(pair.getSeed());
    await connects(context, { servers: server.url, nkey: `${seedOf(known)}\n` });
    await fails(context, { servers: server.url, nkey: seedOf(other) }, /authorization violation/i);
    await fails(context, { servers: server.url, nkey: 'SUnot' }, /nkey|seed|base32/i);
  });

  test('a .creds file, which is read at each connection', async (context) => {
    const { settings, creds } = makeOperatorMode();
    const server = await NatsServer.make(context, { settings });
    const credsFile = join(temporaryFolder(context), 'mill.creds');
    await fails(context, { servers: server.url, credsFile }, /ENOENT/);
    writeFileSync(credsFile, makeOperatorMode().creds);
    const connection = await fails(context, { servers: server.url, credsFile }, /authorization violation/i);
    writeFileSync(credsFile, creds);
    await connection.connected();
  });

  test('a certificate of a trusted authority, and one of another', async (context) => {
    const folder = temporaryFolder(context);
    const { authority, certificate, key } = makeCertificates(folder);
    const server = await NatsServer.make(context, { settings: `tls { cert_file: "${certificate}", key_file: "${key}" }` });
    const servers = `tls://localhost:${server.port}`;
    await connects(context, { servers, tls: { caFile: authority } });
    await fails(context, { servers, tls: { caFile: makeAuthority(folder, 'other') } }, /certificate/);
    await fails(context, { servers, tls: true }, /certificate/);
  });

  test('a server without encryption is refused if encryption is required', async (context) => {
    const server = await NatsServer.make(context);
    await fails(context, { servers: server.url, tls: true }, /tls/i);
  });
});

async function connects(context: TestContext, options: NatsConnectionOptions): Promise<void> {
  await connectionOf(context, options).connected();
}

async function fails(context: TestContext, options: NatsConnectionOptions, reason: RegExp): Promise<NatsConnection> {
  const connection = connectionOf(context, options);
  const thrown = await connection.connected().then(
    () => assert.fail('expected no connection, found one'),
    (error: unknown) => messageOf(error),
  );
  assert.match(thrown, reason);
  for (const secret of [options.password, options.token, options.nkey]) {
    assert.ok(secret === undefined || !thrown.includes(secret), `a message shows a secret: ${thrown}`);
  }
  return connection;
}

function connectionOf(context: TestContext, options: NatsConnectionOptions): NatsConnection {
  const connection = new NatsConnection(options);
  context.after(() => connection.close());
  return connection;
}
