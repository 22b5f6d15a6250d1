import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { table } from '../../pipeline/table.ts';
import { migrateTables, selectRows, TableWriter } from './tables.ts';

const accounts = table(
  'accounts',
  { id: 'text', version: 'integer', tokens: 'real?', vip: 'boolean?', note: 'json?' },
  { primaryKey: ['id'], indexes: [['version'], ['tokens', 'id']] },
);

function opened(...tables: Parameters<typeof migrateTables>[1]): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  migrateTables(db, tables);
  return db;
}

function schemaOf(db: DatabaseSync): unknown[] {
  return selectRows(db, 'SELECT name, sql FROM sqlite_schema ORDER BY name', []);
}

function indexesOf(db: DatabaseSync): unknown[] {
  return selectRows(db, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name", []).map((row) => row.name);
}

function refuses(db: DatabaseSync, changed: Parameters<typeof migrateTables>[1][number], ...words: string[]): void {
  const before = schemaOf(db);
  assert.throws(
    () => migrateTables(db, [table('other', { id: 'text' }), changed]),
    (error: Error & { code?: string }) =>
      error.code === 'MILL_TABLE_CHANGED' && words.every((word) => error.message.includes(word) || assert.fail(error.message)),
  );
  assert.deepEqual(schemaOf(db), before);
}

describe('the migration of declared tables', () => {
  test('a new table has its columns, key and indexes', () => {
    const db = opened(accounts);
    assert.deepEqual(
      selectRows(db, "SELECT name, type, [notnull], pk FROM pragma_table_info('accounts')", []).map((row) => Object.values(row).join(' ')),
      ['id TEXT 1 1', 'version INTEGER 1 0', 'tokens REAL 0 0', 'vip INTEGER 0 0', 'note TEXT 0 0'],
    );
    assert.deepEqual(indexesOf(db), ['accounts_tokens_id_idx', 'accounts_version_idx']);
    assert.deepEqual(selectRows(db, "SELECT wr, strict FROM pragma_table_list('accounts')", []), [{ wr: 1, strict: 1 }]);
  });

  test('a table that fits its declaration is left unchanged', () => {
    const db = opened(accounts);
    const before = schemaOf(db);
    migrateTables(db, [accounts]);
    assert.deepEqual(schemaOf(db), before);
  });

  test('an integer key is the row id, and a table without a key is append-only', () => {
    const db = opened(table('numbered', { id: 'integer', text: 'text' }, { primaryKey: ['id'] }), table('journal', { text: 'text' }));
    assert.deepEqual(selectRows(db, "SELECT name, wr FROM pragma_table_list WHERE name IN ('numbered', 'journal') ORDER BY name", []), [
      { name: 'journal', wr: 0 },
      { name: 'numbered', wr: 0 },
    ]);
  });

  test('new nullable columns and indexes are added, and indexes no longer declared are dropped', () => {
    const db = opened(accounts);
    new TableWriter(db, [accounts]).write({ table: 'accounts', write: 'put', rows: [['a', 1, 2.5, 1, '{}']] });
    const next = table('accounts', { ...accounts.columns, since: 'integer?' }, { primaryKey: ['id'], indexes: [['since'], ['version']] });
    migrateTables(db, [next]);
    assert.deepEqual(indexesOf(db), ['accounts_since_idx', 'accounts_version_idx']);
    assert.deepEqual(selectRows(db, 'SELECT * FROM accounts', []), [{ id: 'a', version: 1, tokens: 2.5, vip: 1, note: '{}', since: null }]);
  });

  test('SQL that omits a column gets its default, which stays as first declared', () => {
    const columns = {
      id: 'text',
      unit: 'text',
      scale: 'real',
      count: 'integer?',
      good: 'boolean',
      tags: 'json',
    } as const;
    const withDefaults = (unit: string) =>
      table('readings', columns, { primaryKey: ['id'], defaults: { unit, scale: 2, count: -7, good: true, tags: { a: "it's" } } });
    const db = opened(withDefaults("it's"));
    migrateTables(db, [withDefaults('other')]);
    db.exec("INSERT INTO readings (id) VALUES ('a')");
    new TableWriter(db, [withDefaults('other')]).write({ table: 'readings', write: 'put', rows: [['b', 'K', 1, null, 0, '[]']] });
    assert.deepEqual(selectRows(db, 'SELECT *, typeof(scale) AS type FROM readings ORDER BY id', []), [
      { id: 'a', unit: "it's", scale: 2, count: -7, good: 1, tags: '{"a":"it\'s"}', type: 'real' },
      { id: 'b', unit: 'K', scale: 1, count: null, good: 0, tags: '[]', type: 'real' },
    ]);
    assert.deepEqual(selectRows(db, "SELECT strict FROM pragma_table_list('readings')", []), [{ strict: 1 }]);
  });

  test('a column may have the name of an inherited object property', () => {
    const db = opened(table('parts', { constructor: 'text?' }));
    db.exec('INSERT INTO parts DEFAULT VALUES');
    assert.deepEqual(selectRows(db, 'SELECT constructor IS NULL AS none FROM parts', []), [{ none: 1 }]);
  });

  test('users’ indexes, triggers and generated columns are left alone', () => {
    const db = opened(accounts);
    db.exec(`CREATE INDEX by_note ON accounts (note); CREATE UNIQUE INDEX accounts_vip_idx ON accounts (vip);
      CREATE INDEX accounts_part_idx ON accounts (version) WHERE vip; ALTER TABLE accounts ADD COLUMN twice INTEGER AS (version * 2)`);
    migrateTables(db, [table('accounts', accounts.columns, { primaryKey: ['id'] })]);
    assert.deepEqual(indexesOf(db), ['accounts_part_idx', 'accounts_vip_idx', 'by_note']);
  });

  test('changes that would lose something are refused, and nothing is changed', () => {
    const db = opened(accounts);
    const key = { primaryKey: ['id'] } as const;
    refuses(
      db,
      table('accounts', { ...accounts.columns, version: 'text' }, key),
      'table accounts',
      'column version',
      'expected TEXT NOT NULL',
      'found INTEGER NOT NULL',
    );
    refuses(db, table('accounts', { ...accounts.columns, tokens: 'real' }, key), 'column tokens', 'expected REAL NOT NULL', 'found REAL.');
    refuses(
      db,
      table('accounts', { ...accounts.columns, version: 'integer?' }, key),
      'column version',
      'expected INTEGER,',
      'found INTEGER NOT NULL',
    );
    const { version: _version, ...withoutVersion } = accounts.columns;
    refuses(db, table('accounts', withoutVersion, key), 'column version', 'expected no such column', 'found INTEGER NOT NULL');
    refuses(
      db,
      table('accounts', { ...accounts.columns, since: 'integer' }, key),
      'column since',
      'expected INTEGER NOT NULL',
      'found no such column',
    );
    refuses(
      db,
      table('accounts', accounts.columns, { primaryKey: ['id', 'version'] }),
      'column id',
      'expected PRIMARY KEY (id, version)',
      'found PRIMARY KEY (id)',
    );
    refuses(db, table('accounts', accounts.columns), 'expected no primary key', 'found PRIMARY KEY (id)');
  });

  test('columns that somebody added with SQL are left alone if rows can be added without them', () => {
    const db = opened(accounts);
    db.exec(`ALTER TABLE accounts ADD COLUMN Note_by TEXT; ALTER TABLE accounts ADD COLUMN unit TEXT NOT NULL DEFAULT 'K';
      ALTER TABLE accounts ADD COLUMN grade INTEGER DEFAULT 1 CHECK (grade < 10); ALTER TABLE accounts ADD COLUMN badge BLOB;
      CREATE UNIQUE INDEX one_badge ON accounts (badge); CREATE UNIQUE INDEX one_grade ON accounts (id, grade);
      CREATE INDEX accounts_unit_idx ON accounts (unit)`);
    const before = schemaOf(db);
    migrateTables(db, [accounts]);
    assert.deepEqual(schemaOf(db), before);
    const writer = new TableWriter(db, [accounts]);
    const rows = ['a', 'b'].map((id) => [id, 1, null, null, null]);
    for (const write of ['add', 'put', 'put'] as const) writer.write({ table: 'accounts', write, rows });
    assert.deepEqual(
      selectRows(db, 'SELECT id, Note_by, unit, grade, badge FROM accounts', []),
      [
        { id: 'a', note_by: null, unit: 'K', grade: 1, badge: null },
        { id: 'b', note_by: null, unit: 'K', grade: 1, badge: null },
      ].map(({ note_by, ...row }) => ({ ...row, Note_by: note_by })),
    );
  });

  test('a put keeps values that another release or somebody wrote to an undeclared column', () => {
    const db = opened(accounts);
    const writer = new TableWriter(db, [accounts]);
    writer.write({ table: 'accounts', write: 'put', rows: [['a', 1, null, null, null]] });
    db.exec("ALTER TABLE accounts ADD COLUMN tag TEXT DEFAULT 'none'; UPDATE accounts SET tag = 'kept'");
    migrateTables(db, [accounts]);
    const again = new TableWriter(db, [accounts]);
    again.write({ table: 'accounts', write: 'put', rows: [['a', 2, null, null, null]] });
    again.write({ table: 'accounts', write: 'update', columns: ['id', 'version'], rows: [['a', 3]] });
    assert.deepEqual(selectRows(db, 'SELECT version, tag FROM accounts', []), [{ version: 3, tag: 'kept' }]);
  });

  test('somebody’s constraint on an undeclared column refuses rows in SQLite’s words, but not the start', () => {
    const db = opened(accounts);
    db.exec('ALTER TABLE accounts ADD COLUMN grade INTEGER CHECK (grade IS NOT NULL)');
    migrateTables(db, [accounts]);
    assert.throws(() => new TableWriter(db, [accounts]).write({ table: 'accounts', write: 'put', rows: [['a', 1, null, null, null]] }), {
      code: 'MILL_COMMIT_REFUSED',
      message: /accounts: CHECK constraint failed: grade IS NOT NULL/,
    });
  });

  test('a column that every row needs is refused: not null without a default, or in the key', () => {
    for (const standard of ['', ' DEFAULT NULL', ' DEFAULT (null)', ' DEFAULT ( NULL )']) {
      const db = new DatabaseSync(':memory:');
      db.exec(`CREATE TABLE journal (text TEXT NOT NULL, at INTEGER NOT NULL${standard}) STRICT`);
      refuses(db, table('journal', { text: 'text' }), 'table journal', 'column at', 'expected no such column', 'found INTEGER NOT NULL');
    }
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE journal (text TEXT NOT NULL, at INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (text, at)) STRICT');
    refuses(db, table('journal', { text: 'text' }, { primaryKey: ['text'] }), 'column at', 'found PRIMARY KEY (text, at)');
  });

  test('another release’s index over its own column stays', () => {
    const second = table(
      'accounts',
      { ...accounts.columns, since: 'integer?' },
      { primaryKey: ['id'], indexes: [['since'], ['version', 'since']] },
    );
    const db = opened(second);
    migrateTables(db, [accounts]);
    assert.deepEqual(indexesOf(db), ['accounts_since_idx', 'accounts_tokens_id_idx', 'accounts_version_idx', 'accounts_version_since_idx']);
    migrateTables(db, [second]);
    assert.deepEqual(indexesOf(db), ['accounts_since_idx', 'accounts_version_since_idx']);
  });

  test('SQL can put only JSON into a json column; a table made earlier stays unchanged', () => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE accounts (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, tokens REAL, vip INTEGER, note TEXT)');
    const before = selectRows(db, "SELECT sql FROM sqlite_schema WHERE name = 'accounts'", []);
    const papers = table(
      'papers',
      { id: 'text', data: 'json', more: 'json?', list: 'json' },
      { primaryKey: ['id'], defaults: { list: [] } },
    );
    migrateTables(db, [accounts, papers]);
    assert.deepEqual(selectRows(db, "SELECT sql FROM sqlite_schema WHERE name = 'accounts'", []), before);
    db.exec("INSERT INTO papers (id, data) VALUES ('a', '{}')");
    for (const column of ['data', 'more', 'list']) {
      for (const text of ['redacted', '', "{'a':1}", 'NaN']) {
        assert.throws(() => db.prepare(`UPDATE papers SET ${column} = ?`).run(text), {
          message: `CHECK constraint failed: json_valid("${column}")`,
        });
      }
    }
    db.exec(`UPDATE papers SET data = '[1e400]', more = '"x"', list = 'null'`);
  });

  test('texts of an earlier release continue as texts with a length, enumerations and moments, and vice versa', () => {
    const options = { primaryKey: ['id'], indexes: [['at']] } as const;
    const before = table('things', { id: 'text', kind: 'text', at: 'text?' }, options);
    const db = opened(before);
    const made = schemaOf(db);
    for (const declared of [table('things', { id: 'text(5)', kind: ['a', 'b'], at: 'moment?' }, options), before])
      migrateTables(db, [declared]);
    assert.deepEqual(schemaOf(db), made);
    refuses(
      db,
      table('things', { id: 'text', kind: ['a', null], at: 'text?' }, options),
      'column kind',
      'expected TEXT,',
      'found TEXT NOT NULL',
    );
  });

  test('an index name used by another table is refused', () => {
    const db = opened(table('user', { events: 'text', at: 'integer' }, { indexes: [['events', 'at']] }));
    refuses(db, table('user_events', { at: 'integer' }, { indexes: [['at']] }), 'table user_events', 'user_events_at_idx', 'table user');
  });

  test('a table made with plain SQL is accepted if it fits', () => {
    const db = new DatabaseSync(':memory:');
    db.exec('CREATE TABLE accounts (Id text PRIMARY KEY, version integer NOT NULL, tokens REAL, vip INTEGER, note TEXT)');
    migrateTables(db, [accounts]);
    new TableWriter(db, [accounts]).write({ table: 'accounts', write: 'put', rows: [['a', 1, null, null, null]] });
    assert.equal(selectRows(db, 'SELECT * FROM accounts', []).length, 1);
  });
});

