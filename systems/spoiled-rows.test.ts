import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace, sqlite, type Table } from '../src/index.ts';
import { createServer } from '../src/server/create-server.ts';
import { type ConfigurableSystem, configure, type System } from '../src/server/index.ts';
import { migrateTables } from '../src/store/node-sqlite/tables.ts';
import { patientClock } from '../test/patient-clock.ts';
import { temporaryFolder } from '../test/program.ts';
import { accountsSystem } from './accounts/index.ts';
import { accountsTable } from './accounts/tables.ts';
import { events } from './events/index.ts';
import { processedEvents } from './events/storage.ts';
import { messages } from './messages/index.ts';
import { messages as messagesTable } from './messages/table.ts';
import { rockets } from './rockets/index.ts';

const Errors = z.array(z.object({ column: z.string(), message: z.string() }));
const Item = z.looseObject({ id: z.string().optional(), errors: Errors.optional() });
const Listed = z.looseObject({ items: z.array(Item).optional(), rockets: z.array(Item).optional(), nextCursor: z.string().optional() });

/**
 * A server on a file, and somebody's connection to it. `loose` tables were created by hand before the first start, without STRICT and
 * checks, so they can hold anything, even null as an id.
 */
async function serve(context: TestContext, served: ConfigurableSystem | System, loose: readonly Table[] = []) {
  const path = join(temporaryFolder(context), 'mill.db');
  if (loose.length > 0) makeLoose(path, loose);
  const system = configure(served as ConfigurableSystem, { SCHEDULER_INTERVAL: '1h' });
  const mill = await millrace({ store: sqlite(path), pipelines: system.pipelines, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const database = new DatabaseSync(path, { timeout: 5_000 });
  context.after(async () => {
    database.close();
    await server.stop(1000);
  });
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${text}`);
    return JSON.parse(text);
  };
  /** All items of a list, page by page. A list that never ends fails. */
  const collect = async (path: string) => {
    const items: z.infer<typeof Item>[] = [];
    let cursor = '';
    for (let pages = 0; pages < 50; pages += 1) {
      const page = Listed.parse(await get(`${path}${path.includes('?') ? '&' : '?'}limit=1${cursor}`));
      items.push(...(page.items ?? page.rockets ?? []));
      if (page.nextCursor === undefined) return items;
      cursor = `&cursor=${page.nextCursor}`;
    }
    return assert.fail(`${path}: expected a last page`);
  };
  const post = async (path: string, body: unknown) => {
    const { status } = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    assert.equal(status, 202);
  };
  const insert = (table: string, row: Readonly<Record<string, string | number | bigint | Uint8Array | null>>) => {
    const columns = Object.keys(row).map((column) => `"${column}"`);
    database.prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`).run(...Object.values(row));
  };
  return { mill, get, collect, post, insert };
}

function makeLoose(path: string, tables: readonly Table[]): void {
  const model = new DatabaseSync(':memory:');
  migrateTables(model, tables);
  const made = new DatabaseSync(path);
  for (const { name } of tables) {
    const found = model.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(name);
    made.exec(String(found?.sql).replace(/ STRICT|, WITHOUT ROWID| CHECK \(json_valid\("\w+"\)\)|(?<="id" TEXT) NOT NULL/g, ''));
  }
  model.close();
  made.close();
}

const idsOf = (items: readonly { readonly id?: string | undefined }[]) => items.map(({ id }) => id);
const messagesOf = ({ errors = [] }: z.infer<typeof Item>) => errors.map(({ column, message }) => `${column}: ${message}`);
const integers = 'expected an integer from -9007199254740991 to 9007199254740991';
const beyond = (more: bigint) => 2n ** 53n + more;

test('rockets with infinite speeds and far numbers are listed, in every order, page by page', async (context) => {
  const { get, collect, insert } = await serve(context, rockets);
  const row = (id: string, speed: number, number: number | bigint = 1) => {
    const texts = { type: 'Falcon-9', mission: 'ARTEMIS', status: 'ACTIVE', last_updated: '2022-02-02T19:39:05Z' };
    insert('rockets', { id, speed, last_message_number: number, ...texts });
  };
  for (const id of ['a', 'c', 'e']) row(id, Number.POSITIVE_INFINITY);
  for (const id of ['f', 'd']) row(id, Number.NEGATIVE_INFINITY);
  row('b', 500, beyond(1n));
  assert.deepEqual(idsOf(await collect('/rockets?sort=speed&order=asc')), ['d', 'f', 'b', 'a', 'c', 'e']);
  assert.deepEqual(idsOf(await collect('/rockets?sort=speed')), ['a', 'c', 'e', 'b', 'd', 'f']);
  assert.deepEqual(idsOf(await collect('/rockets')), ['a', 'b', 'c', 'd', 'e', 'f']);
  const whole = Listed.parse(await get('/rockets'));
  assert.equal(whole.count, 6);
  assert.deepEqual(whole.rockets?.slice(0, 2).map(messagesOf), [
    ['speed: expected a finite number, found Infinity'],
    [`last_message_number: ${integers}, found 9007199254740993`],
  ]);
  assert.deepEqual(
    whole.rockets?.slice(0, 2).map(({ speed, mission }) => [speed, mission]),
    [
      [Number.MAX_VALUE, 'ARTEMIS'],
      [500, 'ARTEMIS'],
    ],
  );
});

