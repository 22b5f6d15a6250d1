import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { PostgresDatabase, type PostgresKind, postgresKinds, without } from './postgres-database.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { Program, temporaryFolder } from './program.ts';

const skip = withoutPostgres;
let server: PostgresServer;

before(async () => {
  if (!skip) server = await PostgresServer.start();
});
after(() => server?.stop());

const channel = '193270a9-c9cf-404a-8f83-838e71d9ae67';
const eventId = '01a22df2-f334-74cb-9659-e51eb4dc3a8e';
const launch = {
  metadata: { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05Z', messageType: 'RocketLaunched' },
  message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
};
const update = (version: number) => ({ id: 'a', accountType: 'mint', tokens: version, callbackTimeMs: 200, data: { version }, version });

async function post(url: string, path: string, body: unknown) {
  const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() };
}

async function get(url: string, path: string) {
  const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
  return { status: answer.status, body: z.record(z.string(), z.unknown()).parse(await answer.json()) };
}

/** Asks until the answer is as wanted. */
async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (let answer = await ask(); ; answer = await ask()) {
    if (isWanted(answer)) return answer;
    await pause(50);
  }
}

function serve(
  context: TestContext,
  database: string,
  environment: Readonly<Record<string, string>> = {},
  systems: readonly string[] = [],
) {
  const words = ['serve', ...systems, '--port', '0', '--database', database];
  return new Program(context, words, { folder: temporaryFolder(context), environment: { LOG_LEVEL: 'error', ...environment } });
}

for (const kind of postgresKinds) {
  test(`all systems work on ${kind}, and continue there after kill -9`, { skip: without(kind) }, (context) => goOn(context, kind));
}

async function goOn(context: TestContext, kind: PostgresKind): Promise<void> {
  const { url: database, isPooled } = await opened(context, kind);
  const pooled = { DB_POOLED: String(isPooled) };
  const first = serve(context, database, { ...pooled, SCHEDULER_INTERVAL: '1h' });
  const url = await first.listening();
  const accepted = [
    await post(url, '/messages', launch),
    await post(url, '/events', { id: eventId, type: 'user_action', source: 'web', user_id: 'ann', data: { action: 'click' } }),
    await post(url, '/accounts', [update(1), update(3), update(2)]),
    await post(url, '/workers/messages', { worker: 1, message: 'Hello', destination_worker: 2 }),
    await post(url, '/messages/pending', { to: '+905551111111', content: 'Merhaba' }),
  ];
  assert.deepEqual(
    accepted.map(({ status }) => status),
    [202, 202, 202, 202, 201],
  );
  await first.kill('SIGKILL');
  const second = serve(context, database, { ...pooled, SCHEDULER_INTERVAL: '500ms' });
  const again = await second.listening();
  const count = async (path: string, name: string, wanted: number) => {
    const { body } = await until(
      () => get(again, path),
      ({ status, body }) => status === 200 && Array.isArray(body[name]) && body[name].length >= wanted,
    );
    assert.equal(Object(body[name]).length, wanted, path);
  };
  for (const sort of ['id', 'type', 'speed', 'mission', 'status']) await count(`/rockets?sort=${sort}`, 'rockets', 1);
  for (const query of ['', '?user_id=ann&type=user_action&source=web', '?type=user_action', '?source=web'])
    await count(`/events${query}`, 'items', 1);
  for (const sort of ['id', 'tokens', 'version']) await count(`/accounts?sort=${sort}&type=mint`, 'items', 1);
  await count('/accounts/a/updates', 'items', 2);
  await count('/accounts/highest', 'items', 1);
  await count('/messages/sent', 'items', 1);
  const repeated = await post(again, '/events', { id: eventId, type: 'user_action', source: 'web', data: {} });
  assert.equal(Object(repeated.body).status, 'duplicate');
  const worker = await until(
    () => get(again, '/workers/2'),
    ({ body }) => body.messages_heard === 1,
  );
  assert.equal(worker.body.message_listened, 'Hello');
  assert.deepEqual((await get(again, '/dead-letters')).body.items, []);
  const { code, stderr } = await second.kill('SIGTERM');
  assert.equal(code, 0, stderr);
}