describe('rows', () => {
  test('put replaces by primary key, and add keeps an existing row', () => {
    const db = opened(accounts);
    const writer = new TableWriter(db, [accounts]);
    writer.write({
      table: 'accounts',
      write: 'add',
      rows: [
        ['a', 1, 1.5, 0, '[]'],
        ['b', 1, null, null, null],
      ],
    });
    writer.write({ table: 'accounts', write: 'add', rows: [['a', 2, null, null, null]] });
    writer.write({ table: 'accounts', write: 'put', rows: [['b', 3, null, 1, null]] });
    assert.deepEqual(selectRows(db, 'SELECT * FROM accounts ORDER BY id', []), [
      { id: 'a', version: 1, tokens: 1.5, vip: 0, note: '[]' },
      { id: 'b', version: 3, tokens: null, vip: 1, note: null },
    ]);
  });

  test('a put deletes no row that conflicts in a unique index', () => {
    const db = opened(accounts);
    db.exec('CREATE UNIQUE INDEX one_version ON accounts (version)');
    const writer = new TableWriter(db, [accounts]);
    writer.write({ table: 'accounts', write: 'put', rows: [['a', 1, null, null, null]] });
    for (const write of ['put', 'add'] as const) {
      assert.throws(() => writer.write({ table: 'accounts', write, rows: [['b', 1, null, null, null]] }), {
        code: 'MILL_COMMIT_REFUSED',
        message: 'table accounts: UNIQUE constraint failed: accounts.version',
      });
    }
    assert.deepEqual(selectRows(db, 'SELECT id FROM accounts', []), [{ id: 'a' }]);
  });

  test('a refusal by a constraint, a type or a trigger names the table, in SQLite’s words', () => {
    const db = opened(accounts);
    db.exec("CREATE TRIGGER no_c BEFORE INSERT ON accounts WHEN new.id = 'c' BEGIN SELECT RAISE(ABORT, 'no c here'); END");
    const writer = new TableWriter(db, [accounts]);
    const refused = (row: (string | number | null)[], words: string) =>
      assert.throws(() => writer.write({ table: 'accounts', write: 'put', rows: [row] }), {
        code: 'MILL_COMMIT_REFUSED',
        message: `table accounts: ${words}`,
      });
    refused(['a', null, null, null, null], 'NOT NULL constraint failed: accounts.version');
    refused(['a', 'one', null, null, null], 'cannot store TEXT value in INTEGER column accounts.version');
    refused(['c', 1, null, null, null], 'no c here');
    assert.throws(() => writer.write({ table: 'nope', write: 'put', rows: [] }), { code: 'MILL_INVALID_EFFECT' });
  });
});

