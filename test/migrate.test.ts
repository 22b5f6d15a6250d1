import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { after, before, type TestContext } from 'node:test';
import { MariadbServer, withoutMariadb } from './mariadb-server.ts';
import { PostgresServer, withoutPostgres } from './postgres-server.ts';
import { checkout, type Ended, type Program } from './program.ts';
import { Yard } from './yard.ts';

let server: PostgresServer;
let mariadb: MariadbServer;

before(async () => {
  if (withoutPostgres === false) server = await PostgresServer.start();
  if (withoutMariadb === false) mariadb = await MariadbServer.start();
});

after(() => Promise.all([server?.stop(), mariadb?.stop()]));

/** Returns a module whose table has these columns and options. */
const moduleOf = (columns: string, options = '') => `
import { pipeline, table } from 'millrace';
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const seen = table('seen', { id: 'text', key: 'text', ${columns} }, { primaryKey: ['id'], ${options} });
export const orders = pipeline('orders', { event: any, key: ({ key }) => key, tables: { seen }, handle: () => undefined });`;

class MigrateYard extends Yard {
  constructor(context: TestContext) {
    super(context, {
      'first.ts': moduleOf(''),
      'second.ts': moduleOf("note: 'text?', count: 'integer'", "defaults: { count: 7 }, indexes: [['key']]"),
      'other.ts': moduleOf("note: 'integer?'"),
    });
  }

  run(words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  migrate(module: string, database: string, ...options: string[]): Promise<Ended> {
    return this.run(['migrate', `./${module}`, '--database', database, ...options]);
  }

  serve(module: string, database: string): Program {
    return this.start(['serve', `./${module}`, '--port', '0', '--database', database]);
  }
}

interface Kind {
  readonly kind: string;
  readonly make: () => Promise<string>;
  readonly skip: string | false;
  /** The expected output of a dry run of the second module on a database of the first. */
  readonly added: RegExp;
  /** Returns whether any table, or the file, exists. */
  hasTables(database: string, folder: string): Promise<boolean>;
  /** Runs SQL on a database of the yard. */
  query(sql: string, database: string, folder: string): Promise<unknown>;
}

const databases: readonly Kind[] = [
  {
    kind: 'a file',
    make: async () => './mill.db',
    skip: false,
    added:
      /^ALTER TABLE "seen" ADD COLUMN "note" TEXT;\nALTER TABLE "seen" ADD COLUMN "count" INTEGER NOT NULL DEFAULT 7;\nCREATE INDEX "seen_key_idx" ON "seen" \("key"\);\n$/,
    hasTables: async (database, folder) => existsSync(join(folder, database)),
    async query(sql, database, folder) {
      const db = new DatabaseSync(join(folder, database));
      db.exec(sql);
      db.close();
    },
  },
  {
    kind: 'PostgreSQL',
    make: () => server.createDatabase(),
    skip: withoutPostgres,
    added:
      /^ALTER TABLE "seen" ADD COLUMN "note" text COLLATE "C";\nALTER TABLE "seen" ADD COLUMN "count" bigint NOT NULL DEFAULT 7;\nCREATE INDEX "seen_key_idx" ON "seen" \("key"\);\n$/,
    hasTables: async (database) =>
      (await server.query('SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace', database)).length > 0,
    query: (sql, database) => server.query(sql, database),
  },
  {
    kind: 'MariaDB',
    make: () => mariadb.createDatabase(),
    skip: withoutMariadb,
    added:
      /^ALTER TABLE "seen" ADD COLUMN "note" longtext NULL;\nALTER TABLE "seen" ADD COLUMN "count" bigint NOT NULL DEFAULT \(7\);\nCREATE INDEX "seen_key_idx" ON "seen" \("key"\(768\)\);\n$/,
    hasTables: async (database) => (await mariadb.query('SHOW TABLES', new URL(database).pathname.slice(1))).length > 0,
    query: (sql, database) => mariadb.query(sql, new URL(database).pathname.slice(1)),
  },
];

for (const { kind, make, skip, added, hasTables, query } of databases) {
  test(`${kind}: a check reports the necessary changes and changes nothing, a dry run prints the statements, and then they are made once`, {
    skip,
  }, async (context) => {
    const yard = new MigrateYard(context);
    const database = await make();
    const first = await yard.migrate('first.ts', database, '--check');
    assert.deepEqual([first.code, first.stderr], [1, '']);
    assert.match(first.stdout, /is not up to date; \d+ statements to run:\n {2}CREATE TABLE/);
    const list = ['store', 'list', '--json', '--database', database];
    const nothing = await yard.run(list);
    assert.deepEqual([nothing.code, nothing.stdout], [1, '']);
    assert.match(nothing.stderr, /^millrace: \S+: expected a (?:Millrace database, found none of its tables|database, found no file)\n$/);
    assert.equal(await hasTables(database, yard.folder), false);
    assert.equal((await yard.migrate('first.ts', database, '--check')).code, 1);
    const done = await yard.migrate('first.ts', database);
    assert.deepEqual([done.code, done.stderr], [0, '']);
    assert.match(done.stdout, /^brought \S+ up to date: \d+ statements\n$/);
    const checked = await yard.migrate('first.ts', database, '--check');
    assert.deepEqual([checked.code, checked.stderr], [0, '']);
    assert.match(checked.stdout, /^\S+ is up to date\n$/);
    const dry = await yard.migrate('second.ts', database, '--dry-run');
    assert.deepEqual([dry.code, dry.stderr], [0, '']);
    assert.match(dry.stdout, added);
    const both = await yard.migrate('second.ts', database, '--check', '--dry-run');
    assert.deepEqual([both.code, both.stdout], [1, dry.stdout]);
    assert.match((await yard.migrate('second.ts', database)).stdout, /up to date: 3 statements\n$/);
    assert.equal((await yard.migrate('second.ts', database, '--check')).code, 0);
    const program = yard.serve('second.ts', database);
    await program.listening();
    const beside = await yard.migrate('second.ts', database, '--check');
    assert.equal(beside.code, 0, beside.stderr);
    const listed: readonly { readonly pipeline: string }[] = JSON.parse((await yard.run(list)).stdout);
    assert.deepEqual(
      listed.map(({ pipeline }) => pipeline),
      ['orders'],
    );
    const owned = await yard.migrate('second.ts', database);
    if (database.startsWith('.')) assert.match(owned.stderr, /^millrace: \S+mill\.db: owned by process \d+.*\n$/);
    else assert.equal(owned.code, 0);
    assert.equal((await program.kill('SIGTERM')).code, 0);
    const refused = await yard.migrate('other.ts', database, '--check');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^millrace: .*table seen: column note: expected .*\n$/);
  });