async function opened(context: TestContext, kind: PostgresKind): Promise<PostgresDatabase> {
  const database = await PostgresDatabase.open(kind);
  context.after(() => database.close());
  return database;
}

test('the simulated rockets are right', { skip }, async (context) => {
  const url = await serve(context, await server.createDatabase(), {}, ['rockets']).listening();
  const words = ['simulate', 'rockets', `${url}/messages`, '--max-messages', '2000', '--concurrency-level', '4'];
  const { code, stdout } = await new Program(context, words, { folder: temporaryFolder(context) }).ended;
  assert.match(stdout, /2,000 accepted, 200 duplicate\n[\s\S]*\nall 20 rockets are right\n$/);
  assert.equal(code, 0);
});

test('a replay continues where it was, the store is listed, and removed data is deleted', { skip }, async (context) => {
  const database = await server.createDatabase();
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'updates.json'), JSON.stringify([update(1), update(2), { ...update(7), id: 'b', callbackTimeMs: 60_000 }]));
  const environment = { DATABASE_URL: database, LOG_LEVEL: 'error' };
  const run = (...words: string[]) => new Program(context, words, { folder, environment });
  const words = ['replay', 'accounts', 'updates.json', '--max-delay', '0', '--database', database];
  const first = run(...words);
  await first.printed(/callback account=a version=2/);
  assert.equal((await first.kill('SIGINT')).code, 0);
  const second = run(...words);
  const listed = await run('store', 'list').ended;
  assert.match(listed.stdout, /^postgres:\/\/127\.0\.0\.1:\d+\/test_\d+\n\nPIPELINE .*\naccounts +0 +0 +2 +1 +/);
  assert.equal((await second.kill('SIGINT')).code, 0);
  const { code, stdout } = await run('store', 'delete', 'accounts', '--yes').ended;
  assert.deepEqual([code, /accounts/.test(stdout)], [0, true], stdout);
});