describe('updates of rows', () => {
  test('a statement is prepared once for each set of columns', (t) => {
    const db = opened(accounts);
    const writer = new TableWriter(db, [accounts]);
    const prepare = t.mock.method(db, 'prepare');
    const update = (columns: string[], row: (string | number)[]) =>
      writer.write({ table: 'accounts', write: 'update', columns, rows: [row] });
    for (let version = 1; version <= 3; version += 1) update(['id', 'version'], ['a', version]);
    update(['id', 'tokens'], ['a', 0.5]);
    assert.equal(prepare.mock.callCount(), 2);
  });

  test('the statements of the latest of many column sets are kept', (t) => {
    const names = Array.from('abcdefghi');
    const wide = table(
      'wide',
      { key: 'text', ...Object.fromEntries(names.map((name) => [name, 'integer?' as const])) },
      { primaryKey: ['key'] },
    );
    const db = opened(wide);
    const writer = new TableWriter(db, [wide]);
    const prepare = t.mock.method(db, 'prepare');
    const update = (set: number) => {
      const columns = ['key', ...names.filter((_, bit) => set & (1 << bit))];
      writer.write({ table: 'wide', write: 'update', columns, rows: [['x', ...columns.slice(1).map(() => set)]] });
      return prepare.mock.callCount();
    };
    writer.write({ table: 'wide', write: 'add', rows: [['x', ...names.map(() => null)]] });
    for (let set = 1; set < 512; set += 1) assert.equal(update(set), set);
    assert.equal(update(511), 511, 'the latest');
    assert.equal(update(1), 512, 'the first, prepared anew');
    assert.deepEqual(selectRows(db, 'SELECT a, b, i FROM wide', []), [{ a: 1, b: 511, i: 511 }]);
  });

  test('a refusal by a type, a trigger or a unique index is in SQLite’s words', () => {
    const db = opened(accounts);
    db.exec(`CREATE UNIQUE INDEX one_version ON accounts (version);
      CREATE TRIGGER no_less BEFORE UPDATE ON accounts WHEN new.version < old.version BEGIN SELECT RAISE(ABORT, 'no less'); END`);
    const writer = new TableWriter(db, [accounts]);
    const rows = [
      ['a', 5, null, null, null],
      ['b', 6, null, null, null],
    ];
    writer.write({ table: 'accounts', write: 'put', rows });
    const refused = (version: string | number, words: string) =>
      assert.throws(() => writer.write({ table: 'accounts', write: 'update', columns: ['id', 'version'], rows: [['a', version]] }), {
        code: 'MILL_COMMIT_REFUSED',
        message: `table accounts: ${words}`,
      });
    refused('one', 'cannot store TEXT value in INTEGER column accounts.version');
    refused(4, 'no less');
    refused(6, 'UNIQUE constraint failed: accounts.version');
  });
});

