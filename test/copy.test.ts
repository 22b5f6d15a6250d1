import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import test, { after, before, type TestContext } from 'node:test';
import { MariadbServer, withoutMariadb } from './mariadb-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import type { Ended, Program } from './program.ts';
import { Yard } from './yard.ts';

/** Pipelines that use everything the engine keeps; whatever is not open yet waits. */
const module = `
import { appendFileSync, existsSync } from 'node:fs';
import { pipeline, table } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const seen = table('seen', { event: 'text', key: 'text', nth: 'integer', share: 'real', good: 'boolean', more: 'json?' }, { primaryKey: ['event'] });
const trail = table('trail', { event: 'text' });
const shop = {
  call: async ({ id, attempt }) => {
    if (!existsSync('open')) return { result: 'failed', reason: 'closed', retryAfterMs: 100 };
    appendFileSync('delivered', JSON.stringify({ id, attempt }) + '\\n');
    return { result: 'delivered' };
  },
};
const closed = { call: async () => ({ result: 'refused', reason: 'never' }) };
export const orders = pipeline('orders', {
  event: any,
  key: ({ key }) => key,
  id: ({ id }) => id,
  state: any,
  tables: { seen, trail },
  retry: { attempts: 1 },
  timers: { unpaid: (state) => ({ ...state, unpaid: true }) },
  deliver: { shop: { to: shop, order: 'key', retry: { attempts: 1000, backoff: '100ms' } }, never: { to: closed } },
  handle({ key, id, fail, deliver, unpaid }, state, turn) {
    if (fail && !existsSync('open')) throw new Error('not today');
    const nth = (state?.nth ?? 0) + 1;
    turn.put(seen, { event: id, key, nth, share: nth / 3, good: nth % 2 === 0, more: nth % 2 === 0 ? { 'ü': [nth] } : null });
    turn.add(trail, { event: id });
    if (unpaid) turn.timers.set('unpaid', { after: unpaid });
    if (deliver) turn.deliver(deliver, { id });
    return { nth };
  },
});
export const readings = pipeline('readings', {
  event: any,
  key: ({ key }) => key,
  order: { by: ({ n }) => n, from: 1, gap: 'wait' },
  state: any,
  handle: ({ n }, state) => [...(state ?? []), n],
});
export const ticks = pipeline('ticks', {
  event: any,
  key: ({ key }) => key,
  state: any,
  schedule: { every: '1h', source: () => [] },
  handle: (_event, state) => (state ?? 0) + 1,
});`;

let server: PostgresServer;
let mariadb: MariadbServer;

before(async () => {
  if (withoutPostgres === false) server = await PostgresServer.start();
  if (withoutMariadb === false) mariadb = await MariadbServer.start();
});

after(() => Promise.all([server?.stop(), mariadb?.stop()]));

/** A kind of database server. */
interface Kind {
  readonly name: string;
  readonly skip: string | false;
  createDatabase(): Promise<string>;
  /** Runs SQL on the database at an address, and returns the rows. */
  query(sql: string, url: string): Promise<Json[]>;
}

const postgres: Kind = {
  name: 'PostgreSQL',
  skip: withoutPostgres,
  createDatabase: () => server.createDatabase(),
  query: (sql, url) => server.query(sql, url),
};

const maria: Kind = {
  name: 'MariaDB',
  skip: withoutMariadb,
  createDatabase: () => mariadb.createDatabase(),
  query: async (sql, url) => (await mariadb.query(sql, new URL(url).pathname.slice(1))).map((row) => ({ ...row })),
};

const kinds = [postgres, maria];

/** Both orders in which a copy may go through two servers. */
const ways = [
  [postgres, maria],
  [maria, postgres],
] as const;

const onBoth = { skip: withoutPostgres || withoutMariadb };

type Json = Record<string, unknown>;

class CopyYard extends Yard {
  constructor(context: TestContext) {
    super(context, { 'orders.ts': module });
  }

  serve(database: string, systems = ['./orders.ts'], environment = {}): Program {
    return this.start(['serve', ...systems, '--port', '0', '--database', database], { environment });
  }

  copy(from: string, to: string, ...words: string[]): Promise<Ended> {
    return this.start(['copy', ...(words.length === 0 ? ['./orders.ts'] : words), '--from', from, '--to', to]).ended;
  }

  sql<Row extends object>(name: string, sql: string): readonly Row[] {
    const db = new DatabaseSync(this.path(name));
    try {
      return db
        .prepare(sql)
        .all()
        .map((row) => ({ ...row })) as unknown as Row[];
    } finally {
      db.close();
    }
  }