test('an impossible start is one line without the password, and exit code 1', { skip }, async (context) => {
  await server.query(`CREATE ROLE guarded LOGIN PASSWORD 'secret'`);
  await server.query('CREATE ROLE poor LOGIN');
  await server.query(`CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
  const rules = join(server.folder, 'data/pg_hba.conf');
  writeFileSync(rules, `host all guarded 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`);
  await server.query('SELECT pg_reload_conf()');
  const made = await server.createDatabase();
  await serve(context, made, { DB_PARTITIONS: '2' }, ['events']).kill('SIGTERM');
  const started = serve(context, made, { DB_PARTITIONS: '2' }, ['events']);
  await started.listening();
  await started.kill('SIGTERM');
  const at = (user: string, name: string) => `postgres://${user}@127.0.0.1:${server.port}/${name}`;
  const wrong: readonly [url: string, environment: Readonly<Record<string, string>>, line: RegExp][] = [
    [at('guarded:wr@ng-secret', 'postgres'), {}, /password authentication failed for user "guarded"/],
    [at('guarded:wr%40ng-secret', 'postgres'), {}, /password authentication failed for user "guarded"/],
    ['postgres://millrace:secret@no-such-host.invalid/postgres', {}, /no-such-host\.invalid/],
    ['postgres://millrace:secret@127.0.0.1:1/postgres', {}, /ECONNREFUSED/],
    [at('millrace:secret', 'nowhere'), {}, /database "nowhere" does not exist/],
    [at('poor:secret', 'postgres'), {}, /permission denied for schema public/],
    [at('millrace:secret', 'ascii'), {}, /expected a database with the encoding UTF8, found SQL_ASCII/],
    [at('millrace:secret', 'postgres'), { DB_SCHEMA: 'nope' }, /expected an existing schema for the tables, found no schema nope/],
    [at('millrace:secret', 'postgres'), { DB_CA_FILE: './nope.pem' }, /nope\.pem/],
    [`${at('millrace:secret', 'postgres')}?sslmode=require`, {}, /does not support SSL/],
    [at('millrace:secret', 'postgres'), { DB_SSLMODE: 'require' }, /does not support SSL/],
    [`${at('millrace:secret', 'postgres')}?sslmod=require`, {}, /sslmod is not a parameter of an address; did you mean sslmode\?/],
    [
      `${at('millrace:secret', 'postgres')}?sslmode=disable`,
      { DB_SSLMODE: 'require' },
      /^millrace: DB_SSLMODE: expected the sslmode of the URL/,
    ],
    [at('millrace:1/secret', 'postgres'), {}, /written %2F/],
    ['postgres://millrace:secret@[::1]:1/postgres', {}, /ECONNREFUSED|EADDRNOTAVAIL/],
    ['postgres://millrace:secret@localhost:1/postgres', {}, /localhost:1\/postgres: .*ECONNREFUSED/],
    [made, { DB_MAX_OPEN_CONNS: '0' }, /^millrace: DB_MAX_OPEN_CONNS: expected an integer from 5 to 10000, found "0"\n$/],
    [made, { DB_PARTITIONS: '3' }, /partitions: expected 2, fixed when the database was created, found 3/],
  ];
  for (const [url, environment, line] of wrong) {
    const begunAt = performance.now();
    const { code, stdout, stderr } = await serve(context, url, environment, ['events']).ended;
    assert.deepEqual([code, stdout], [1, ''], `${url}: ${stderr}`);
    assert.match(stderr, /^millrace: [^\n]*\n$/, url);
    assert.match(stderr, line);
    assert.doesNotMatch(stderr, /secret/);
    assert.ok(performance.now() - begunAt < 15_000, url);
  }
});

test('an unresponsive server ends the start in time', { skip }, async (context) => {
  const deaf = createServer().listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  context.after(() => deaf.close());
  const url = `postgres://millrace:secret@127.0.0.1:${(deaf.address() as AddressInfo).port}/postgres`;
  const { code, stderr } = await serve(context, url, { DB_CONNECT_TIMEOUT: '500ms' }, ['events']).ended;
  assert.match(stderr, /^millrace: postgres:\/\/127\.0\.0\.1:\d+\/postgres: [^\n]*timeout\n$/);
  assert.equal(code, 1);
});

test('while the database is away requests are refused quickly and health says why; then work continues', { skip }, async (context) => {
  const url = await serve(context, await server.createDatabase(), { LOG_LEVEL: 'silent' }, ['events', 'workers']).listening();
  const event = { type: 'sensor_data', source: 'web', data: {} };
  assert.equal((await post(url, '/events', event)).status, 202);
  await server.kill();
  const refused = await until(
    () => post(url, '/events', event),
    ({ status }) => status !== 202,
  );
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.retryAfter) >= 1);
  const askedAt = performance.now();
  assert.equal((await post(url, '/events', event)).status, 503);
  assert.ok(performance.now() - askedAt < 5_000);
  const ill = await until(
    () => get(url, '/health'),
    ({ status }) => status !== 200,
  );
  assert.equal(ill.status, 503);
  assert.match(JSON.stringify(ill.body), /postgres:\/\/|store|database/);
  await server.run();
  await until(
    () => get(url, '/health'),
    ({ status }) => status === 200,
  );
  assert.equal((await post(url, '/events', event)).status, 202);
  const { body } = await until(
    () => get(url, '/events'),
    ({ status, body }) => status === 200 && Object(body.items).length >= 2,
  );
  assert.ok(Object(body.items).length >= 2);
});

test('workers play from a file, but not a server', async (context) => {
  const words = ['workers', '--database', 'postgres://millrace:secret@127.0.0.1/talk'];
  const { code, stdout, stderr } = await new Program(context, words, { folder: temporaryFolder(context) }).ended;
  assert.deepEqual(
    [code, stdout, stderr],
    [2, '', 'millrace: --database: expected a SQLite file, found postgres://127.0.0.1/talk (see millrace workers --help)\n'],
  );
});