describe('a query', () => {
  test('returns plain objects', () => {
    const [row] = selectRows(opened(), "-- why\n/* not */ SELECT 1 AS one, ? AS two, NULL AS none, 'é😀' AS text;  -- done", ['b']);
    assert.deepEqual(row, { one: 1, two: 'b', none: null, text: 'é😀' });
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
  });

  test('returns an integer that a number cannot hold as a bigint, and a blob as bytes, in every column of every row', () => {
    const db = opened();
    const sql = `SELECT 9223372036854775807 AS most, -9007199254740992 AS beyond, 9007199254740991 AS safe, 1.5 AS real, x'00ff' AS blob, 1 AS one
      UNION ALL SELECT 1, 2, 3, 4.0, NULL, 9007199254740993`;
    assert.deepEqual(selectRows(db, sql, []), [
      { most: 2n ** 63n - 1n, beyond: -(2n ** 53n), safe: 2 ** 53 - 1, real: 1.5, blob: new Uint8Array([0, 255]), one: 1 },
      { most: 1, beyond: 2, safe: 3, real: 4, blob: null, one: 2n ** 53n + 1n },
    ]);
    assert.deepEqual(selectRows(db, `WITH x AS (SELECT 9007199254740993 AS n) SELECT count(*) AS count, max(n) AS most FROM x`, []), [
      { count: 1, most: 2n ** 53n + 1n },
    ]);
    assert.throws(() => selectRows(db, 'SELECT ?', [2n ** 63n]), { code: 'MILL_INVALID_REQUEST' });
  });

  test('refuses anything that would write, and leaves the database writable for others', () => {
    const db = opened(accounts);
    const before = schemaOf(db);
    for (const sql of [
      "INSERT INTO accounts VALUES ('a', 1, 1, 1, 1)",
      "WITH x AS (SELECT 1) INSERT INTO accounts SELECT 'a', 1, 1, 1, 1",
      'WITH x AS (SELECT 1) DELETE FROM accounts RETURNING id',
      'DROP TABLE accounts',
      'PRAGMA user_version = 3',
      'BEGIN',
      "ATTACH '/tmp/other.db' AS other",
      'SELECT 1; DROP TABLE accounts',
      '',
      'SELEC 1',
      'SELECT * FROM nowhere',
      'SELECT ?, ?',
    ]) {
      assert.throws(() => selectRows(db, sql, sql === 'SELECT ?, ?' ? ['a', 'b', 'c'] : []), { code: 'MILL_INVALID_REQUEST' }, sql);
    }
    assert.deepEqual(schemaOf(db), before);
    assert.equal(db.isTransaction, false);
    db.exec("INSERT INTO accounts (id, version) VALUES ('a', 1)");
    assert.deepEqual(selectRows(db, 'WITH x AS (SELECT id FROM accounts) SELECT * FROM x', []), [{ id: 'a' }]);
  });
});
