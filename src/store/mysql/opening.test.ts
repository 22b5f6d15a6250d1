import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { type Table, table } from '../../pipeline/table.ts';
import { add, commitOf, declaration, event, put } from '../contract/fixtures.ts';
import type { Store, StoreLogger } from '../store.ts';
import { compareText } from '../text-order.ts';
import { momentText } from './connection/moments.ts';
import type { MysqlOptions } from './mysql-options.ts';
import { mysql } from './mysql-store.ts';
import { migrateDatabase } from './schema/migrate-database.ts';

const invalid = 'MILL_INVALID_CONFIGURATION';
const visits = { pipeline: 'visits', slice: 0 };

describe('the arguments of mysql(…)', () => {
  const refuses = (message: RegExp, url: unknown, options: object = {}) =>
    assert.throws(() => mysql(url as string, options as MysqlOptions), { code: invalid, message });

  test('a URL that is not MySQL’s, or has parameters without effect, is refused without its password', () => {
    refuses(/^mysql: expected a URL mysql:\/\/…, found "postgres:\/\/h\/x"/, 'postgres://me:secret@h/x');
    refuses(/found one without the name of a database/, 'mysql://me:secret@h');
    refuses(/^mysql: ssl is not a parameter of an address; did you mean ssl-mode\?/, 'mysql://h/x?ssl=true');
    refuses(
      /^mysql: sslmode: expected one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY, or disable, .*, found "on"/,
      'mysql://h/x?ssl-mode=on',
    );
    refuses(/^mysql: expected ssl-mode or sslmode in an address, found both/, 'mysql://h/x?ssl-mode=REQUIRED&sslmode=disable');
    refuses(
      /^mysql: sslmode: expected the file of an authority \(caFile, DB_CA_FILE, ssl-ca\) with verify-ca/,
      'mysql://h/x?ssl-mode=VERIFY_CA',
    );
    refuses(/expected an encrypting mode for the file of an authority/, 'mysql://h/x?sslmode=disable', { caFile: 'ca.pem' });
    refuses(/sslmode: expected an encrypting mode for a certificate/, 'mysql://h/x?sslcert=c.pem');
    refuses(/written %2F/, 'mysql://me:a/b@h/x');
  });

  test('an unknown or wrong option is refused', () => {
    refuses(/schema/, 'mysql://h/x', { schema: 'a' });
    refuses(/^mysql: maxConnections: expected an integer of at least 5/, 'mysql://h/x', { maxConnections: 4 });
  });

  test('without the package mysql2 it says what to install', () => {
    const withoutDriver = `
      import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier !== 'mysql2') return next(specifier, context);
          throw Object.assign(new Error("Cannot find package 'mysql2'"), { code: 'ERR_MODULE_NOT_FOUND' });
        },
      });
      const { mysql } = await import(${JSON.stringify(new URL('./mysql-store.ts', import.meta.url).href)});
      const store = mysql('mysql://localhost/x');
      await store.open({ pipelines: [], tables: [] }).catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', withoutDriver], { encoding: 'utf8' });
    assert.equal(stdout, `${invalid} mysql: the package mysql2 is not installed. Install it: npm install mysql2\n`);
  });
});

describe('opening a MariaDB database', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  before(async () => {
    server = await MariadbServer.start();
  });
  after(() => server.stop());

  async function withStore(url: string, tables: readonly Table[], work: (store: Store) => Promise<void>): Promise<void> {
    const store = mysql(url, { partitions: 1 });
    await store.open({ ...declaration, tables });
    try {
      await work(store);
    } finally {
      await store.close();
    }
  }

  test('a server that does not wait for its disk is used, with a warning', async () => {
    const warnings: object[] = [];
    const log: StoreLogger = { info: () => undefined, warn: (fields) => warnings.push(fields) };
    const store = mysql(await server.createDatabase(), { partitions: 1 });
    await store.open(declaration, log);
    await store.close();
    assert.equal(warnings.length, 1);
    assert.ok('innodb_flush_log_at_trx_commit' in (warnings[0] ?? {}));
  });

  test('another number of slices than at the first start is refused', async () => {
    const url = await server.createDatabase();
    await withStore(url, [], async () => undefined);
    await assert.rejects(mysql(url, { partitions: 2 }).open(declaration), { code: invalid, message: /partitions: expected 1/ });
  });

  test('a wrong password or a missing database makes the store unavailable', async () => {
    for (const url of [(await server.createDatabase()).replace('secret', 'wrong'), server.url('test_none')])
      await assert.rejects(mysql(url).open(declaration), { code: 'MILL_STORE_UNAVAILABLE' });
  });

  test('tables of version 1 get an index of parked keys, once, and then record operators’ actions', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await withStore(url, [], async () => undefined);
    await server.query('ALTER TABLE millrace_keys DROP INDEX by_parked', name);
    await server.query('DROP TABLE millrace_audit, millrace_source_offsets', name);
    await server.query("UPDATE millrace_meta SET value = '1' WHERE name = 'schema_version'", name);
    for (const _time of ['made', 'found']) {
      await withStore(url, [], async (store) => {
        const lease = await store.claim(visits);
        await lease.commit(commitOf({ keys: [{ key: 'a', state: null, next: null, parked: true }] }));
        assert.equal((await store.keys(visits, { among: 'parked', limit: 10 })).length, 1);
        assert.equal((await store.audit({ limit: 10 })).length, 0);
        assert.deepEqual(await store.sourceOffsets('visits', 'kafka:orders'), []);
      });
      await server.query("UPDATE millrace_meta SET value = '1' WHERE name = 'schema_version'", name);
    }
  });

  test('tables whose creation was interrupted are completed by the next start', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await withStore(url, [], async () => undefined);
    await server.query('DELETE FROM millrace_meta', name);
    for (const one of ['DROP TABLE millrace_keys', 'DROP TABLE millrace_log_visits', 'DELETE FROM millrace_pipelines'])
      await server.query(one, name);
    await withStore(url, [], async (store) => {
      await store.append([event(visits, 'a')]);
      assert.equal((await store.read(visits, 0, 10)).length, 1);
    });
  });

  test('a put that conflicts with another row in a user’s unique index is refused, and changes nothing', async () => {
    const people = table('people', { id: 'text', mail: 'text' }, { primaryKey: ['id'] });
    const url = await server.createDatabase();
    await withStore(url, [people], async (store) => {
      const lease = await store.claim(visits);
      await server.query('CREATE UNIQUE INDEX by_mail ON people (mail(100))', new URL(url).pathname.slice(1));
      await lease.commit(commitOf({ rows: [put('people', ['a', 'x']), add('people', ['b', 'y'])] }));
      for (const write of [put('people', ['c', 'x']), add('people', ['c', 'x']), put('people', ['b', 'x'])])
        await assert.rejects(lease.commit(commitOf({ rows: [write] })), { code: 'MILL_COMMIT_REFUSED', message: /^table people/ });
      await lease.commit(commitOf({ rows: [put('people', ['a', 'z'])] }));
      assert.deepEqual(await store.query('SELECT id, mail FROM people ORDER BY id', []), [
        { id: 'a', mail: 'z' },
        { id: 'b', mail: 'y' },
      ]);
    });
  });

  test('key texts have as many characters as there is room for, and differ by blanks and case; an index may come later', async () => {
    const notes = table('notes', { id: 'text', n: 'integer', text: 'text' }, { primaryKey: ['id', 'n'] });
    const url = await server.createDatabase();
    const longest = 'é'.repeat(766);
    await withStore(url, [notes], async (store) => {
      const lease = await store.claim(visits);
      const ids = ['a', 'a ', 'A', longest, "\\'\0$1"];
      await lease.commit(commitOf({ rows: [put('notes', ...ids.map((id) => [id, 1, id.repeat(3)]))] }));
      const found = await store.query('SELECT id, text FROM notes', []);
      assert.deepEqual(new Map(found.map(({ id, text }) => [id, text])), new Map(ids.map((id) => [id, id.repeat(3)])));
      await assert.rejects(lease.commit(commitOf({ rows: [put('notes', [`${longest}é`, 1, ''])] })), {
        code: 'MILL_COMMIT_REFUSED',
        message: /^table notes: column id: expected a text that an index takes/,
      });
    });
    const indexed = table('notes', notes.columns, { primaryKey: ['id', 'n'], indexes: [['text', 'id'], ['text']] });
    await withStore(url, [indexed], async (store) => {
      assert.equal((await store.query('SELECT id FROM notes WHERE text = ?', ['aaa'])).length, 1);
    });
  });

  describe('a table made by somebody else', () => {
    const declared = table(
      'things',
      { id: 'text(5)', kind: ['a', 'b'], note: 'text(9)?', at: 'moment', count: 'integer', share: 'real', data: 'json' },
      { primaryKey: ['id'], indexes: [['kind', 'at']] },
    );
    const make = async (columns: string) => {
      const url = await server.createDatabase();
      const name = new URL(url).pathname.slice(1);
      await server.query(`ALTER DATABASE ${name} CHARACTER SET utf8mb4`);
      await server.query(`CREATE TABLE things (${columns})`, name);
      const createOf = async () => String((await server.query('SHOW CREATE TABLE things', name))[0]?.['Create Table']);
      return { url, name, createOf };
    };
    const all = (changes: object = {}) =>
      Object.entries({
        id: 'VARCHAR(5) PRIMARY KEY',
        kind: 'VARCHAR(1) NOT NULL',
        note: 'VARCHAR(9)',
        at: 'DATETIME NOT NULL',
        count: 'BIGINT NOT NULL',
        share: 'DOUBLE NOT NULL',
        data: 'LONGTEXT NOT NULL',
        ...changes,
      })
        .map(([name, type]) => `\`${name}\` ${type}`)
        .join(', ');

    test('is used as it is if its columns can hold the declared values: none is changed, and no index is made', async () => {
      for (const changes of [
        {},
        { kind: "ENUM('c','b','a') NULL", at: 'TIMESTAMP(6) NULL', count: 'INT NULL', share: 'INT NULL', data: 'JSON' },
        { id: 'VARCHAR(50) PRIMARY KEY', kind: 'LONGTEXT', note: 'LONGTEXT', at: 'DATETIME(3)', share: 'DECIMAL(9,4)' },
        { extra: 'BLOB', more: "VARCHAR(5) NOT NULL DEFAULT 'x'" },
      ]) {
        const { url, createOf } = await make(all(changes));
        const before = await createOf();
        await withStore(url, [declared], async (store) => {
          const lease = await store.claim(visits);
          const row = ['1', 'b', null, '2026-10-25T00:30:00.000Z', -7, 2, '{"b":1,"a":2}'];
          await lease.commit(commitOf({ rows: [put('things', row), add('things', row)] }));
          const [found] = await store.query('SELECT id, kind, note, at, count, share, data FROM things', []);
          assert.deepEqual(Object.values(found ?? {}), row);
        });
        assert.equal(await createOf(), before);
      }
    });

    test('is refused if a column can hold less, and stays unchanged', async () => {
      for (const [column, type, found] of [
        ['id', 'VARCHAR(4) PRIMARY KEY', 'varchar(4) NOT NULL'],
        ['kind', "ENUM('a','c')", "enum('a','c')"],
        ['kind', 'INT', 'int'],
        ['note', 'VARCHAR(8)', 'varchar(8)'],
        ['note', 'VARCHAR(9) NOT NULL', 'varchar(9) NOT NULL'],
        ['at', 'DATE', 'date'],
        ['at', 'BIGINT', 'bigint'],
        ['count', 'SMALLINT', 'smallint'],
        ['count', 'DOUBLE', 'double'],
        ['share', 'FLOAT', 'float'],
        ['data', 'VARCHAR(50)', 'varchar(50)'],
      ] as const) {
        const { url, createOf } = await make(all({ [column]: type }));
        const before = await createOf();
        await assert.rejects(
          withStore(url, [declared], async () => undefined),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, 'MILL_TABLE_CHANGED');
            assert.ok(error.message.startsWith(`table things: column ${column}: expected `), error.message);
            assert.ok(error.message.includes(`, found ${found}.`), error.message);
            return true;
          },
        );
        assert.equal(await createOf(), before);
      }
    });

    test('a moment finer than milliseconds is read in full precision', async () => {
      const { url, name } = await make(all({ at: 'DATETIME(6)' }));
      await server.query(
        "INSERT INTO things VALUES ('1', 'a', NULL, '2022-02-02 18:39:05.863120', 1, 1, '{}'), ('2', 'a', NULL, '2022-02-02 18:39:05.86', 1, 1, '{}')",
        name,
      );
      await withStore(url, [declared], async (store) => {
        assert.deepEqual(await store.query('SELECT at FROM things ORDER BY id', []), [
          { at: '2022-02-02T18:39:05.86312Z' },
          { at: '2022-02-02T18:39:05.860Z' },
        ]);
        assert.deepEqual(await store.query('SELECT id FROM things WHERE at = ?', [momentText('2022-02-02T18:39:05.86312Z')]), [
          { id: '1' },
        ]);
      });
    });
  });

  test('a widened column keeps its default and its comment', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    const before = table('things', { id: 'text(5)', kind: ['b', "it's"] }, { primaryKey: ['id'], defaults: { kind: "it's" } });
    await withStore(url, [before], async () => undefined);
    await server.query(
      "ALTER TABLE things MODIFY COLUMN kind ENUM('b', 'it''s') NOT NULL DEFAULT 'it''s' COMMENT 'why, \\n\\'kind\\''",
      name,
    );
    const wider = table('things', { id: 'text(6)', kind: ['b', 'a', "it's", 'z'] }, { primaryKey: ['id'], defaults: { kind: 'z' } });
    await withStore(url, [wider], async () => undefined);
    const columns = await server.query(
      `SELECT column_type AS type, column_default AS initial, column_comment AS comment, is_nullable AS nullable
       FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'things' ORDER BY ordinal_position`,
      name,
    );
    assert.deepEqual(
      columns.map((column) => Object.values(column)),
      [
        ['varchar(6)', null, '', 'NO'],
        ["enum('a','b','it''s','z')", "'it''s'", "why, \n'kind'", 'NO'],
      ],
    );
  });

  test('an enumeration may have any texts, and the next start leaves it unchanged', async () => {
    const url = await server.createDatabase();
    const texts = ["it's", 'back\\slash', '"quoted"', 'a,b', "','", '100%', 'é', ' c', '\t', '\n\\n', '$1', 'b', 'a'];
    const columns = { id: 'text(5)', kind: texts } as const;
    const declared = { ...declaration, tables: [table('things', columns, { primaryKey: ['id'], indexes: [['kind']] })] };
    await withStore(url, declared.tables, async (store) => {
      const lease = await store.claim(visits);
      await lease.commit(commitOf({ rows: [put('things', ...texts.map((text, at) => [`${at}`, text]))] }));
      const found = await store.query('SELECT kind FROM things ORDER BY kind', []);
      assert.deepEqual(
        found.map(({ kind }) => kind),
        texts.toSorted(compareText),
      );
    });
    const options = { partitions: 1 };
    assert.deepEqual(await migrateDatabase({ url, options, declaration: declared, isDry: true }), []);
    const more = { ...declaration, tables: [table('things', { ...columns, kind: [...texts, 'more\\'] }, { primaryKey: ['id'] })] };
    const rocket = { ...declaration, tables: [table('things', { ...columns, kind: [...texts, '🚀'] }, { primaryKey: ['id'] })] };
    for (const [wider, type] of [
      [more, /MODIFY COLUMN "kind" enum\(/],
      [rocket, /MODIFY COLUMN "kind" varchar\(10\)/],
    ] as const) {
      const changes = await migrateDatabase({ url, options, declaration: wider, isDry: false });
      assert.match(changes.filter((change) => change.includes('MODIFY')).join(), type);
      assert.deepEqual(await migrateDatabase({ url, options, declaration: wider, isDry: true }), []);
    }
    await withStore(url, declared.tables, async (store) => {
      assert.equal((await store.query('SELECT DISTINCT kind FROM things', [])).length, texts.length);
    });
  });

  test('a server with its own time zone stores and returns moments in UTC', async () => {
    const other = await MariadbServer.start({ words: ['--default-time-zone=-05:30'] });
    try {
      const url = await other.createDatabase();
      const name = new URL(url).pathname.slice(1);
      await other.query('CREATE TABLE things (id VARCHAR(5) PRIMARY KEY, at TIMESTAMP(3) NULL, there DATETIME(3))', name);
      const things = table('things', { id: 'text(5)', at: 'moment?', there: 'moment?' }, { primaryKey: ['id'] });
      const at = '2026-10-25T00:30:00.700Z';
      await withStore(url, [things], async (store) => {
        const lease = await store.claim(visits);
        await lease.commit(commitOf({ rows: [put('things', ['a', at, at])] }));
        assert.deepEqual(await store.query('SELECT * FROM things', []), [{ id: 'a', at, there: at }]);
      });
      const [row] = await other.query("SELECT UNIX_TIMESTAMP(at) AS at, CONCAT(there, '') AS there FROM things", name);
      assert.deepEqual({ ...row, at: Number(row?.at) }, { at: Date.parse(at) / 1_000, there: '2026-10-25 00:30:00.700' });
    } finally {
      await other.stop();
    }
  });

  test('flights longer than a packet are sent in pieces', async () => {
    await server.query('SET GLOBAL max_allowed_packet = 1048576');
    try {
      await withStore(await server.createDatabase(), [], async (store) => {
        const body = JSON.stringify("'\\".repeat(50_000));
        const events = Array.from({ length: 12 }, (_, at) => event(visits, `key ${at}`, { body }));
        assert.equal((await store.append(events)).filter(({ status }) => status === 'accepted').length, 12);
        const found = await store.read(visits, 0, 100);
        assert.ok(found.length === 12 && found.every((one) => one.body === body));
      });
    } finally {
      await server.query('SET GLOBAL max_allowed_packet = 67108864');
    }
  });

  test('a server with a statement-based binary log is refused', async () => {
    const other = await MariadbServer.start({ words: ['--log-bin', '--binlog-format=STATEMENT', '--server-id=1'] });
    try {
      await assert.rejects(mysql(await other.createDatabase()).open(declaration), { code: invalid, message: /binlog_format/ });
    } finally {
      await other.stop();
    }
  });
});
