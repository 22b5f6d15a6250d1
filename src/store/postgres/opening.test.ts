import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { type Table, table } from '../../pipeline/table.ts';
import { add, commitOf, declaration, event, letter, put, statuses, update } from '../contract/fixtures.ts';
import type { Store, StoreLogger } from '../store.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { postgres } from './postgres-store.ts';
import { migrateDatabase } from './schema/migrate-database.ts';

const visits = { pipeline: 'visits', slice: 0 };
const invalid = 'MILL_INVALID_CONFIGURATION';

/** Turns the tables into those of version 6. */
const toVersion6 = `DROP TABLE millrace_operations, millrace_source_offsets, millrace_blocks, millrace_key_blocks; ALTER TABLE millrace_keys DROP COLUMN block;
  ALTER TABLE millrace_dead_letters DROP COLUMN kind, DROP COLUMN reason_hash`;

describe('the arguments of postgres(…)', () => {
  const refuses = (message: RegExp, url: unknown, options?: object) =>
    assert.throws(() => postgres(url as string, options), { code: invalid, message });

  test('a URL of another kind is refused, and no password is shown', () => {
    refuses(/^postgres: expected a URL postgres:\/\/…, found "mysql:\/\/localhost\/x"/, 'mysql://tom:secret@localhost/x');
    refuses(/expected a URL/, './data/millrace.db');
    refuses(/expected a URL/, undefined);
    postgres('postgresql://localhost/x');
  });

  test('a wrong or unknown option is refused with its path, or the nearest name', () => {
    const url = 'postgres://localhost/x';
    refuses(/^postgres: partitions: expected/, url, { partitions: 0 });
    refuses(/^postgres: maxConnections: expected .*5/, url, { maxConnections: 4 });
    refuses(/^postgres: leaseMs: expected milliseconds/, url, { leaseMs: 0.5 });
    refuses(/did you mean statementTimeoutMs/, url, { statementTimeout: 5 });
    refuses(/^postgres: pooled: expected true or false/, url, { pooled: 'yes' });
  });

  test('without the package pg it says what to install', () => {
    const withoutPg = `
      import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier !== 'pg') return next(specifier, context);
          throw Object.assign(new Error("Cannot find package 'pg'"), { code: 'ERR_MODULE_NOT_FOUND' });
        },
      });
      const { postgres } = await import(${JSON.stringify(new URL('./postgres-store.ts', import.meta.url).href)});
      const store = postgres('postgres://localhost/x');
      await store.open({ pipelines: [], tables: [] }).catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', withoutPg], { encoding: 'utf8' });
    assert.equal(stdout, `${invalid} postgres: the package pg is not installed. Install it: npm install pg\n`);
  });
});

describe('opening a database', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.stop());

  const openings: Store[] = [];
  after(() => Promise.all(openings.map((store) => store.close())));

  async function opened(url: string, options: PostgresOptions = {}, tables: readonly Table[] = [], log?: StoreLogger): Promise<Store> {
    const store = postgres(url, { partitions: 2, ...options });
    await store.open({ ...declaration, tables }, log);
    openings.push(store);
    return store;
  }

  test('the number of slices is the database’s, and any other is refused', async () => {
    const url = await server.createDatabase();
    await opened(url);
    await assert.rejects(opened(url, { partitions: 3 }), { code: invalid, message: /partitions: expected 2, .*found 3/ });
    await opened(url);
  });

  test('tables of another version are refused, and stay unchanged', async () => {
    const url = await server.createDatabase();
    await (await opened(url)).close();
    await server.query("UPDATE millrace_meta SET value = '99' WHERE name = 'schema_version'", url);
    await assert.rejects(opened(url), { code: 'MILL_TABLE_CHANGED', message: /expected tables of schema version 7, found version 99/ });
  });

  test('tables of version 1 are brought up to date once, and then have an inbox and commands', async () => {
    const url = await server.createDatabase();
    await (await opened(url)).close();
    await server.query(
      `${toVersion6}; DROP TABLE millrace_inbox, millrace_commands, millrace_audit; DROP FUNCTION millrace_inbox_grown; UPDATE millrace_meta SET value = '1' WHERE name = 'schema_version'`,
      url,
    );
    for (const count of [1, 2]) {
      const store = await opened(url);
      await server.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '1')", url);
      assert.deepEqual(await store.inbox?.waiting(['visits'], 10), [{ name: 'visits', count }]);
      await store.close();
    }
    const meta = await server.query("SELECT value FROM millrace_meta WHERE name = 'schema_version'", url);
    assert.deepEqual(meta, [{ value: '7' }]);
  });

  test('tables of version 2 are brought up to date while a process of that version is working, and then store commands', async () => {
    const url = await server.createDatabase();
    const before = await opened(url);
    const lease = await before.claim(visits);
    await server.query(
      `${toVersion6}; DROP TABLE millrace_commands, millrace_audit; UPDATE millrace_meta SET value = '2' WHERE name = 'schema_version'`,
      url,
    );
    const beside = await opened(url);
    await beside.commands?.give({ id: '1', partition: visits, body: '{}' }, 60_000);
    await lease.commit(commitOf({ sends: [event(visits, 'a')] }));
    assert.deepEqual(
      (await beside.read(visits, 0, 10)).map(({ key }) => key),
      ['a'],
    );
    const meta = await server.query("SELECT value FROM millrace_meta WHERE name = 'schema_version'", url);
    assert.deepEqual(meta, [{ value: '7' }]);
  });

  test('tables of version 3 get an inbox trigger that looks only a short way back, and keep their contents', async () => {
    const url = await server.createDatabase();
    await (await opened(url)).close();
    await server.query(
      `${toVersion6}; INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '1'); UPDATE millrace_meta SET value = '3' WHERE name = 'schema_version'; DROP TABLE millrace_audit;
       CREATE OR REPLACE FUNCTION millrace_inbox_grown() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'of version 3'; END $$`,
      url,
    );
    const store = await opened(url);
    await server.query("INSERT INTO millrace_inbox (pipeline, event) VALUES ('visits', '2')", url);
    assert.deepEqual(await store.inbox?.waiting(['visits'], 10), [{ name: 'visits', count: 2 }]);
    const meta = await server.query("SELECT value FROM millrace_meta WHERE name = 'schema_version'", url);
    assert.deepEqual(meta, [{ value: '7' }]);
  });

  test('tables of version 4 get indexes of parked and retried keys', async () => {
    const url = await server.createDatabase();
    await (await opened(url)).close();
    const indexes = async () => {
      const found = await server.query("SELECT indexname FROM pg_indexes WHERE indexdef ~ 'WHERE (parked|\\(attempts > 0\\))'", url);
      return found.map(({ indexname }) => String(indexname));
    };
    const made = await indexes();
    assert.equal(made.length, 3);
    await server.query(
      `${toVersion6}; DROP INDEX ${made.join(', ')}; DROP TABLE millrace_audit; UPDATE millrace_meta SET value = '4' WHERE name = 'schema_version'`,
      url,
    );
    await (await opened(url)).close();
    assert.deepEqual((await indexes()).toSorted(), made.toSorted());
  });

  test('tables of version 5 then record operators’ actions', async () => {
    const url = await server.createDatabase();
    await (await opened(url)).close();
    await server.query(`${toVersion6}; DROP TABLE millrace_audit; UPDATE millrace_meta SET value = '5' WHERE name = 'schema_version'`, url);
    const entry = { id: '1', at: 1, who: null, action: 'pause', pipeline: 'visits', key: null, subject: null, reason: null };
    const store = await opened(url);
    await store.noteAudit(entry);
    assert.deepEqual(await store.audit({ limit: 10 }), [entry]);
  });

  test('tables of version 6 then record how far topics were read, operators’ actions on many dead letters, and the patterns of those', async () => {
    const url = await server.createDatabase();
    const before = await opened(url);
    await (await before.claim(visits)).commit(commitOf({ deadLetters: [letter('1', 'a', 1)] }));
    await before.close();
    await server.query(`${toVersion6}; UPDATE millrace_meta SET value = '6' WHERE name = 'schema_version'`, url);
    const store = await opened(url);
    assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), []);
    assert.deepEqual(
      (await store.deadLetters({ limit: 10, kind: 'event' })).map(({ id }) => id),
      ['1'],
    );
  });

  test('a database with another encoding, a missing schema, and a missing database are refused', async () => {
    await server.query("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    await assert.rejects(opened(server.url('ascii')), { code: invalid, message: /encoding UTF8, found SQL_ASCII/ });
    await assert.rejects(opened(server.url('postgres'), { schema: 'nowhere' }), { code: invalid, message: /nowhere/ });
    await assert.rejects(opened(server.url('nowhere')), { code: 'MILL_STORE_UNAVAILABLE', message: /nowhere/ });
  });

  test('acknowledged data is on disk, whatever the default; without a disk a log line says so', async () => {
    const url = await server.createDatabase();
    await server.query(`ALTER DATABASE ${url.split('/').at(-1)} SET synchronous_commit = off`);
    const lines: string[] = [];
    const log = { info: () => undefined, warn: (_fields: object, message: string) => lines.push(message) };
    const store = await opened(url, {}, [], log);
    assert.match(lines.join(), /fsync off/);
    await server.query(
      `CREATE TABLE seen (setting text);
       CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
       CREATE TRIGGER see AFTER INSERT ON millrace_log_visits EXECUTE FUNCTION see()`,
      url,
    );
    assert.deepEqual(statuses(await store.append([event(visits, 'a')])), ['accepted']);
    assert.deepEqual(await server.query('SELECT setting FROM seen', url), [{ setting: 'on' }]);
  });

  test('names that the database reserves are refused', async () => {
    const url = await server.createDatabase();
    const refused = (made: Table) => assert.rejects(opened(url, {}, [made]), { code: 'MILL_INVALID_DECLARATION' });
    await refused(table('pg_things', { id: 'text' }));
    await refused(table('things', { id: 'text', ctid: 'integer' }));
  });

  test('indexes whose names would be too long are created once and can be dropped', async () => {
    const url = await server.createDatabase();
    const long = (letter: string) => letter.repeat(48);
    const columns = { [long('a')]: 'text', [long('b')]: 'integer' } as const;
    const both = [[long('a')], [long('b')], [long('a'), long('b')], [long('b'), long('a')]];
    const indexes = async () =>
      (await server.query(`SELECT indexname FROM pg_indexes WHERE tablename = '${long('t')}'`, url))
        .map(({ indexname }) => String(indexname))
        .toSorted();
    await opened(url, {}, [table(long('t'), columns, { indexes: both })]);
    const made = await indexes();
    assert.equal(made.length, 4);
    await opened(url, {}, [table(long('t'), columns, { indexes: both })]);
    assert.deepEqual(await indexes(), made);
    await opened(url, {}, [table(long('t'), columns, { indexes: both.slice(2) })]);
    assert.equal((await indexes()).length, 2);
  });

  /** Begins to build an index while somebody writes, and abandons it. */
  async function breakIndexOff(url: string): Promise<void> {
    const writer = new pg.Client({ connectionString: url });
    await writer.connect();
    await writer.query("BEGIN; INSERT INTO things VALUES ('a', 1)");
    const impatient = `${url}?options=-c%20lock_timeout%3D100`;
    await assert.rejects(server.query('CREATE INDEX CONCURRENTLY things_n_idx ON things (n)', impatient), /lock timeout/);
    await writer.end();
  }

  test('an incomplete index is refused until it is complete, and is dropped when no longer declared', async () => {
    const url = await server.createDatabase();
    const things = (indexes: readonly 'n'[][]) => table('things', { id: 'text', n: 'integer' }, { indexes });
    await opened(url, {}, [things([])]);
    await breakIndexOff(url);
    const isInvalid = {
      code: 'MILL_TABLE_CHANGED',
      message: /table things: column n: expected an index things_n_idx, found an invalid one\..* REINDEX INDEX CONCURRENTLY "things_n_idx"/,
    };
    await assert.rejects(opened(url, {}, [things([['n']])]), isInvalid);
    const dry = migrateDatabase({
      url,
      options: { partitions: 2 },
      declaration: { ...declaration, tables: [things([['n']])] },
      isDry: true,
    });
    await assert.rejects(dry, isInvalid);
    await server.query('REINDEX INDEX CONCURRENTLY things_n_idx', url);
    await opened(url, {}, [things([['n']])]);
    await server.query('DROP INDEX things_n_idx', url);
    await breakIndexOff(url);
    await opened(url, {}, [things([])]);
    assert.deepEqual(await server.query("SELECT indexname FROM pg_indexes WHERE tablename = 'things'", url), []);
  });

  test('a migration’s statements are found without disturbing whoever uses the tables, and nothing is changed', async () => {
    const url = await server.createDatabase();
    const things = table('things', { id: 'text' }, { primaryKey: ['id'] });
    const more = table('things', { id: 'text', n: 'integer?' }, { primaryKey: ['id'], indexes: [['n']] });
    const migrate = (tables: readonly Table[], isDry: boolean) =>
      migrateDatabase({ url, options: { partitions: 2, lockTimeoutMs: 10 }, declaration: { ...declaration, tables }, isDry });
    const foundOut = await migrate([things], true);
    assert.deepEqual(await server.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", url), []);
    assert.deepEqual(await migrate([things], false), foundOut);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('BEGIN; LOCK TABLE millrace_meta IN SHARE ROW EXCLUSIVE MODE; SELECT * FROM things');
    assert.deepEqual(await migrate([more], true), [
      'ALTER TABLE "things" ADD COLUMN "n" bigint',
      'CREATE INDEX "things_n_idx" ON "things" ("n")',
    ]);
    await assert.rejects(migrate([more], false), { code: 'MILL_STORE_BUSY' });
    await client.end();
    assert.equal((await migrate([more], false)).length, 2);
    assert.deepEqual(await migrate([more], true), []);
  });

  test('a json column in a key or an index is a text that is JSON, and is compared as such', async () => {
    const url = await server.createDatabase();
    const papers = table('papers', { id: 'json', data: 'json', tag: 'json?' }, { primaryKey: ['id'], indexes: [['tag']] });
    const store = await opened(url, {}, [papers]);
    const lease = await store.claim(visits);
    await lease.commit(commitOf({ rows: [put('papers', ['{"a": 1}', '{"b": [1.50]}', '"x"'], ['{"a":1}', '[]', null])] }));
    await assert.rejects(lease.commit(commitOf({ rows: [put('papers', ['redacted', '[]', null])] })), { code: 'MILL_COMMIT_REFUSED' });
    assert.deepEqual(await store.query(`SELECT id, data, data->'b' AS b FROM papers WHERE tag = $1`, ['"x"']), [
      { id: '{"a": 1}', data: '{"b": [1.50]}', b: '[1.50]' },
    ]);
    await opened(url, {}, [papers]);
  });

  test('a table made with plain SQL is accepted if it fits, and a column filled by the database needs no value', async () => {
    const url = await server.createDatabase();
    await server.query(
      'CREATE TABLE things (id text PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), twice bigint GENERATED ALWAYS AS (2 * n) STORED)',
      url,
    );
    const things = table('things', { id: 'text', n: 'integer' }, { primaryKey: ['id'] });
    const store = await opened(url, {}, [things]);
    await (await store.claim(visits)).commit(commitOf({ rows: [put('things', ['a', 4])] }));
    assert.deepEqual(await store.query('SELECT id, n, twice FROM things', []), [{ id: 'a', n: 4, twice: 8 }]);
  });

  test('moments and bounded texts continue in an earlier release’s texts, and in a user’s columns, which stay unchanged', async () => {
    const columns = { at: 'moment', id: 'text(5)', kind: ['a', 'b'], until: 'moment?' } as const;
    const declared = table('things', columns, { primaryKey: ['at', 'id'], indexes: [['kind', 'until']] });
    const rows = ['0000-02-29T00:00:00.000Z', '2026-10-25T00:30:00.700Z', '2026-10-25T01:30:00.700Z'].map((at) => [at, 'a', 'b', at]);
    for (const made of [
      'at text COLLATE "C", id text COLLATE "C", kind text COLLATE "C" NOT NULL, until text COLLATE "C"',
      'at timestamptz, id varchar(5), kind varchar NOT NULL, until timestamptz(6)',
    ]) {
      const url = await server.createDatabase();
      await server.query(`CREATE TABLE things (${made}, PRIMARY KEY (at, id))`, url);
      const types = `SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) AS types
        FROM pg_attribute WHERE attrelid = 'things'::regclass AND attnum > 0`;
      const before = await server.query(types, url);
      for (const _ of ['first', 'second']) {
        const store = await opened(url, {}, [declared]);
        const lease = await store.claim(visits);
        const again = update('things', ['until', 'id', 'at'], ...rows.map(([at = '', id = '', , until = '']) => [until, id, at]));
        await lease.commit(commitOf({ rows: [put('things', ...rows), add('things', ...rows), again] }));
        assert.deepEqual(
          (await store.query('SELECT * FROM things ORDER BY at', [])).map((row) => Object.values(row)),
          rows,
        );
        assert.equal((await store.query('SELECT FROM things WHERE until = $1', ['2026-10-25T00:30:00.700Z'])).length, 1);
        await store.close();
      }
      assert.deepEqual(await server.query(types, url), before);
    }
  });

  test('a user’s column that can hold less than the declared one is refused', async () => {
    for (const [made, found] of [
      ['varchar(4)', 'character varying(4)'],
      ['timestamptz', 'timestamp with time zone'],
    ] as const) {
      const url = await server.createDatabase();
      await server.query(`CREATE TABLE things (id ${made} PRIMARY KEY)`, url);
      await assert.rejects(opened(url, {}, [table('things', { id: 'text(5)' }, { primaryKey: ['id'] })]), {
        code: 'MILL_TABLE_CHANGED',
        message: `table things: column id: expected text NOT NULL, found ${found} NOT NULL. Declare it as it was, or change it with SQL.`,
      });
    }
    const url = await server.createDatabase();
    await server.query('CREATE TABLE things (at timestamp NOT NULL)', url);
    await assert.rejects(opened(url, {}, [table('things', { at: 'moment' })]), {
      code: 'MILL_TABLE_CHANGED',
      message: /column at: expected timestamp\(3\) with time zone NOT NULL, found timestamp without time zone NOT NULL/,
    });
  });

  test('a database with its own time zone and date style returns moments in UTC, in full precision', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    for (const setting of ["timezone TO 'America/New_York'", "datestyle TO 'German'"])
      await server.query(`ALTER DATABASE "${name}" SET ${setting}`, url);
    const things = table('things', { id: 'text(5)', at: 'moment' }, { primaryKey: ['id'] });
    const at = '2026-11-01T05:30:00.007Z';
    const store = await opened(url, {}, [things]);
    const lease = await store.claim(visits);
    await lease.commit(commitOf({ rows: [put('things', ['a', at])] }));
    assert.deepEqual(await store.query("SELECT at, at + interval '1 microsecond' AS finer FROM things", []), [
      { at, finer: '2026-11-01T05:30:00.007001Z' },
    ]);
    assert.deepEqual(await server.query('SELECT extract(epoch FROM at)::float8 AS seconds FROM things', url), [
      { seconds: Date.parse(at) / 1_000 },
    ]);
    await server.query("INSERT INTO things VALUES ('b', 'infinity'), ('c', '0002-01-01 00:00:00+00 BC')", url);
    const odd = await store.query("SELECT at FROM things WHERE id > 'a' ORDER BY id", []);
    assert.deepEqual(
      odd.map((row) => row.at),
      ['infinity', '0002-01-01 00:00:00+00 BC'],
    );
  });

  test('an abandoned query ends in the database too', async () => {
    const store = await opened(await server.createDatabase());
    const controller = new AbortController();
    const query = store.query('SELECT pg_sleep(60)', [], { signal: controller.signal });
    const isAsleep = async () => (await server.query("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0;
    while (!(await isAsleep()));
    controller.abort(new Error('no longer'));
    await assert.rejects(query, { message: 'no longer' });
    while (await isAsleep());
    assert.deepEqual(await store.query('SELECT 1 AS one', [], { signal: new AbortController().signal }), [{ one: 1 }]);
  });

  test('a statement’s session settings do not outlive it', async () => {
    const store = await opened(await server.createDatabase(), { maxConnections: 5 });
    for (let time = 0; time < 5; time += 1) await store.query("SELECT set_config('search_path', 'pg_catalog', false)", []);
    assert.deepEqual(statuses(await store.append([event(visits, 'a')])), ['accepted']);
    await assert.rejects(store.query("SELECT nextval('millrace_deliveries_place_seq')", []), { code: 'MILL_INVALID_REQUEST' });
  });
});
