import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { type Table, table } from '../../pipeline/table.ts';
import { add, commitOf, declaration, event, put } from '../contract/fixtures.ts';
import type { Store, StoreLogger } from '../store.ts';
import type { MysqlOptions } from './mysql-options.ts';
import { mysql } from './mysql-store.ts';

const invalid = 'MILL_INVALID_CONFIGURATION';
const visits = { pipeline: 'visits', slice: 0 };

describe('the arguments of mysql(…)', () => {
  const refuses = (message: RegExp, url: unknown, options: object = {}) =>
    assert.throws(() => mysql(url as string, options as MysqlOptions), { code: invalid, message });

  test('a URL that is none of MySQL, or says what nobody heeds, is refused without its password', () => {
    refuses(/^mysql: expected a URL mysql:\/\/…, found "postgres:\/\/h\/x"/, 'postgres://me:secret@h/x');
    refuses(/found one without the name of a database/, 'mysql://me:secret@h');
    refuses(/^mysql: ssl is no parameter of an address; did you mean ssl-mode\?/, 'mysql://h/x?ssl=true');
    refuses(
      /^mysql: sslmode: expected one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY, or disable, .*, found "on"/,
      'mysql://h/x?ssl-mode=on',
    );
    refuses(/^mysql: expected ssl-mode or sslmode in an address, found both/, 'mysql://h/x?ssl-mode=REQUIRED&sslmode=disable');
    refuses(
      /^mysql: sslmode: expected the file of an authority \(caFile, DB_CA_FILE, ssl-ca\) beside verify-ca/,
      'mysql://h/x?ssl-mode=VERIFY_CA',
    );
    refuses(/expected a mode with encryption beside the file of an authority/, 'mysql://h/x?sslmode=disable', { caFile: 'ca.pem' });
    refuses(/sslmode: expected a mode with encryption beside a certificate/, 'mysql://h/x?sslcert=c.pem');
    refuses(/written %2F/, 'mysql://me:a/b@h/x');
  });

  test('an option that is unknown, or wrong, is refused', () => {
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
    assert.equal(stdout, `${invalid} mysql: expected the package mysql2, found that it is not installed. Install it: npm install mysql2\n`);
  });
});

describe('opening a database of MariaDB', { skip: withoutMariadb }, () => {
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

  test('a server that does not wait for its disk is used, and a warning says so', async () => {
    const warnings: object[] = [];
    const log: StoreLogger = { info: () => undefined, warn: (fields) => warnings.push(fields) };
    const store = mysql(await server.createDatabase(), { partitions: 1 });
    await store.open(declaration, log);
    await store.close();
    assert.equal(warnings.length, 1);
    assert.ok('innodb_flush_log_at_trx_commit' in (warnings[0] ?? {}));
  });

  test('another number of slices than the first start is refused', async () => {
    const url = await server.createDatabase();
    await withStore(url, [], async () => undefined);
    await assert.rejects(mysql(url, { partitions: 2 }).open(declaration), { code: invalid, message: /partitions: expected 1/ });
  });

  test('the wrong password, and a database that is not there, are unavailable', async () => {
    for (const url of [(await server.createDatabase()).replace('secret', 'wrong'), server.url('test_none')])
      await assert.rejects(mysql(url).open(declaration), { code: 'MILL_STORE_UNAVAILABLE' });
  });

  test('tables that were broken off while they were made are there after the next start', async () => {
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

  test('a put that a unique index of the user finds another row for is refused, and changes nothing', async () => {
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

  test('texts of a key have as many characters as there is room for, and differ by blanks and case; an index may come later', async () => {
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

  test('flights that are longer than a packet go in pieces', async () => {
    await server.query('SET GLOBAL max_allowed_packet = 1048576');
    try {
      await withStore(await server.createDatabase(), [], async (store) => {
        const body = JSON.stringify("'\\".repeat(50_000));
        const events = Array.from({ length: 40 }, (_, at) => event(visits, `key ${at}`, { body }));
        assert.equal((await store.append(events)).filter(({ status }) => status === 'accepted').length, 40);
        const found = await store.read(visits, 0, 100);
        assert.ok(found.length === 40 && found.every((one) => one.body === body));
      });
    } finally {
      await server.query('SET GLOBAL max_allowed_packet = 67108864');
    }
  });

  test('a server whose binary log is made of statements is refused', async () => {
    const other = await MariadbServer.start({ words: ['--log-bin', '--binlog-format=STATEMENT', '--server-id=1'] });
    try {
      await assert.rejects(mysql(await other.createDatabase()).open(declaration), { code: invalid, message: /binlog_format/ });
    } finally {
      await other.stop();
    }
  });
});