test('a rocket’s history shows messages with far numbers and JSON that JavaScript rounds', async (context) => {
  const { mill, collect, post, insert } = await serve(context, rockets);
  const channel = '193270a9-c9cf-404a-8f83-000000000001';
  const metadata = { channel, messageNumber: 1, messageTime: '2022-02-02T19:39:05Z', messageType: 'RocketLaunched' };
  await post('/messages', { metadata, message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' } });
  assert.ok(await mill.idle(60_000));
  for (const more of [1n, 3n, 5n]) {
    insert('rocket_messages', { rocket: channel, number: beyond(more), time: 'now', type: 'Odd', message: '{"by":1405478888888888901}' });
  }
  const items = await collect(`/rockets/${channel}/history`);
  assert.deepEqual(
    items.map(({ messageNumber }) => messageNumber),
    [1, 2 ** 53, 2 ** 53 + 4, 2 ** 53 + 4],
  );
  assert.deepEqual(items.map(messagesOf).slice(0, 2), [
    [],
    [
      `number: ${integers}, found 9007199254740993`,
      'message: expected JSON with numbers that JavaScript can hold, found 1405478888888888901',
    ],
  ]);
});

test('accounts with more tokens than a number can hold are listed in the order of their tokens, page by page', async (context) => {
  const { get, collect, insert } = await serve(context, accountsSystem({ observe: () => undefined }));
  const row = (id: string, type: string, tokens: number | bigint, version: number | bigint = 1) => {
    const rest = { account_type: type, data: '{}', callback_time_ms: 0, version };
    insert('accounts', { id, tokens, ...rest, updated_at: '2026-11-21T10:00:00.000Z' });
    insert('account_updates', { id, tokens, ...rest, indexed_at: '2026-11-21T10:00:00.000Z' });
  };
  row('a', 'x', beyond(5n));
  row('b', 'x', beyond(1n));
  row('c', 'y', beyond(3n), beyond(1n));
  row('d', 'y', beyond(3n));
  row('e', 'y', 5);
  assert.deepEqual(idsOf(await collect('/accounts?sort=tokens')), ['a', 'c', 'd', 'b', 'e']);
  assert.deepEqual(idsOf(await collect('/accounts?sort=tokens&order=asc')), ['e', 'b', 'c', 'd', 'a']);
  assert.deepEqual(idsOf(await collect('/accounts?sort=version')), ['c', 'a', 'b', 'd', 'e']);
  assert.deepEqual(idsOf(await collect('/accounts/highest')), ['a', 'c']);
  const single = Item.parse(await get('/accounts/a'));
  assert.deepEqual(
    [single.tokens, single.accountType, messagesOf(single)],
    [2 ** 53 + 4, 'x', [`tokens: ${integers}, found 9007199254740997`]],
  );
  assert.ok(!('errors' in (await get('/accounts/e'))), 'nothing is wrong with it');
  insert('account_updates', {
    ...{ id: 'c', version: beyond(3n), account_type: 'y', tokens: 1, data: '[1e400]', callback_time_ms: 0 },
    indexed_at: '2026-11-21T10:00:00.000Z',
  });
  assert.deepEqual((await collect('/accounts/c/updates')).map(messagesOf), [
    [`version: ${integers}, found 9007199254740993`, `tokens: ${integers}, found 9007199254740995`],
    [`version: ${integers}, found 9007199254740995`, 'data: expected JSON with numbers that JavaScript can hold, found 1e400'],
  ]);
});

test('an accounts table made without checks shows a blob, text in place of a number, and invalid JSON', async (context) => {
  const { get, collect, insert } = await serve(context, accountsSystem({ observe: () => undefined }), [accountsTable]);
  const row = (id: string | Uint8Array, tokens: number | string | Uint8Array, type: string | Uint8Array = 'x') =>
    insert('accounts', { id, tokens, account_type: type, version: 1, data: 'redacted', callback_time_ms: 0, updated_at: 'now' });
  row('a', 'many');
  row('b', 'very many');
  row('c', new Uint8Array([1]));
  row('d', 7);
  row(new Uint8Array([1]), 8, new Uint8Array([2]));
  row(new Uint8Array([2]), 9, new Uint8Array([3]));
  assert.deepEqual(idsOf(await collect('/accounts')), ['a', 'b', 'c', 'd', '', '']);
  assert.deepEqual(idsOf(await collect('/accounts?order=desc')), ['', '', 'd', 'c', 'b', 'a']);
  assert.deepEqual(idsOf(await collect('/accounts?sort=tokens')), ['c', 'b', 'a', '', '', 'd']);
  assert.deepEqual(idsOf(await collect('/accounts?sort=tokens&order=asc')), ['d', '', '', 'a', 'b', 'c']);
  assert.deepEqual(idsOf(await collect('/accounts/highest')), ['c', '', '']);
  const single = Item.parse(await get('/accounts/a'));
  assert.deepEqual([single.tokens, single.data], [0, null]);
  assert.deepEqual(messagesOf(single), [`tokens: ${integers}, found "many"`, 'data: expected JSON, found "redacted"']);
});

test('events with redacted data, or a blob as their time, are listed among the others', async (context) => {
  const { get, collect, insert } = await serve(context, events, [processedEvents]);
  const idOf = (number: number) => `193270a9-c9cf-404a-8f83-${String(number).padStart(12, '0')}`;
  const types = ['user_action', 'sensor_data', 'system_log'];
  const row = (number: number, created: string | Uint8Array, changes: object = {}) => {
    const rest = { processed_data: '{}', processing_time_ms: 1, processed_at: '2026-11-21T10:00:01.000Z', ...changes };
    insert('processed_events', { id: idOf(number), type: types[number % 3] ?? '', source: 'web_app', created_at: created, ...rest });
  };
  row(1, '2026-11-21T10:00:01.000Z', { processed_data: 'redacted' });
  row(2, '2026-11-21T10:00:02.000Z', { processing_time_ms: Number.POSITIVE_INFINITY });
  row(3, new Uint8Array([1]));
  row(4, new Uint8Array([1, 2]));
  row(5, new Uint8Array([2]));
  row(6, '2026-11-21T10:00:06.000Z');
  const items = await collect('/events');
  assert.deepEqual(idsOf(items), [5, 4, 3, 6, 2, 1].map(idOf));
  assert.deepEqual(items.map(messagesOf).slice(2), [
    ['created_at: expected a moment in UTC with milliseconds, found a blob of 1 byte'],
    [],
    ['processing_time_ms: expected a finite number, found Infinity'],
    ['processed_data: expected JSON, found "redacted"'],
  ]);
  const single = Item.parse(await get(`/events/${idOf(1)}`));
  assert.deepEqual([single.processed_data, messagesOf(single)], [null, ['processed_data: expected JSON, found "redacted"']]);
});

test('messages with blobs and far numbers are listed and counted, page by page', async (context) => {
  const { get, collect, insert } = await serve(context, messages, [messagesTable]);
  const row = (id: string | Uint8Array | null, changes: object = {}) =>
    insert('messages', {
      ...{ id, to: '+90', content: 'Hello', status: 'SUCCESS', attempts: 1, created_at: '2026-11-21T10:00:00Z' },
      ...{ sent_at: '2026-11-21T10:00:00.000Z', ...changes },
    });
  row('a', { sent_at: new Uint8Array([1]), content: new Uint8Array(5) });
  row('b', { sent_at: new Uint8Array([2]) });
  row('c', { status: 'FAILED', created_at: new TextEncoder().encode('2026-11-22 10:00:00'), attempts: beyond(1n) });
  row('d', { status: 'FAILED', created_at: new TextEncoder().encode('2026-11-23 10:00:00') });
  row('e', { status: 'FAILED' });
  row('f');
  row(new Uint8Array([1]));
  row(new Uint8Array([2]));
  assert.deepEqual(idsOf(await collect('/messages/sent')), ['b', 'a', '', '', 'f']);
  assert.deepEqual(idsOf(await collect('/messages/failed')), ['d', 'c', 'e']);
  const { total, items } = Listed.parse(await get('/messages/sent'));
  assert.equal(total, 5);
  assert.deepEqual(items?.slice(1, 3).map(messagesOf), [
    ['content: expected text, found a blob of 5 bytes', 'sent_at: expected text, found a blob of 1 byte'],
    ['id: expected text, found a blob of 1 byte'],
  ]);
  for (const createdAt of ['2026-11-20T10:00:00Z', '2026-11-19T10:00:00Z']) row(null, { status: 'PENDING', created_at: createdAt });
  row('g', { status: 'PENDING', created_at: '2026-11-18T10:00:00Z' });
  const pending = await collect('/messages/pending');
  assert.deepEqual(pending.map(messagesOf), [['id: expected text, found null'], ['id: expected text, found null'], []]);
  assert.deepEqual(messagesOf(Item.parse(await get('/messages/c'))), [
    'created_at: expected text, found a blob of 19 bytes',
    `attempts: ${integers}, found 9007199254740993`,
  ]);
});
