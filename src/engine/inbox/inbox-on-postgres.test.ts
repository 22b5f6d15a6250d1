import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type InboxTable, inboxInsert, inboxRow } from '../../sources/inbox.ts';
import type { Inbox } from '../../store/store.ts';
import { withMembers } from '../promises/fixture.test.ts';
import { onPostgres, withPostgres } from './inbox.fixture.test.ts';
import { stepsOf, Turns } from './steps.fixture.test.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

async function clientOf(context: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  context.after(() => client.end());
  return client;
}

/** What all turns have left: for each key the numbers in the order of its turns. */
async function outcomeOf(client: pg.Client): Promise<ReadonlyMap<string, readonly number[]>> {
  const { rows } = await client.query('SELECT key, n FROM seen ORDER BY key, nth');
  return new Map(
    Array.from(
      Map.groupBy(rows, ({ key }) => String(key)),
      ([key, own]) => [key, own.map(({ n }) => Number(n))],
    ),
  );
}

/** Resolves once the table has so many rows. */
async function untilRows(client: pg.Client, count: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query('SELECT count(*) AS count FROM seen');
    if (Number(rows[0]?.count) >= count) return;
  }
}

withPostgres('the inbox of PostgreSQL', () => {
  test('a transaction that stays open keeps nobody waiting, and its rows come when it commits', async (context) => {
    const world = await onPostgres(context);
    const turns = new Turns();
    await world.start({ pipelines: [stepsOf(turns)] });
    const [open, other] = [await world.writer(), await world.writer()];
    await open.run('BEGIN');
    await open.insert({ key: 'a', n: 1 });
    for (const n of upTo(20)) await other.insert({ key: n % 2 === 0 ? 'a' : 'b', n: n + 1 });
    await turns.count(20);
    assert.deepEqual(
      turns.of('a'),
      upTo(10).map((n) => 2 * n + 1),
    );
    await open.run('COMMIT');
    await turns.count(21);
    assert.equal(turns.of('a').at(-1), 1);
    await other.insert({ key: 'a', n: 99 });
    await turns.count(22);
    assert.deepEqual(turns.of('a').slice(-2), [1, 99]);
  });

  test('a row that commits while others are passed over comes before those that were inserted behind its commit', async (context) => {
    const world = await onPostgres(context);
    const gate = Promise.withResolvers<void>();
    const turns = new Turns();
    const before = (n: number) => (n === 0 ? gate.promise : undefined);
    const steps = stepsOf(turns, 'steps', { before });
    const { mill: first } = await world.start({ pipelines: [steps] });
    await first.stop();
    const [open, other] = [await world.writer(), await world.writer()];
    await open.run('BEGIN');
    await open.insert({ key: 'x', n: 1 });
    await other.run('BEGIN');
    for (let nth = 0; nth < 300; nth += 1) await other.insert({ key: 'full', n: 0 });
    await other.run('COMMIT');
    const store = world.store();
    const { inbox } = store;
    assert.ok(inbox !== undefined);
    let reads = 0;
    const rows: Inbox['rows'] = async (query) => {
      reads += 1;
      if (reads === 2) {
        await open.run('COMMIT');
        await other.insert({ key: 'x', n: 2 });
      }
      return inbox.rows(query);
    };
    await world.start({
      store: withMembers(store, { inbox: withMembers(inbox, { rows }) }),
      pipelines: [steps],
      limits: { pendingPerKey: 2 },
    });
    await turns.count(2);
    assert.deepEqual(turns.of('x'), [1, 2]);
    gate.resolve();
    await turns.count(302);
  });

  test('writers that lock their key before they insert come in the order of their commits, in two engines that take over from each other', async (context) => {
    const world = await onPostgres(context);
    const first = await world.start({ pipelines: [stepsOf(new Turns())] });
    await world.start({ pipelines: [stepsOf(new Turns())] });
    const client = await clientOf(context, world.address);
    await client.query('CREATE TABLE accounts (key text PRIMARY KEY, n int NOT NULL)');
    await client.query("INSERT INTO accounts SELECT 'k' || nth, 0 FROM generate_series(0, 4) AS nth");
    const write = async (writer: pg.Client, at: number) => {
      for (const round of upTo(40)) {
        const key = `k${(at + round) % 5}`;
        await writer.query('BEGIN');
        const { rows } = await writer.query('UPDATE accounts SET n = n + 1 WHERE key = $1 RETURNING n', [key]);
        const event = JSON.stringify({ key, n: rows[0].n });
        await writer.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('steps', $1)", [event]);
        await writer.query(round % 7 === 0 ? 'ROLLBACK' : 'COMMIT');
      }
    };
    const writers = await Promise.all(upTo(6).map(() => clientOf(context, world.address)));
    const written = Promise.all(writers.map(write));
    await untilRows(client, 30);
    await first.mill.stop();
    await world.start({ pipelines: [stepsOf(new Turns())] });
    await written;
    const { rows } = await client.query('SELECT key, n FROM accounts');
    const expected = new Map(rows.map(({ key, n }) => [String(key), upTo(Number(n))]));
    await untilRows(
      client,
      rows.reduce((sum, { n }) => sum + Number(n), 0),
    );
    assert.deepEqual(new Map([...(await outcomeOf(client))].toSorted()), new Map([...expected].toSorted()));
  });

  test('statements of pg and of Kysely write in the transactions in which they run', async (context) => {
    const world = await onPostgres(context);
    const turns = new Turns();
    const steps = stepsOf(turns);
    await world.start({ pipelines: [steps] });
    const client = await clientOf(context, world.address);
    const kysely = new Kysely<{ millrace_inbox: InboxTable }>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: world.address }) }),
    });
    context.after(() => kysely.destroy());
    await client.query('BEGIN');
    await client.query(inboxInsert(steps, { key: 'a', n: 1 }));
    await client.query('ROLLBACK');
    const refused = kysely.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 2 }))
        .execute();
      throw new Error('not this one');
    });
    await assert.rejects(refused, /not this one/);
    await client.query(inboxInsert(steps, { key: 'a', n: 3 }, { id: 'three' }));
    await kysely.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 3 }, { id: 'three' }))
        .execute();
      await transaction
        .insertInto('millrace_inbox')
        .values(inboxRow(steps, { key: 'a', n: 4 }))
        .execute();
    });
    await client.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('steps', jsonb_build_object('key', 'a', 'n', 5))");
    await turns.count(3);
    assert.deepEqual(turns.of('a'), [3, 4, 5]);
  });

  test('a program that may insert and nothing else can write, and the database notifies of the first row that waits', async (context) => {
    const world = await onPostgres(context);
    const { mill } = await world.start({ pipelines: [stepsOf(new Turns())] });
    await mill.stop();
    const owner = await clientOf(context, world.address);
    const role = `app_${process.pid}_${Date.now()}`;
    await owner.query(`CREATE ROLE ${role}; GRANT INSERT ON millrace_inbox TO ${role}`);
    const app = await clientOf(context, world.address);
    await app.query(`SET ROLE ${role}; SET search_path TO pg_catalog`);
    let heard = 0;
    owner.on('notification', () => {
      heard += 1;
    });
    await owner.query('LISTEN millrace_inbox');
    const insert = () =>
      app.query("INSERT INTO public.millrace_inbox (pipeline, event) SELECT 'steps', nth::text FROM generate_series(1, 3) AS nth");
    // It would stand for the real one, were it looked for first.
    await app.query('CREATE TEMP TABLE millrace_inbox (pipeline text, place int8)');
    await insert();
    await insert();
    await owner.query('SELECT 1');
    assert.equal(heard, 1);
    await owner.query('DELETE FROM millrace_inbox');
    await insert();
    await owner.query('SELECT 1');
    assert.equal(heard, 2);
    await owner.query(`REVOKE ALL ON millrace_inbox FROM ${role}`);
  });
});
