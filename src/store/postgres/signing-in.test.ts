import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority, makeCertificates } from '../../../test/certificates.ts';
import { account, PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { declaration } from '../contract/fixtures.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { postgres } from './postgres-store.ts';

/** Characters that a URL must encode, including those that people forget. */
const password = 'p@ss/w?rd#1%';

describe('signing in to an encrypting server that requires a password', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  let files: { readonly ca: string; readonly other: string };
  before(async () => {
    server = await PostgresServer.start();
    await server.query(`CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '${password}'`);
    const rules = join(server.folder, 'data/pg_hba.conf');
    writeFileSync(rules, `host all guarded 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`);
    const { authority, certificate, key } = makeCertificates(server.folder, account);
    files = { ca: authority, other: makeAuthority(server.folder, 'other') };
    for (const [name, value] of Object.entries({ ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }))
      await server.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await server.query('SELECT pg_reload_conf()');
  });
  after(() => server.stop());

  /** The result of opening: nothing, or the message. */
  async function opening(address: string, options: PostgresOptions = {}, mode?: string): Promise<string> {
    const schema = await server.createSchema();
    if (mode !== undefined) process.env.PGSSLMODE = mode;
    try {
      const store = postgres(address.replace('PORT', String(server.port)), { schema, ...options });
      await store.open(declaration);
      await store.close();
      return '';
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      assert.match(code, /^MILL_(?:STORE_UNAVAILABLE|INVALID_CONFIGURATION)$/);
      assert.doesNotMatch(message, /\n|w\?rd|ss%2F/);
      return message;
    } finally {
      delete process.env.PGSSLMODE;
    }
  }

  test('a password is accepted in any readable notation', async () => {
    const at = (written: string) => opening(`postgres://guarded:${written}@127.0.0.1:PORT/postgres`);
    assert.equal(await at('p%40ss%2Fw%3Frd%231%25'), '');
    assert.equal(await at('p@ss%2Fw%3Frd%231%'), '');
    assert.match(
      await at('p%40ss%2Fw%3Frd%232%25'),
      /^postgres:\/\/127\.0\.0\.1:\d+\/postgres: password authentication failed for user "guarded"$/,
    );
    assert.match(await at(encodeURI(password)), /expected a URL with \/, \? and # of a user or password written/);
  });

  test('an IPv6 address is accepted', async () => {
    const six = createServer((client) => {
      const database = connect(server.port, '127.0.0.1');
      for (const socket of [client, database]) socket.on('error', () => undefined);
      client.pipe(database).pipe(client);
    }).listen(0, '::1');
    await once(six, 'listening');
    assert.equal(await opening(`postgres://millrace@[::1]:${(six.address() as AddressInfo).port}/postgres`), '');
    six.close();
  });

  test('a certificate is checked as far as the mode requires', async () => {
    const byName = 'postgres://millrace@localhost:PORT/postgres';
    const byAddress = 'postgres://millrace@127.0.0.1:PORT/postgres';
    const { ca, other } = files;
    assert.equal(await opening(`${byAddress}?sslmode=require`), '');
    assert.match(await opening(`${byName}?sslmode=verify-full`), /self-signed certificate|unable to (?:verify|get)/);
    assert.equal(await opening(byName, { caFile: ca }), '');
    assert.equal(await opening(`${byName}?sslmode=verify-full&sslrootcert=${ca}`), '');
    assert.match(await opening(byAddress, { caFile: ca }), /does not match certificate/);
    assert.match(await opening(`${byAddress}?sslmode=require`, { caFile: ca }), /does not match certificate/);
    assert.equal(await opening(`${byAddress}?sslmode=verify-ca`, { caFile: ca }), '');
    assert.equal(await opening(`${byAddress}?sslmode=require&sslrootcert=${ca}`), '');
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      assert.match(
        await opening(`${byName}?sslmode=${mode}&sslrootcert=${other}`),
        /self-signed certificate|unable to (?:verify|get)/,
        mode,
      );
    assert.equal(
      await opening(`postgres://guarded:${encodeURIComponent(password)}@127.0.0.1:PORT/postgres?sslmode=require&channel_binding=require`),
      '',
    );
  });

  test('the environment’s mode applies if no other is given, with its usual meaning', async () => {
    await server.query('CREATE ROLE encrypted LOGIN SUPERUSER');
    const rules = join(server.folder, 'data/pg_hba.conf');
    writeFileSync(rules, `hostnossl all encrypted all reject\n${readFileSync(rules, 'utf8')}`);
    await server.query('SELECT pg_reload_conf()');
    const address = 'postgres://encrypted@127.0.0.1:PORT/postgres';
    assert.match(await opening(address), /no encryption/);
    assert.equal(await opening(address, {}, 'require'), '');
    assert.match(await opening(`${address}?sslmode=disable`, {}, 'require'), /no encryption/);
    assert.match(await opening(address, {}, 'verify-ca'), /^postgres: PGSSLMODE: expected the file of an authority/);
    assert.equal(await opening(`${address}?sslrootcert=${files.ca}`, {}, 'verify-ca'), '');
    assert.equal(await opening('postgres://encrypted@localhost:PORT/postgres', { caFile: files.ca }, 'disable'), '');
    assert.match(await opening(address, {}, 'allow'), /^postgres: PGSSLMODE: expected one of disable, prefer, .*, found "allow"/);
  });

  test('an invalid or missing authority file is named', async () => {
    const none = join(server.folder, 'none.pem');
    writeFileSync(none, 'hello');
    assert.match(await opening('postgres://millrace@localhost:PORT/postgres', { caFile: none }), /none\.pem/);
    assert.match(await opening('postgres://millrace@localhost:PORT/postgres', { caFile: '/nowhere/ca.pem' }), /\/nowhere\/ca\.pem/);
  });
});