  /** Returns the deliveries, in order. */
  get delivered(): readonly { readonly id: string; readonly attempt: number }[] {
    if (!existsSync(this.path('delivered'))) return [];
    // The last line may be incomplete.
    const lines = readFileSync(this.path('delivered'), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }

  /** Serves until the work is done and nothing is under way, then stops. */
  async fill(database: string, work: (url: string) => Promise<void>): Promise<void> {
    const program = this.serve(database);
    await work(await program.listening());
    assert.equal((await program.kill('SIGTERM')).code, 0);
  }
}

async function get(url: string): Promise<Json> {
  return Object(await (await fetch(url)).json());
}

/** Asks until the answer satisfies the condition; each answer waits for everything accepted before it. */
async function until(url: string, isSo: (answer: Json) => boolean): Promise<Json> {
  for (;;) {
    const answer = await get(url);
    if (isSo(answer)) return answer;
  }
}

async function post(url: string, body: object): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  const { status } = Object(await answer.json());
  return status ?? answer.status;
}

/**
 * Adds settled events to the log of a file at rest, spread over a number of keys, each with its own timer, records their ids as known, and
 * adds blocks that each belong to two keys.
 */
function grow(path: string, events: number, keys: number): void {
  const db = new DatabaseSync(path);
  db.exec(`
    BEGIN;
    CREATE TEMP TABLE numbers AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ${events}) SELECT n FROM n;
    CREATE TEMP TABLE head AS SELECT coalesce(max(position), 0) AS head FROM millrace_log_orders;
    INSERT INTO millrace_log_orders SELECT head + n, 'k' || (n % ${keys}), 'i' || n, NULL, ${Date.now() - events} + n, '{"n":' || n || '}', NULL, NULL
      FROM numbers, head;
    INSERT OR IGNORE INTO millrace_id_buckets_orders VALUES (0, 8192, 0, 0, NULL);
    INSERT INTO millrace_ids_orders SELECT 0, 'i' || n, ${Date.now() - events} + n FROM numbers;
    INSERT INTO millrace_keys_orders (key, state, state_version, next, parked) SELECT 'k' || (n - 1), '{"nth":' || n || '}', 1, NULL, 0 FROM numbers WHERE n <= ${keys};
    INSERT INTO millrace_causes_orders SELECT 'k' || (n - 1), 'timer', 'unpaid', '', 4000000000000 + n, NULL, 0, NULL FROM numbers WHERE n <= ${keys};
    INSERT INTO millrace_blocks SELECT 'orders', 0, n, '[' || n || ']' || char(10) || '["k' || (n % ${keys}) || '",null,[[' || (head + n) || ',1]]]' || char(10)
      || '["k' || ((n + 1) % ${keys}) || '",null,[[' || (head + n + 1) || ',2,3]]]' || char(10) FROM numbers, head WHERE n < ${Math.min(events, 3_000)};
    INSERT INTO millrace_key_blocks SELECT 'orders', 0, 'k' || (n % ${keys}), n FROM numbers WHERE n < ${Math.min(events, 3_000)};
    INSERT INTO seen SELECT 'i' || n, 'k' || (n % ${keys}), n, n / 7.0, n % 2, NULL FROM numbers;
    UPDATE millrace_partitions SET cursor = (SELECT max(position) FROM millrace_log_orders) WHERE pipeline = 'orders';
    COMMIT;`);
  db.close();
}

/** Resolves once a gap of a pipeline is noted. */
async function gapNoted(url: string, pipeline: string): Promise<void> {
  await until(`${url}/pipelines/${pipeline}/gaps`, ({ items }) => (items as Json[]).length > 0);
}

const onPostgres = { skip: withoutPostgres };

