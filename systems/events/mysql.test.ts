import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace, mysql } from '../../src/index.ts';
import { configure, createServer } from '../../src/server/index.ts';
import { MariadbDatabases } from '../../test/mariadb-database.ts';
import { withoutMariadb } from '../../test/mariadb-server.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { eventsSystem } from './index.ts';

const Listed = z.object({ items: z.array(z.looseObject({ id: z.string(), processed_at: z.string() })), nextCursor: z.string().optional() });

/** The table as a database's init script creates it. */
const theirs = `CREATE TABLE processed_events (
  id VARCHAR(36) PRIMARY KEY,
  type ENUM('user_action', 'sensor_data', 'system_log') NOT NULL,
  source VARCHAR(50) NOT NULL,
  user_id VARCHAR(50),
  processed_data JSON,
  processing_time_ms INT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  processed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  INDEX idx_type_created (type, created_at),
  INDEX idx_user_created (user_id, created_at)
)`;

const idOf = (number: number) => `193270a9-c9cf-404a-8f83-${String(number).padStart(12, '0')}`;

describe('events on MariaDB', { skip: withoutMariadb }, () => {
  let databases: MariadbDatabases;
  before(async () => {
    databases = await MariadbDatabases.open();
  });
  after(() => databases.close());

  /** Serves the system on a database until the test ends. */
  async function serve(context: TestContext, database: string) {
    const system = configure(eventsSystem(), { MAX_RETRIES: '0' });
    const store = mysql(databases.url(database), { partitions: 2 });
    const mill = await millrace({ store, pipelines: system.pipelines, clock: patientClock }).start();
    const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    let isStopped = false;
    const stop = async () => {
      if (!isStopped) await server.stop(5_000);
      isStopped = true;
    };
    context.after(stop);
    const post = async (events: readonly object[]) => {
      const answer = await fetch(`${url}/events/batch`, { method: 'POST', body: JSON.stringify({ events }) });
      assert.equal(Object(await answer.json()).accepted, events.length);
      await mill.settled('events', 10_000);
    };
    const list = async (query = '') => Listed.parse(await (await fetch(`${url}/events${query}`)).json());
    return { url, post, list, stop };
  }

  /** Creates a database with only that table. */
  async function withTheirs(): Promise<string> {
    const database = await databases.create();
    await databases.query(`ALTER DATABASE ${database} CHARACTER SET utf8mb4`);
    await databases.query(theirs, { database });
    return database;
  }

  const createOf = async (database: string) =>
    String((await databases.query('SHOW CREATE TABLE processed_events', { database }))[0]?.['Create Table']);

  test('the table has columns of specific types, and indexes', async (context) => {
    const database = await databases.create();
    const { stop } = await serve(context, database);
    await stop();
    const columns = await databases.query(
      `SELECT column_name AS name, column_type AS type, is_nullable AS nullable FROM information_schema.columns
       WHERE table_schema = DATABASE() AND table_name = 'processed_events' ORDER BY ordinal_position`,
      { database },
    );
    assert.deepEqual(
      columns.map(({ name, type, nullable }) => `${name} ${type} ${nullable}`),
      [
        'id varchar(36) NO',
        "type enum('sensor_data','system_log','user_action') NO",
        'source varchar(50) NO',
        'user_id varchar(50) YES',
        'processed_data longtext NO',
        'processing_time_ms double NO',
        'created_at datetime(3) NO',
        'processed_at datetime(3) NO',
      ],
    );
    const created = await createOf(database);
    for (const index of ['(`type`,`created_at`)', '(`user_id`,`created_at`)']) assert.ok(created.includes(index), created);
    assert.match(created, /PRIMARY KEY \(`id`\)/);
    assert.match(created, /json_valid\(`processed_data`\)/);
  });

  test('a table created by an init script is used unchanged, start after start', async (context) => {
    const database = await withTheirs();
    await databases.query("INSERT INTO processed_events (id, type, source) VALUES ('an old one', 'system_log', 'a script')", { database });
    await databases.query('UPDATE processed_events SET created_at = FROM_UNIXTIME(1000000000)', { database });
    const made = await createOf(database);
    const events = Array.from({ length: 9 }, (_, number) => ({
      id: idOf(number),
      type: ['user_action', 'sensor_data', 'system_log'][number % 3],
      source: 'web',
      ...(number % 2 === 0 && { user_id: 'ann 🚀' }),
      timestamp: `2026-10-25T02:3${number}:05.999+02:00`,
      data: { number, é: ['🚀'] },
    }));
    const first = await serve(context, database);
    await first.post(events.slice(0, 5));
    await first.stop();
    assert.equal(await createOf(database), made);
    const { post, list } = await serve(context, database);
    await post(events.slice(5));
    assert.equal(await createOf(database), made);
    const { items } = await list('?limit=100');
    assert.deepEqual(
      items.slice(0, -1).map(({ processing_time_ms: _, processed_at: _at, ...item }) => item),
      events.toReversed().map(({ timestamp, data, ...event }) => ({
        ...event,
        processed_data: data,
        created_at: `${timestamp.replace('T02', 'T00').slice(0, 19)}.000Z`,
      })),
    );
    // Missing values are shown like unreadable ones.
    const [{ processed_at: _, ...old } = {}] = items.slice(-1);
    assert.deepEqual(old, {
      id: 'an old one',
      type: 'system_log',
      source: 'a script',
      processed_data: null,
      processing_time_ms: 0,
      created_at: '2001-09-09T01:46:40.000Z',
      errors: [
        { column: 'processed_data', message: 'expected JSON, found null' },
        { column: 'processing_time_ms', message: 'expected a finite number, found null' },
      ],
    });
    const [row] = await databases.query(
      `SELECT id, type, user_id, JSON_VALUE(processed_data, '$.number') AS number, UNIX_TIMESTAMP(created_at) AS seconds
       FROM processed_events WHERE id = '${idOf(4)}'`,
      { database },
    );
    assert.deepEqual(
      { ...row, number: Number(row?.number) },
      {
        id: idOf(4),
        type: 'sensor_data',
        user_id: 'ann 🚀',
        number: 4,
        seconds: Date.UTC(2026, 9, 25, 0, 34, 5) / 1000,
      },
    );
  });

  test('events that the table cannot hold are given up with the reason, and others proceed', async (context) => {
    const { url, post, list } = await serve(context, await withTheirs());
    const before = { id: idOf(1), type: 'sensor_data', source: 'web', timestamp: '1969-12-31T23:59:59Z', data: {} };
    await post([before, { ...before, id: idOf(2), timestamp: '1970-01-01T00:00:01Z' }]);
    assert.deepEqual(
      (await list()).items.map(({ id }) => id),
      [idOf(2)],
    );
    const { detail } = Object(await (await fetch(`${url}/events/${idOf(1)}`)).json());
    assert.match(detail, /failed after 1 attempt: table processed_events: Incorrect datetime value: .+created_at/);
  });

  test('its list is filtered and paged by moments, even of the years 0 and 9999', async (context) => {
    const database = await databases.create();
    const { post, list } = await serve(context, database);
    const moments = [
      '0000-03-01T00:00:00.001Z',
      '0001-01-01T00:00:00.000Z',
      '2026-10-25T00:30:00.700Z',
      '2026-10-25T01:30:00.700Z',
      '2026-11-01T05:30:00.000Z',
      '2026-11-01T06:30:00.000Z',
      '9999-12-31T23:59:59.999Z',
    ];
    await post(moments.map((timestamp, number) => ({ id: idOf(number), type: 'sensor_data', source: 'system', timestamp, data: {} })));
    const pages = [await list('?limit=2')];
    for (let cursor = pages[0]?.nextCursor; cursor !== undefined; cursor = pages.at(-1)?.nextCursor)
      pages.push(await list(`?limit=2&cursor=${cursor}`));
    assert.deepEqual(
      pages.flatMap(({ items }) => items.map(({ created_at }) => created_at)),
      moments.toReversed(),
    );
    for (const [nth, at] of moments.entries()) {
      assert.equal((await list(`?from=${at}`)).items.length, moments.length - nth, at);
      assert.equal((await list(`?to=${at}`)).items.length, nth + 1, at);
      assert.deepEqual(
        (await list(`?from=${at}&to=${at}&source=system`)).items.map(({ id }) => id),
        [idOf(nth)],
        at,
      );
    }
  });
});