  test(`${kind}: a newer schema is refused in one line, by a start as well as a migration`, { skip }, async (context) => {
    const yard = new MigrateYard(context);
    const database = await make();
    assert.equal((await yard.migrate('first.ts', database)).code, 0);
    await query("UPDATE millrace_meta SET value = '99' WHERE name = 'schema_version'", database, yard.folder);
    // One after another, since each owns the file while it looks at it.
    for (const run of [
      () => yard.serve('first.ts', database).ended,
      () => yard.migrate('first.ts', database),
      () => yard.migrate('first.ts', database, '--check'),
    ]) {
      const { code, stdout, stderr } = await run();
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(
        stderr,
        /^millrace: .*expected tables of schema version \d+, found version 99\. Open it with the Millrace version that created it, or a newer one\.$\n*(?![\s\S])/m,
      );
    }
  });
}

test('a file of an older schema is brought up to date, and the dry run shows its statements', async (context) => {
  const yard = new MigrateYard(context);
  const db = new DatabaseSync(join(yard.folder, 'mill.db'));
  db.exec(await readFile(join(checkout, 'src/store/sqlite/schema/version-6.sql'), 'utf8'));
  db.close();
  const dry = await yard.migrate('first.ts', './mill.db', '--dry-run');
  assert.match(dry.stdout, /INSERT INTO "millrace_causes_orders".*\n[\s\S]*DROP TABLE "millrace_timers_orders";\n/);
  assert.match(dry.stdout, /INSERT OR REPLACE INTO millrace_meta VALUES \('schema_version', 11\);\n/);
  assert.equal((await yard.migrate('first.ts', './mill.db', '--check')).code, 1);
  assert.equal((await yard.migrate('first.ts', './mill.db')).code, 0);
  assert.equal((await yard.migrate('first.ts', './mill.db', '--check')).code, 0);
});

test('an in-memory database has nothing to migrate', async (context) => {
  const { code, stderr } = await new MigrateYard(context).migrate('first.ts', 'memory:');
  assert.deepEqual(
    [code, stderr],
    [2, 'millrace: --database: expected a persistent database, found memory: (see millrace migrate --help)\n'],
  );
});
