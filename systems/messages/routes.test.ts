import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../../src/index.ts';
import { createServer } from '../../src/server/create-server.ts';
import { configure } from '../../src/server/index.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { messages } from './index.ts';

const test = testOn('sqlite', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());
const Listed = z.object({
  items: z.array(z.looseObject({ id: z.string() })),
  total: z.int(),
  page: z.int().optional(),
  limit: z.int(),
  nextCursor: z.string().optional(),
});
const Refused = z.object({ errors: z.array(z.object({ path: z.string() })) });

interface Row {
  readonly id: string;
  readonly to?: string;
  readonly status?: string;
  readonly created_at?: string;
  readonly sent_at?: string;
  readonly deleted_at?: string;
  readonly reason?: string;
  readonly attempts?: number;
}

/** A server of messages that sends none by itself; the queries sent to the store are recorded. */
async function serve(context: StoreContext) {
  const { store, run } = context.openStore();
  const queries: (readonly [sql: string, parameters: Parameters<typeof store.query>[1]])[] = [];
  const query = store.query.bind(store);
  store.query = (sql, parameters) => {
    queries.push([sql, parameters]);
    return query(sql, parameters);
  };
  const system = configure(messages, { SCHEDULER_INTERVAL: '1h' });
  const mill = await millrace({ store, pipelines: system.pipelines, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.stop(1000));
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body), headers });
    return { status: answer.status, type: answer.headers.get('content-type'), body: Body.parse(await answer.json()) };
  };
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const list = async (path: string) => Listed.parse((await get(`/messages/${path}`)).body);
  const insert = async (rows: readonly Row[]) => {
    for (const row of rows) {
      const columns = { to: '+90', content: 'Hello', created_at: '2026-11-21T10:00:00Z', ...row };
      const names = Object.keys(columns).map((name) => `"${name}"`);
      const values = Object.values(columns).map(String);
      await run(`INSERT INTO messages (${names}) VALUES (${names.map(() => '?')})`, ...values);
    }
  };
  const plans = async () => {
    const details = await Promise.all(queries.map(([sql, parameters]) => query(`EXPLAIN QUERY PLAN ${sql}`, parameters)));
    return details.map((steps) => steps.map(({ detail }) => detail).join('; '));
  };
  return { post, get, list, insert, run, queries, plans };
}

test('the answer to a submitted message is its row, which can be found at once', async (context) => {
  const { post, get, list, run } = await serve(context);
  const { status, body } = await post('/messages/pending', { to: '+905551111111', content: 'Merhaba 🚀', status: 'SUCCESS' });
  assert.equal(status, 201);
  const { id, createdAt, updatedAt, ...rest } = body;
  assert.deepEqual(rest, { to: '+905551111111', content: 'Merhaba 🚀', status: 'PENDING', messageId: null, sentAt: null });
  assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([createdAt, new Date(String(createdAt)).toISOString()], [updatedAt, createdAt]);
  assert.deepEqual((await get(`/messages/${id}`)).body, body);
  assert.deepEqual(await list('pending'), { items: [body], total: 1, page: 1, limit: 20 });
  const [row] = await run('SELECT "to", content, status, created_at FROM messages');
  assert.deepEqual({ ...row }, { to: '+905551111111', content: 'Merhaba 🚀', status: 'PENDING', created_at: createdAt });
});

test('a message is recognised by its Idempotency-Key, even after its deletion', async (context) => {
  const { post, run } = await serve(context);
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  const submit = (content: string) => post('/messages/pending', { to: '+905551111111', content }, { 'idempotency-key': id.toUpperCase() });
  const first = await submit('one');
  assert.deepEqual([first.status, first.body.id, first.body.content], [201, id, 'one']);
  assert.deepEqual(await submit('two'), first);
  await run('UPDATE messages SET deleted_at = created_at');
  const { status, body } = await submit('three');
  assert.deepEqual([status, body.code], [409, 'MILL_CONFLICT']);
});

test('a message that cannot be sent is refused with all of its faults, and nothing is stored', async (context) => {
  const { post, list } = await serve(context);
  for (const [body, ...paths] of [
    [{ to: '', content: ' ' }, 'to', 'content'],
    [{ to: '1'.repeat(21), content: 'x'.repeat(256) }, 'to', 'content'],
    [{ to: 1, content: 'x' }, 'to'],
    [{ to: '1' }, 'content'],
    [[], ''],
    ['text', ''],
  ] as const) {
    const answer = await post('/messages/pending', body);
    assert.deepEqual([answer.status, answer.type], [400, 'application/problem+json']);
    assert.deepEqual(
      Refused.parse(answer.body).errors.map(({ path }) => path),
      paths,
    );
  }
  assert.equal((await list('pending')).total, 0);
});