for (const kind of kinds) {
  test(`in ${kind.name} the systems continue where they were in a file: callbacks, waiting messages, and rockets that lack a number`, {
    skip: kind.skip,
  }, async (context) => {
    const yard = new CopyYard(context);
    const systems = ['accounts', 'messages', 'rockets'];
    const settings = { SCHEDULER_INTERVAL: '100ms', MESSAGE_RETRY_BACKOFF: '1h' };
    const first = yard.serve('./mill.db', systems, { ...settings, SMS_PROVIDER_URL: 'http://127.0.0.1:9/closed' });
    const from = await first.listening();
    const account = { id: 'late', accountType: 'escrow', tokens: 5, callbackTimeMs: 10_000_000, version: 1 };
    assert.equal(await post(`${from}/accounts`, account), 'accepted');
    assert.equal(await post(`${from}/accounts`, { ...account, id: 'soon', callbackTimeMs: 1_500 }), 'accepted');
    const due = await until(`${from}/accounts/late`, ({ callbackDueAt }) => callbackDueAt !== undefined);
    const added = await fetch(`${from}/messages/pending`, { method: 'POST', body: '{"to":"+905551111111","content":"Hello"}' });
    const message = Object(await added.json()).id;
    const tried = await until(`${from}/messages/${message}`, ({ attempts }) => attempts === 1);
    const channel = '193270a9-c9cf-404a-8f83-838e71d9ae67';
    const rocket = (n: number, text: object) => ({
      metadata: {
        channel,
        messageNumber: n,
        messageTime: '2022-02-02T19:39:05.86337+01:00',
        messageType: n === 1 ? 'RocketLaunched' : 'RocketSpeedIncreased',
      },
      message: text,
    });
    assert.equal(await post(`${from}/messages`, rocket(1, { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' })), 'accepted');
    for (const n of [3, 4]) assert.equal(await post(`${from}/messages`, rocket(n, { by: 100 })), 'accepted');
    await until(`${from}/rockets/${channel}`, ({ pendingMessages }) => pendingMessages === 2);
    await gapNoted(from, 'rockets');
    assert.equal((await first.kill('SIGTERM')).code, 0);

    const to = await kind.createDatabase();
    const copied = await yard.copy('./mill.db', to, ...systems, '--json');
    assert.deepEqual([copied.code, copied.stderr], [0, '']);
    const { pipelines, tables } = JSON.parse(copied.stdout);
    const rockets = {
      pipeline: 'rockets',
      events: 3,
      held: 2,
      keys: 1,
      gaps: 1,
      timers: 0,
      outcomes: 0,
      deliveries: 0,
      deadLetters: 0,
      ids: 0,
    };
    assert.deepEqual(
      pipelines.find(({ pipeline }: Json) => pipeline === 'rockets'),
      rockets,
    );
    assert.deepEqual(
      tables.find(({ table }: Json) => table === 'messages'),
      { table: 'messages', rows: 1 },
    );

    const second = yard.serve(to, systems, { ...settings });
    const url = await second.listening();
    assert.equal((await get(`${url}/accounts/late`)).callbackDueAt, due.callbackDueAt);
    assert.equal(await post(`${url}/accounts`, account), 'duplicate');
    assert.equal(await post(`${url}/accounts`, { ...account, version: 2 }), 'accepted');
    await until(`${url}/accounts/late`, ({ version }) => version === 2);
    const [cancelled] = (await get(`${url}/accounts/late/updates`)).items as Json[];
    assert.equal(cancelled?.cancelledBy, 2);
    await until(`${url}/accounts/soon/updates`, ({ items }) => (items as Json[])[0]?.callbackAt !== undefined);
    assert.equal((await get(`${url}/messages/${message}`)).attempts, tried.attempts);
    assert.equal(await post(`${url}/messages`, rocket(1, { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' })), 'duplicate');
    assert.equal(await post(`${url}/messages`, rocket(4, { by: 100 })), 'duplicate');
    assert.equal(await post(`${url}/messages`, rocket(2, { by: 100 })), 'accepted');
    const whole = await until(`${url}/rockets/${channel}`, ({ pendingMessages }) => pendingMessages === 0);
    assert.deepEqual([whole.lastMessageNumber, whole.speed], [4, 800]);
    assert.equal((await second.kill('SIGTERM')).code, 0);
  });
}

/** Leaves an example of everything that is kept, with `closed` holding up whatever waits. */
async function leaveAll(url: string): Promise<void> {
  const orders = `${url}/pipelines/orders/events`;
  const first = await post(orders, { key: 'a', id: 'a1', deliver: 'shop', unpaid: '1h' });
  assert.equal(first, 'accepted');
  for (const n of [2, 3]) assert.equal(await post(orders, { key: 'a', id: `a${n}`, deliver: 'shop' }), 'accepted');
  assert.equal(await post(orders, { key: 'b', id: 'b1', fail: true }), 'accepted');
  for (const n of [2, 3]) assert.equal(await post(orders, { key: 'b', id: `b${n}` }), 'accepted');
  assert.equal(await post(orders, { key: 'c', id: 'c1', deliver: 'never' }), 'accepted');
  for (const n of [1, 2, 4, 5, 7]) assert.equal(await post(`${url}/pipelines/readings/events`, { key: 'r', n }), 'accepted');
  await until(`${url}/dead-letters`, ({ items }) => (items as Json[]).length === 2);
  await gapNoted(url, 'readings');
  for (const key of ['a', 'b', 'c']) assert.equal(await post(`${url}/pipelines/ticks/events`, { key }), 'accepted');
  await until(`${url}/pipelines/ticks/keys/c`, ({ state }) => state === 1);
  assert.equal(await post(`${url}/pipelines/orders/pause`, {}), 200);
}

/** Keys that have a timeline, with their pipelines. */
const told = ['orders/keys/a', 'orders/keys/b', 'orders/keys/c', 'readings/keys/r', 'ticks/keys/c'];

/** Returns the timeline of each key, the newest item first. Positions are left out: in a copy they differ. */
async function timelines(url: string): Promise<readonly (readonly Json[])[]> {
  return Promise.all(
    told.map(async (key) => {
      const items: Json[] = [];
      for (let cursor = ''; ; ) {
        const page = await get(`${url}/pipelines/${key}/timeline?limit=2${cursor}`);
        items.push(...(page.items as Json[]).map(({ position: _, ...item }) => item));
        if (page.nextCursor === undefined || page.nextCursor === null) return items;
        cursor = `&cursor=${page.nextCursor}`;
      }
    }),
  );
}

/** Checks that the timelines of a copy end with all that they had before it. */
async function checkTold(url: string, before: readonly (readonly Json[])[]): Promise<void> {
  for (const [at, items] of (await timelines(url)).entries())
    assert.deepEqual(items.slice(-(before[at] ?? []).length), before[at], told[at]);
}

/** Inspects the copy, opens whatever was closed, and checks that everything finishes, once and in order. */
async function seeAll(yard: CopyYard, url: string): Promise<void> {
  const orders = `${url}/pipelines/orders/events`;
  for (const id of ['a1', 'b2', 'c1']) assert.equal(await post(orders, { key: id.slice(0, 1), id }), 'duplicate');
  writeFileSync(yard.path('open'), '');
  assert.equal(await post(`${url}/pipelines/orders/resume`, {}), 200);
  const { items } = await get(`${url}/dead-letters`);
  const letter = (items as Json[]).find(({ kind }) => kind === 'event');
  assert.deepEqual([letter?.key, (items as Json[]).length], ['b', 2]);
  const answer = await fetch(`${url}/dead-letters/${letter?.id}/redrive`, { method: 'POST', body: '{}' });
  assert.ok(answer.ok, await answer.text());
  await until(`${url}/pipelines/orders/keys/b`, ({ state }) => Object(state).nth === 3);
  assert.equal(await post(`${url}/pipelines/readings/events`, { key: 'r', n: 4 }), 'duplicate');
  assert.equal(await post(`${url}/pipelines/readings/events`, { key: 'r', n: 3 }), 'accepted');
  await until(`${url}/pipelines/readings/keys/r`, ({ state }) => JSON.stringify(state) === '[1,2,3,4,5]');
  assert.equal(await post(orders, { key: 'a', id: 'a4', deliver: 'shop' }), 'accepted');
  while (yard.delivered.length < 4) await get(`${url}/ping`);
  const [a1, ...others] = yard.delivered;
  assert.ok(a1 !== undefined && a1.attempt > 1, JSON.stringify(a1));
  assert.equal(new Set([a1, ...others].map(({ id }) => id)).size, 4);
  assert.equal((await get(`${url}/pipelines/ticks/keys/c`)).state, 1);
}

/** Inserts inbox rows: two for a paused pipeline, between two for an undeclared pipeline, one of which is not an event. */
function intoInbox(): string {
  const row = (pipeline: string, id: string, event: string) => `('${pipeline}', ${id}, '${event}', '00-1')`;
  const rows = [1, 2].map((n) => row('orders', `'i${n}'`, JSON.stringify({ key: 'i', id: `i${n}`, text: `ü ${n}` })));
  const all = [row('later', 'NULL', 'no JSON'), ...rows, row('later', "'l1'", '{}')];
  return `INSERT INTO millrace_inbox (pipeline, id, event, traceparent) VALUES ${all.join(', ')}`;
}

const auditRows = 'SELECT id, at, who, action, pipeline, subject, reason FROM millrace_audit ORDER BY id';

const inboxRows = 'SELECT pipeline, id, event, traceparent FROM millrace_inbox ORDER BY pipeline, place';

test(
  'inbox rows and operators’ actions are copied in order, from a file to PostgreSQL, to MariaDB and back, and the rows are taken in at their destination',
  onBoth,
  async (context) => {
    const yard = new CopyYard(context);
    await yard.fill('./mill.db', async (url) => {
      // Its text is not JSON, so it is a dead letter when the copy begins.
      yard.sql('mill.db', "INSERT INTO millrace_inbox (pipeline, event) VALUES ('readings', 'no JSON')");
      await until(`${url}/dead-letters`, ({ items }) => (items as Json[]).length === 1);
      assert.equal(await post(`${url}/pipelines/orders/pause`, { reason: 'a copy' }), 200);
    });
    yard.sql('mill.db', intoInbox());
    const audited = yard.sql<Json>('mill.db', auditRows);
    assert.deepEqual(
      audited.map(({ action, reason }) => [action, reason]),
      [['pause', 'a copy']],
    );
    const before = yard.sql<Json>('mill.db', inboxRows);
    assert.equal(before.length, 4);
    const [first, second] = [await postgres.createDatabase(), await maria.createDatabase()];
    for (const [from, next] of [
      ['./mill.db', first],
      [first, second],
      [second, './back.db'],
    ] as const) {
      const { code, stdout, stderr } = await yard.copy(from, next);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /counts and checksums match/);
      assert.match(stdout, /^rows of the inbox: 4$/m);
    }
    assert.deepEqual(await postgres.query(inboxRows, first), before);
    assert.deepEqual(await maria.query(inboxRows, second), before);
    assert.deepEqual(yard.sql('back.db', inboxRows), before);
    const copies = [await postgres.query(auditRows, first), await maria.query(auditRows, second), yard.sql<Json>('back.db', auditRows)];
    const texts = (rows: readonly Json[]) => rows.map(({ id, at, action, reason }) => [id, at, action, reason].map(String));
    for (const rows of copies) assert.deepEqual(texts(rows), texts(audited));
    for (const database of [first, second, './back.db']) {
      const program = yard.serve(database);
      const url = await program.listening();
      const { items } = await get(`${url}/dead-letters`);
      const [letter] = items as Json[];
      assert.equal(await post(`${url}/dead-letters/${letter?.id}/redrive`, {}), 'redriven');
      await until(`${url}/dead-letters`, (found) => (found.items as Json[]).some(({ id }) => id !== letter?.id));
      assert.equal(await post(`${url}/pipelines/orders/resume`, {}), 200);
      await until(`${url}/pipelines/orders/keys/i`, ({ state }) => Object(state).nth === 2);
      assert.equal(await post(`${url}/pipelines/orders/events`, { key: 'i', id: 'i1' }), 'duplicate');
      assert.equal((await program.kill('SIGTERM')).code, 0);
    }
    const taken = "SELECT event FROM seen WHERE event LIKE 'i%' ORDER BY nth";
    for (const rows of [await postgres.query(taken, first), await maria.query(taken, second), yard.sql('back.db', taken)])
      assert.deepEqual(rows, [{ event: 'i1' }, { event: 'i2' }]);
    assert.deepEqual(yard.sql('back.db', 'SELECT id, pipeline FROM millrace_inbox ORDER BY id'), [
      { id: null, pipeline: 'later' },
      { id: 'l1', pipeline: 'later' },
    ]);
    const refused = await yard.copy('./mill.db', second);
    assert.match(refused.stderr, /expected an empty database, found \d+ rows? of /);
  },
);

for (const [first, second] of ways)
  test(
    `from a file to ${first.name}, to ${second.name} and back: waiting, given-up and known work is copied, and completes once and in order`,
    onBoth,
    async (context) => {
      const yard = new CopyYard(context);
      let nextRunAt: unknown;
      let before: readonly (readonly Json[])[] = [];
      await yard.fill('./mill.db', async (url) => {
        await leaveAll(url);
        nextRunAt = (await get(`${url}/pipelines/ticks/schedule`)).nextRunAt;
        before = await timelines(url);
      });
      // Values that a JavaScript number would round, and values that SQL formats in its own way.
      yard.sql(
        'mill.db',
        `UPDATE seen SET nth = 9223372036854775807, share = 1.7976931348623157e308, more = '{"a": [1,2.50]}' WHERE event = 'a1'`,
      );
      yard.sql('mill.db', `UPDATE seen SET nth = -9223372036854775808, share = 5e-324 WHERE event = 'a2'`);
      const [one, two] = [await first.createDatabase(), await second.createDatabase()];
      for (const [from, next] of [
        ['./mill.db', one],
        [one, two],
        [two, './back.db'],
        ...(first === postgres ? [['./back.db', './again.db'] as const] : []),
      ] as const) {
        const { code, stdout, stderr } = await yard.copy(from, next);
        assert.deepEqual([code, stderr], [0, '']);
        assert.match(stdout, /counts and checksums match/);
        assert.match(stdout, /^orders +7 +3 +3 +0 +1 +\d +3 +2 +7$/m);
        assert.match(stdout, /^readings +5 +3 +1 +1 +0 +0 +0 +0 +0$/m);
        assert.match(stdout, /^seen +4$/m);
      }
      const slices = await second.query("SELECT DISTINCT slice FROM millrace_keys WHERE pipeline IN ('ticks', 'millrace_schedules')", two);
      assert.equal(slices.length, 1);
      assert.equal((await second.query('SELECT id FROM millrace_ids_orders', two)).length, 7);
      const shown = 'SELECT event, "key", CAST(nth AS text) AS nth, share, good, more FROM seen ORDER BY event';
      assert.deepEqual(yard.sql('back.db', shown), yard.sql('mill.db', shown));
      for (const items of before)
        assert.ok(items.length > 0 && items.every(({ kind, event }) => kind !== 'handled' || event !== undefined));
      for (const database of [two, './back.db']) {
        const program = yard.serve(database);
        const url = await program.listening();
        assert.equal((await get(`${url}/pipelines/ticks/schedule`)).nextRunAt, nextRunAt);
        await checkTold(url, before);
        await seeAll(yard, url);
        await checkTold(url, before);
        assert.equal((await program.kill('SIGTERM')).code, 0);
        for (const name of ['open', 'delivered']) rmSync(yard.path(name));
      }
      assert.deepEqual(yard.sql('back.db', "SELECT event FROM seen WHERE key = 'b' ORDER BY nth"), [
        { event: 'b1' },
        { event: 'b2' },
        { event: 'b3' },
      ]);
    },
  );

/** Returns the number of rows that a copy has written to a server. */
async function rowsThere(kind: Kind, to: string): Promise<number> {
  const [isThere] = await kind.query(
    `SELECT 1 FROM information_schema.tables WHERE table_name = 'millrace_copy' AND table_schema = ${schemaOf[kind.name]}`,
    to,
  );
  if (isThere === undefined) return 0;
  const [sum] = await kind.query('SELECT sum(done) AS row_count FROM millrace_copy', to);
  return Number(sum?.row_count);
}

const schemaOf: Readonly<Record<string, string>> = { PostgreSQL: 'current_schema()', MariaDB: 'database()' };

function rowsInFile(path: string): number {
  if (!existsSync(path)) return 0;
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'millrace_copy'").get() === undefined) return 0;
    return Number(db.prepare('SELECT sum(done) AS rows FROM millrace_copy').get()?.rows);
  } finally {
    db.close();
  }
}

/** Checks each slice's events in order: no position is left out, and the numbered ids of a key rise. */
async function checkLog(kind: Kind, database: string, events: number): Promise<void> {
  const rows = await kind.query('SELECT * FROM millrace_log_orders ORDER BY slice, position', database);
  assert.equal(rows.length, events);
  assert.equal(new Set(rows.map(({ id }) => String(id))).size, events);
  for (const own of Map.groupBy(rows, ({ slice }) => slice).values())
    assert.deepEqual([Number(own[0]?.position), Number(own.at(-1)?.position)], [1, own.length]);
  for (const own of Map.groupBy(rows, ({ key }) => String(key)).values()) {
    const numbers = own.map(({ id }) => Number(String(id).slice(1)));
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
  }
}

test(
  'a killed copy resumes when restarted, from a file to PostgreSQL, to MariaDB and back: nothing is duplicated or left out, and no server starts on half a copy',
  onBoth,
  async (context) => {
    const yard = new CopyYard(context);
    await yard.fill('./mill.db', leaveAll);
    grow(yard.path('mill.db'), 20_000, 500);
    const to = await postgres.createDatabase();
    const words = ['copy', './orders.ts', '--from', './mill.db', '--to', to];
    for (const least of [1, 25_000]) {
      const killed = yard.start(words);
      while ((await rowsThere(postgres, to)) < least);
      await killed.kill('SIGKILL');
    }
    assert.ok((await rowsThere(postgres, to)) < 60_000);
    const isRefused = async (database: string) => {
      const refused = await yard.serve(database).ended;
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /expected a complete database, found an unfinished copy\. Run millrace copy again/);
    };
    await isRefused(to);

    const stopped = yard.start(words);
    await stopped.printed(/continuing an interrupted copy: \d+,\d+ of \d+,\d+ rows copied so far/);
    const interrupted = await stopped.kill('SIGINT');
    assert.equal(interrupted.signal, 'SIGINT');
    assert.match(interrupted.stderr, /the copy is incomplete; run the same command again to continue it/);

    const { code, stdout } = await yard.copy('./mill.db', to);
    assert.equal(code, 0);
    assert.match(stdout, /^orders +20,007 +3 +503 +0 +501 +\d +3 +2 +20,007$/m);
    await checkLog(postgres, to, 20_007);
    // As before a change of where keys are placed: a block of each of three slices, whose key is in one now. They come first, so the 100 rows
    // of the copy's first batch end within a block, which the second batch continues.
    const ofThreeSlices = "FROM millrace_blocks WHERE pipeline = 'orders' AND block < 0";
    await server.query(
      `INSERT INTO millrace_blocks SELECT 'orders', slice, n, '[' || n || E']\\n["k1",null,[]]\\n'
         FROM generate_series(-300, -101) AS n, generate_series(0, 2) AS slice`,
      to,
    );
    const inMaria = await maria.createDatabase();
    for (const least of [10_000, 25_000]) {
      const further = yard.start(['copy', './orders.ts', '--from', to, '--to', inMaria]);
      while ((await rowsThere(maria, inMaria)) < least);
      await further.kill('SIGKILL');
    }
    await isRefused(inMaria);
    const there = await yard.copy(to, inMaria);
    assert.deepEqual([there.code, there.stdout.split('\n').slice(2)], [0, stdout.split('\n').slice(2)]);
    await checkLog(maria, inMaria, 20_007);
    const back = yard.start(['copy', './orders.ts', '--from', inMaria, '--to', './back.db']);
    while (rowsInFile(yard.path('back.db')) < 10_000);
    await back.kill('SIGKILL');
    await isRefused('./back.db');
    const whole = await yard.copy(inMaria, './back.db');
    assert.deepEqual([whole.code, whole.stdout.split('\n').slice(2)], [0, stdout.split('\n').slice(2)]);
    // Slices have told of the two keys of a block apart, and come together again.
    const blocks = yard.sql<{ text: string }>('back.db', 'SELECT text FROM millrace_blocks WHERE block BETWEEN 1 AND 2999 ORDER BY block');
    assert.equal(blocks.length, 2_999);
    for (const [at, { text }] of blocks.entries()) {
      const [first, ...lines] = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const ids = lines.map(([key, , [[id]]]) => `${key} ${id}`);
      assert.deepEqual([first, ids.toSorted()], [[at + 1], [`k${(at + 1) % 500} i${at + 1}`, `k${(at + 2) % 500} i${at + 2}`].toSorted()]);
    }
    const [joined] = await maria.query(
      `SELECT count(*) AS n, min(length(text)) AS least, max(length(text)) AS most ${ofThreeSlices}`,
      inMaria,
    );
    assert.deepEqual([joined?.n, joined?.least, joined?.most].map(Number), [200, 52, 52]);
    const program = yard.serve(inMaria);
    const url = await program.listening();
    for (const n of [1, 19_999])
      assert.equal(await post(`${url}/pipelines/orders/events`, { key: `k${n % 500}`, id: `i${n}` }), 'duplicate');
    await seeAll(yard, url);
    assert.equal((await program.kill('SIGTERM')).code, 0);
  },
);

test('the id of an event deleted from the log stays known, whatever slice its key is in', onPostgres, async (context) => {
  const yard = new CopyYard(context);
  await yard.fill('./mill.db', leaveAll);
  yard.sql('mill.db', "DELETE FROM millrace_log_orders WHERE id IN ('a1', 'c1') RETURNING 1");
  const to = await server.createDatabase();
  assert.equal((await yard.copy('./mill.db', to)).code, 0);
  const program = yard.serve(to);
  const url = await program.listening();
  for (const id of ['a1', 'a2', 'c1']) assert.equal(await post(`${url}/pipelines/orders/events`, { key: id.slice(0, 1), id }), 'duplicate');
  assert.equal((await program.kill('SIGTERM')).code, 0);
});

test(
  'a copy is refused in one line: for a server on either side, a non-empty target, undeclared pipelines, or a file that is not a database',
  onPostgres,
  async (context) => {
    const yard = new CopyYard(context);
    const to = await server.createDatabase();
    const refusal = async (from: string, target: string, ...words: string[]) => {
      const { code, stdout, stderr } = await yard.copy(from, target, ...words);
      assert.equal(stdout, '');
      assert.match(stderr, /^millrace: .+\n$/);
      return `${code} ${stderr}`;
    };
    assert.match(await refusal('./none.db', to), /^1 .*none\.db: expected a database, found no file/);
    writeFileSync(yard.path('text.db'), 'no database'.repeat(1_000));
    assert.match(await refusal('./text.db', to), /^1 .*text\.db/);
    assert.match(await refusal('memory:', to), /^2 .*--from: expected a persistent database, found memory:/);
    assert.match(await refusal('./none.db', 'memory:'), /^[12] /);
    assert.match(await refusal('./mill.db', 'sqlite:./mill.db'), /^2 .*--to: expected a database other than/);
    assert.match(await refusal(to, to), /^2 .*pg_dump/);
    assert.match(await refusal('redis://x', to), /^2 .*--from: expected postgres:/);
    assert.match(await refusal(to, './new.db'), /^1 .*expected a Millrace database, found none of its tables/);

    const program = yard.serve('./mill.db');
    const url = await program.listening();
    assert.match(await refusal('./mill.db', to), /^1 .*mill\.db: owned by process \d+/);
    await leaveAll(url);
    assert.equal((await program.kill('SIGTERM')).code, 0);
    assert.match(
      await refusal('./mill.db', to, 'rockets'),
      /^1 .*expected only declared pipelines \(rockets\), found \d rows? of orders\/\w+\. Name the module/,
    );

    const other = yard.serve(to);
    const otherUrl = await other.listening();
    assert.match(await refusal('./mill.db', to), /^1 .*expected no server on the database, found process \d+ on \S+/);
    assert.match(await refusal(to, './new.db'), /^1 .*expected no server on the database, found process \d+ on \S+/);
    assert.equal(await post(`${otherUrl}/pipelines/orders/events`, { key: 'x', id: 'x1' }), 'accepted');
    assert.equal((await other.kill('SIGTERM')).code, 0);
    assert.match(await refusal('./mill.db', to), /^1 .*expected an empty database, found \d rows? of \w+\/log/);
  },
);

test('a row that the target cannot hold is reported with its table, and once it is fixed the copy continues', onBoth, async (context) => {
  const yard = new CopyYard(context);
  await yard.fill('./mill.db', leaveAll);
  yard.sql('mill.db', "UPDATE seen SET key = 'a' || char(0) WHERE event = 'a2'");
  const to = await server.createDatabase();
  const { code, stderr } = await yard.copy('./mill.db', to);
  assert.equal(code, 1);
  assert.match(stderr, /^millrace: postgres:\S+: seen: the database cannot hold a row: .+\n$/);
  yard.sql('mill.db', "UPDATE seen SET key = 'a', share = 9e999 WHERE event = 'a2'");
  assert.equal((await yard.copy('./mill.db', to)).code, 0);
  const further = await yard.copy(to, await maria.createDatabase());
  assert.equal(further.code, 1);
  assert.match(
    further.stderr,
    /^millrace: mysql:\S+: seen: the database cannot hold a row: expected a number that the database can hold, found Infinity\n$/,
  );
  assert.deepEqual(await server.query("SELECT count(*)::int4 AS rows FROM seen WHERE key = 'a'", to), [{ rows: 3 }]);
});

test(
  'a copy does not resume if the source was used meanwhile, and does not pass verification if its rows were changed',
  onPostgres,
  async (context) => {
    const yard = new CopyYard(context);
    await yard.fill('./mill.db', leaveAll);
    grow(yard.path('mill.db'), 20_000, 500);
    const to = await server.createDatabase();
    const killed = yard.start(['copy', './orders.ts', '--from', './mill.db', '--to', to]);
    while ((await rowsThere(postgres, to)) < 10);
    await killed.kill('SIGKILL');
    await server.query("UPDATE millrace_dead_letters SET reason = reason || '!'", to);
    const differs = await yard.copy('./mill.db', to);
    assert.equal(differs.code, 1);
    assert.match(
      differs.stderr,
      /orders\/letters: expected 2 rows with checksum \w+, found 2 rows with checksum \w+\. Somebody has written/,
    );
    await yard.fill('./mill.db', async () => undefined);
    const changed = await yard.copy('./mill.db', to);
    assert.equal(changed.code, 1);
    assert.match(changed.stderr, /the copy found there has another source: the source was worked on since it began/);
  },
);