test('a row inserted with SQL is shown like the others, its moments as RFC 3339; a deleted one is not', async (context) => {
  const { insert, list, get } = await serve(context);
  await insert([
    { id: 'a', created_at: '2026-11-21 10:00:00' },
    { id: 'b', status: 'FAILED', reason: 'status 400', attempts: 1 },
    { id: 'c', deleted_at: '2026-11-21 10:00:00' },
    { id: 'd', status: 'SUCCESS', sent_at: '2026-11-21 10:00:00', deleted_at: '2026-11-21 10:00:00' },
    { id: 'e', attempts: 2, reason: 'status 500' },
  ]);
  const createdAt = '2026-11-21T10:00:00.000Z';
  const shown = { to: '+90', content: 'Hello', status: 'PENDING', messageId: null, sentAt: null, createdAt, updatedAt: createdAt };
  assert.deepEqual((await list('pending')).items, [
    { id: 'e', ...shown, attempts: 2, reason: 'status 500' },
    { id: 'a', ...shown },
  ]);
  assert.deepEqual((await list('failed')).items, [{ id: 'b', ...shown, status: 'FAILED', reason: 'status 400' }]);
  assert.deepEqual(await list('sent'), { items: [], total: 0, page: 1, limit: 20 });
  for (const id of ['c', 'nobody']) assert.equal((await get(`/messages/${id}`)).status, 404);
});

/** 45 rows with one status, on two days, several at the same moment, written as SQL and as programs would. */
function mixture(status: 'SUCCESS' | 'PENDING' | 'FAILED'): Row[] {
  return Array.from({ length: 45 }, (_, index) => {
    const seconds = String(Math.floor(index / 3) + 10);
    const day = index < 20 ? '20' : '21';
    const isSql = status !== 'SUCCESS' && index % 2 === 0;
    const moment = isSql ? `2026-11-${day} 10:00:${seconds}` : `2026-11-${day}T10:00:${seconds}.000Z`;
    const id = `${status}-${String((index * 17) % 45).padStart(2, '0')}`;
    const to = index % 4 === 0 ? '+901' : '+902';
    return { id, to, status, created_at: moment, ...(status === 'SUCCESS' ? { sent_at: moment } : {}) };
  });
}

function timeOf({ created_at = '' }: Row): string {
  return created_at.replace(' ', 'T').slice(0, 19);
}

const filters: readonly (readonly [string, (row: Row) => boolean])[] = [
  ['', () => true],
  ['&to=%2B901', ({ to }) => to === '+901'],
  ['&to=+901', ({ to }) => to === '+901'],
  ['&to=nobody', () => false],
  ['&from=2026-11-20T10:00:13Z', (row) => timeOf(row) >= '2026-11-20T10:00:13'],
  ['&until=2026-11-21T13:00:20.000%2B03:00', (row) => timeOf(row) <= '2026-11-21T10:00:20'],
  ['&from=2026-11-21T10:00:16Z&until=2026-11-21T10:00:16Z&to=%2B902', (row) => timeOf(row) === '2026-11-21T10:00:16' && row.to === '+902'],
];

for (const [name, status] of [
  ['sent', 'SUCCESS'],
  ['pending', 'PENDING'],
  ['failed', 'FAILED'],
] as const) {
  test(`the list of ${name} messages is newest first, and its pages make up the whole, by number and by cursor`, async (context) => {
    const { insert, list } = await serve(context);
    const rows = mixture(status);
    await insert([...rows, ...mixture(status === 'FAILED' ? 'PENDING' : 'FAILED')]);
    for (const [filter, chosen] of filters) {
      const sorted = rows.filter(chosen).sort((one, other) => {
        const [time, otherTime] = [timeOf(one), timeOf(other)];
        if (time !== otherTime) return time < otherTime ? 1 : -1;
        return rest(one) < rest(other) ? 1 : -1;
      });
      for (const limit of [7, 45, 100]) {
        const first = await list(`${name}?limit=${limit}${filter}`);
        const byPage = [...first.items];
        for (let page = 2; page <= Math.ceil(first.total / limit); page += 1) {
          const next = await list(`${name}?page=${page}&limit=${limit}${filter}`);
          assert.deepEqual([next.page, next.limit, next.total], [page, limit, first.total]);
          byPage.push(...next.items);
        }
        const byCursor = [...first.items];
        for (let { nextCursor } = first; nextCursor !== undefined; ) {
          const next = await list(`${name}?cursor=${nextCursor}&limit=${limit}${filter}`);
          assert.deepEqual([next.page, next.total], [undefined, first.total]);
          byCursor.push(...next.items);
          nextCursor = next.nextCursor;
        }
        for (const items of [byPage, byCursor]) {
          assert.deepEqual(
            items.map(({ id }) => id),
            sorted.map(({ id }) => id),
            `${filter}, ${limit} a page`,
          );
        }
        assert.equal(first.total, sorted.length);
      }
      assert.deepEqual((await list(`${name}?page=1000000&limit=100${filter}`)).items, []);
    }
    assert.equal((await list(name)).items.length, 20);
  });
}

/** The order of rows in one second: SQL writes no fraction, which sorts before a program's. */
function rest({ created_at = '', id }: Row): string {
  return `${created_at.replace('T', ' ').slice(19)} ${id}`;
}

testOn('sqlite')('sent messages are read along their index, in its order', async (context) => {
  const { insert, list, queries, plans } = await serve(context);
  await insert(mixture('SUCCESS'));
  for (const filter of ['', '&from=2026-11-20T10:00:13Z', '&from=2026-11-20T10:00:13Z&until=2026-11-21T10:00:13Z']) {
    queries.length = 0;
    const { nextCursor } = await list(`sent?limit=1${filter}`);
    await list(`sent?limit=1${filter}&cursor=${nextCursor}`);
    for (const plan of await plans())
      assert.match(plan, /^SEARCH (main\.)?messages USING (COVERING )?INDEX messages_status_deleted_at_sent_at_id_idx [^;]*$/, filter);
  }
});

test('an invalid parameter is 400 and named', async (context) => {
  const { get, list, insert } = await serve(context);
  await insert(mixture('SUCCESS'));
  const { nextCursor } = await list('sent?limit=1');
  for (const [path, parameter] of [
    ['sent?page=0', 'page'],
    ['sent?page=-1', 'page'],
    ['sent?page=1.5', 'page'],
    ['sent?page=x', 'page'],
    ['sent?page=', 'page'],
    ['sent?page=1&page=2', 'page'],
    ['sent?page=9999999999', 'page'],
    ['sent?limit=0', 'limit'],
    ['pending?limit=101', 'limit'],
    ['failed?limit=x', 'limit'],
    ['sent?cursor=x', 'cursor'],
    [`pending?cursor=${nextCursor}`, 'cursor'],
    [`sent?page=1&cursor=${nextCursor}`, 'page'],
    ['sent?from=yesterday', 'from'],
    ['sent?until=2026-11-21', 'until'],
    ['sent?from=2026-11-21T10:00:01Z&until=2026-11-21T10:00:00Z', 'from'],
    ['sent?to=', 'to'],
  ] as const) {
    const { status, body } = await get(`/messages/${path}`);
    assert.equal(status, 400, path);
    assert.deepEqual(
      Refused.parse(body).errors.map((error) => error.path),
      [parameter],
      path,
    );
  }
});

test('the scheduler can be started and stopped repeatedly; any other command is 400', async (context) => {
  const { post, get } = await serve(context);
  const { lastRunAt, nextRunAt, ...stands } = (await get('/scheduler')).body;
  assert.deepEqual([stands, lastRunAt], [{ running: true, inBatch: false, interval: '1h' }, null]);
  assert.ok(Date.parse(String(nextRunAt)) - Date.now() <= 3_600_000);
  for (const action of ['stop', 'stop', 'start', 'start']) {
    const running = action === 'start';
    assert.deepEqual(await post('/scheduler', { action }), { status: 200, type: 'application/json; charset=utf-8', body: { running } });
    const { body } = await get('/scheduler');
    assert.deepEqual([body.running, body.nextRunAt === null], [running, !running]);
  }
  for (const wrong of [{}, { action: 'pause' }, { action: 1 }, [], null, 'stop', { action: 'stop', at: 'once' }]) {
    assert.equal((await post('/scheduler', wrong)).status, 400, JSON.stringify(wrong));
  }
});
