import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { rowsOf } from '../../../../test/rows-of-file.ts';
import type { ErrorCode } from '../../../errors.ts';
import type { Store } from '../../store.ts';
import { declaration, mountOrSkip, opened, otherProcess, positionsIn, temporaryFolder, visit } from '../fixture.test.ts';
import { schemaVersion } from '../schema/schema.ts';
import { sqlite } from '../sqlite-store.ts';
import { Thread } from '../threads/thread.ts';
import { type BackupOptions, backUpSqlite } from './backup.ts';
import { restoreSqlite } from './restore.ts';

const quiet: BackupOptions = { force: false, signal: new AbortController().signal };
const forced: BackupOptions = { ...quiet, force: true };

/** Writes a database at rest with this many events. */
async function written(t: TestContext, path: string, events: number, bodyLength = 1): Promise<string> {
  const store = await opened(t, path);
  await store.append(Array.from({ length: events }, () => visit(bodyLength)));
  await store.close();
  return path;
}

function filesOf(folder: string, beginning: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith(beginning));
}

function run(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

function count(path: string): unknown {
  return rowsOf(path, 'SELECT count(*) AS events FROM millrace_log_visits')[0]?.events;
}

/** Appends one more event, and returns its position. */
async function appendedTo(store: Store): Promise<number | undefined> {
  const [appended] = await store.append([visit()]);
  return appended?.status === 'accepted' ? appended.position : undefined;
}

async function positionsOf(path: string): Promise<readonly number[]> {
  const store = sqlite(path);
  await store.open(declaration);
  try {
    return await positionsIn(store);
  } finally {
    await store.close();
  }
}

/** Returns all rows of all tables, with their row ids if they have any, and the schema. */
function dump(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true });
  db.exec('BEGIN');
  const tables = db
    .prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') ORDER BY name")
    .all();
  const rows = tables.map(({ name, wr }) => [name, db.prepare(`SELECT ${wr === 1 ? '' : '_rowid_, '}* FROM "${name}"`).all()]);
  const schema = db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
  db.close();
  return { schema, rows: Object.fromEntries(rows) };
}

describe('a backup', () => {
  test('holds one moment of a database in use, in one file for its user alone, while writing continues', async (t) => {
    const folder = temporaryFolder(t);
    const [path, copy] = [join(folder, 'mill.db'), join(folder, 'copy.db')];
    const store = await opened(t, path);
    await store.append(Array.from({ length: 2_000 }, () => visit(10_000)));
    let steps = 0;
    const writing: Promise<unknown>[] = [];
    const contents = await backUpSqlite(path, copy, {
      ...quiet,
      progress() {
        steps += 1;
        if (writing.length < 3) writing.push(store.append([visit(10_000)]));
      },
    });
    await Promise.all(writing);
    assert.ok(steps > 3, `${steps}`);
    assert.deepEqual(
      contents.pipelines.map(({ pipeline, events, head, cursor }) => [pipeline, events, head, cursor]),
      [['visits', 2_000, 2_000, 0]],
    );
    assert.equal(contents.schemaVersion, schemaVersion);
    assert.deepEqual([statSync(copy).size, (statSync(copy).mode & 0o777).toString(8)], [contents.bytes, '600']);
    assert.deepEqual(filesOf(folder, 'copy'), ['copy.db']);
    assert.equal(await appendedTo(store), 2_004);
    const restored = await opened(t, copy);
    assert.equal(await appendedTo(restored), 2_001);
  });

  test('includes the log of a database reached through a link', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'data'));
    const store = await opened(t, join(folder, 'data', 'mill.db'));
    await store.append([visit(), visit()]);
    symlinkSync(join('data', 'mill.db'), join(folder, 'link.db'));
    const copy = join(folder, 'copy.db');
    assert.equal((await backUpSqlite(join(folder, 'link.db'), copy, quiet)).pipelines[0]?.events, 2);
    await store.append([visit()]);
    const { pipelines } = await restoreSqlite(join(folder, 'link.db'), join(folder, 'restored.db'), quiet);
    assert.equal(pipelines[0]?.events, 3);
  });

  test('can be made from a read-only place, and puts nothing there', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 2);
    const foreign = join(folder, 'of another program.db');
    // Like a manual copy of a database at rest: its header says that it has a log.
    copyFileSync(path, foreign);
    await backUpSqlite(path, join(folder, 'copy.db'), quiet);
    for (const [at, file] of [foreign, join(folder, 'copy.db')].entries()) {
      const restored = join(folder, `${at}`, 'mill.db');
      await restoreSqlite(file, restored, quiet);
      assert.ok(!existsSync(`${file}-wal`) && !existsSync(`${file}-shm`));
      // A reader does not keep the engine from starting.
      const reader = await otherProcess(t, restored);
      await reader.exec('BEGIN; SELECT * FROM millrace_meta');
      await opened(t, restored);
    }
  });

  test('includes what a killed process left in its log', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 3);
    const other = await otherProcess(t, path);
    await other.exec(
      "INSERT INTO millrace_log_visits SELECT 4, key, 'x', number, accepted_at, body, traceparent, origin FROM millrace_log_visits LIMIT 1",
    );
    await other.kill();
    assert.ok(statSync(`${path}-wal`).size > 0);
    const { pipelines } = await backUpSqlite(path, join(folder, 'copy.db'), quiet);
    assert.equal(pipelines[0]?.events, 4);
  });

  test('includes everything users have added, with every row id', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 3);
    run(
      path,
      `CREATE TABLE "my notes" (note TEXT); INSERT INTO "my notes" VALUES ('a'), ('b'), ('c'); DELETE FROM "my notes" WHERE note = 'a';
       CREATE TABLE audited (position INTEGER); CREATE INDEX by_accepted ON millrace_log_visits (accepted_at);
       CREATE TRIGGER audit AFTER INSERT ON millrace_log_visits BEGIN INSERT INTO audited VALUES (new.position); END;
       CREATE VIEW latest AS SELECT max(position) FROM millrace_log_visits;
       CREATE VIRTUAL TABLE words USING fts5(note); INSERT INTO words VALUES ('to be found');
       INSERT INTO millrace_paused VALUES ('visits'); INSERT INTO millrace_state_shapes VALUES ('visits', 1, 'shape')`,
    );
    const copy = join(folder, 'copy.db');
    await backUpSqlite(path, copy, quiet);
    assert.deepEqual(dump(copy), dump(path));
    const restored = join(folder, 'new', 'mill.db');
    await restoreSqlite(copy, restored, quiet);
    assert.deepEqual(dump(restored), dump(path));
    const store = sqlite(restored);
    assert.deepEqual((await store.open(declaration)).paused, ['visits']);
    t.after(() => store.close());
    await store.append([visit()]);
    assert.deepEqual(await store.query('SELECT position FROM audited', []), [{ position: 4 }]);
  });

  test('succeeds even if an index needs a function that only its user’s program has', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 1);
    const db = new DatabaseSync(path);
    db.function('mine', { deterministic: true }, (value) => value);
    db.exec('CREATE TABLE own (a); CREATE INDEX own_mine ON own (mine(a)); INSERT INTO own VALUES (1)');
    db.close();
    const { pipelines } = await backUpSqlite(path, join(folder, 'copy.db'), quiet);
    assert.equal(pipelines[0]?.events, 1);
  });

  test('can be made of a database that the next start would bring up to date', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 1);
    run(path, "UPDATE millrace_meta SET value = 5 WHERE name = 'schema_version'; DROP TABLE millrace_gaps_visits");
    assert.equal((await backUpSqlite(path, join(folder, 'copy.db'), quiet)).schemaVersion, 5);
  });

  test('can be made of a half-deleted pipeline, or one with a completely pruned log', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 5);
    run(path, 'DELETE FROM millrace_log_visits WHERE position <= 3');
    const half = await backUpSqlite(path, join(folder, 'half.db'), quiet);
    run(path, "DELETE FROM millrace_log_visits; INSERT OR REPLACE INTO millrace_partitions VALUES ('visits', 0, 1, 5)");
    const none = await backUpSqlite(path, join(folder, 'none.db'), quiet);
    assert.deepEqual(
      [half, none].map(({ pipelines: [visits] }) => [visits?.events, visits?.cursor, visits?.head, visits?.newestAcceptedAt === null]),
      [
        [2, 0, 5, false],
        [0, 5, 5, true],
      ],
    );
  });

  test('replaces a file only when told to, and never a database in use or the source’s own files', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 1);
    const copy = await written(t, join(folder, 'copy.db'), 2);
    symlinkSync('mill.db', join(folder, 'link.db'));
    symlinkSync('nowhere.db', join(folder, 'dangling.db'));
    linkSync(path, join(folder, 'hard.db'));
    writeFileSync(join(folder, 'text'), 'mine');
    writeFileSync(join(folder, 'text-wal'), 'mine');
    const refusals: readonly (readonly [file: string, code: ErrorCode, options?: BackupOptions])[] = [
      [copy, 'MILL_CONFLICT'],
      [join(folder, 'dangling.db'), 'MILL_CONFLICT'],
      ...['mill.db', 'mill.db-wal', 'mill.db-owner', 'mill.db-reserve', 'link.db', 'hard.db'].map(
        (name) => [join(folder, name), 'MILL_INVALID_CONFIGURATION', forced] as const,
      ),
      [folder, 'MILL_INVALID_CONFIGURATION', forced],
      [join(folder, 'none', 'copy.db'), 'MILL_INVALID_CONFIGURATION'],
      [join(path, 'copy.db'), 'MILL_INVALID_CONFIGURATION'],
      [join(folder, 'x.db.millrace-partial'), 'MILL_INVALID_CONFIGURATION'],
    ];
    for (const [file, code, options = quiet] of refusals) await assert.rejects(backUpSqlite(path, file, options), { code }, file);
    const inUse = await opened(t, copy);
    await assert.rejects(backUpSqlite(path, copy, forced), { code: 'MILL_STORE_OWNED' });
    assert.equal((await positionsIn(inUse)).length, 2);
    await inUse.close();
    const before = readdirSync(folder)
      .filter((name) => existsSync(join(folder, name)))
      .toSorted();
    await backUpSqlite(path, copy, forced);
    assert.equal(count(copy), 1);
    await backUpSqlite(path, join(folder, 'text'), forced);
    assert.deepEqual(await positionsOf(join(folder, 'text')), [1]);
    // The text's log, which would be read with it, is gone, and so is the replaced file's lock.
    assert.deepEqual(
      before.filter((name) => !existsSync(join(folder, name))),
      ['copy.db-owner', 'text-wal'],
    );
  });
});

describe('a file being backed up to', () => {
  test('is written by one backup, and a second one to the same file is refused', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 500, 10_000);
    const copy = join(folder, 'copy.db');
    const outcomes = await Promise.allSettled([backUpSqlite(path, copy, quiet), backUpSqlite(path, copy, quiet)]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.value.pipelines[0]?.events)),
      [500, 'MILL_STORE_OWNED'],
    );
    assert.deepEqual(filesOf(folder, 'copy'), ['copy.db']);
  });

  test('is deleted by the next backup in the folder if its own was interrupted, whatever that one’s file is called', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 1);
    writeFileSync(join(folder, 'odd.db.millrace-partial-owner'), 'no lock '.repeat(100));
    for (const name of ['old.db.millrace-partial', 'old.db.millrace-partial-journal', 'older.db.millrace-partial-owner', 'mine-partial'])
      writeFileSync(join(folder, name), '');
    const busy = await otherProcess(t, join(folder, 'busy.db.millrace-partial-owner'));
    writeFileSync(join(folder, 'busy.db.millrace-partial'), '');
    await busy.exec('BEGIN IMMEDIATE');
    const left: string[] = [];
    await backUpSqlite(path, join(folder, 'copy.db'), { ...quiet, leftover: (file) => left.push(file) });
    assert.deepEqual(left.toSorted(), [join(folder, 'old.db.millrace-partial'), join(folder, 'older.db.millrace-partial')]);
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => name.includes('partial') && !name.endsWith('-journal'))
        .toSorted(),
      ['busy.db.millrace-partial', 'busy.db.millrace-partial-owner', 'mine-partial', 'odd.db.millrace-partial-owner'],
    );
  });

  test('is gone when the signal aborts, at any step, even during verification', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 2_000, 10_000);
    const pages: number[] = [];
    await backUpSqlite(path, join(folder, 'whole.db'), { ...quiet, progress: (copied) => pages.push(copied) });
    assert.ok(pages.length > 3);
    for (const step of [0, pages.length - 1]) {
      const interrupted = new AbortController();
      let at = 0;
      const progress = () => {
        if (at++ === step) interrupted.abort(new Error('enough'));
      };
      await assert.rejects(backUpSqlite(path, join(folder, 'copy.db'), { force: false, signal: interrupted.signal, progress }), /enough/);
      assert.deepEqual(filesOf(folder, 'copy'), []);
      assert.equal(at, step + 1);
    }
    const interrupted = new AbortController();
    const verifying = backUpSqlite(path, join(folder, 'copy.db'), { force: false, signal: interrupted.signal });
    t.mock.method(Thread.prototype, 'call', () => {
      setImmediate(() => interrupted.abort(new Error('enough')));
      return new Promise(() => undefined);
    });
    await assert.rejects(verifying, /enough/);
    assert.deepEqual(filesOf(folder, 'copy'), []);
  });
});

describe('a restore', () => {
  test('replaces a database and its log, and leaves the backup unchanged', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 2);
    const copy = join(folder, 'copy.db');
    await backUpSqlite(path, copy, quiet);
    const bytes = readFileSync(copy);
    const store = await opened(t, path);
    await store.append([visit(), visit()]);
    await assert.rejects(restoreSqlite(copy, path, forced), { code: 'MILL_STORE_OWNED' });
    await store.close();
    // A crash leaves the latest writes in the log.
    const other = await otherProcess(t, path);
    await other.exec('UPDATE millrace_log_visits SET key = upper(key)');
    await assert.rejects(restoreSqlite(copy, path, forced), { code: 'MILL_STORE_BUSY' });
    assert.equal(count(path), 4);
    await other.kill();
    assert.ok(statSync(`${path}-wal`).size > 0);
    await assert.rejects(restoreSqlite(copy, path, quiet), { code: 'MILL_CONFLICT', message: /--force/ });
    assert.equal(count(path), 4);
    await restoreSqlite(copy, path, forced);
    assert.deepEqual(dump(path), dump(copy));
    assert.deepEqual(await positionsOf(path), [1, 2]);
    assert.deepEqual(readFileSync(copy), bytes);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('copy') || name.includes('partial')),
      ['copy.db'],
    );
  });

  test('keeps the old database’s mode, or is for its user alone if there was none', async (t) => {
    const folder = temporaryFolder(t);
    const copy = join(folder, 'copy.db');
    await backUpSqlite(await written(t, join(folder, 'mill.db'), 1), copy, quiet);
    writeFileSync(join(folder, 'shared.db'), '', { mode: 0o640 });
    // A log without its database belongs to nothing, and neither does an index without its log.
    writeFileSync(join(folder, 'shared.db-shm'), 'of another one');
    writeFileSync(join(folder, 'new.db-journal'), 'of another one');
    symlinkSync('shared.db', join(folder, 'link.db'));
    symlinkSync('linked.db', join(folder, 'dangling.db'));
    for (const [name, file, mode] of [
      ['link.db', 'shared.db', '640'],
      ['new.db', 'new.db', '600'],
      ['dangling.db', 'linked.db', '600'],
    ] as const) {
      await restoreSqlite(copy, join(folder, name), quiet);
      assert.equal((statSync(join(folder, file)).mode & 0o777).toString(8), mode);
      assert.deepEqual(await positionsOf(join(folder, file)), [1]);
    }
    assert.ok(!existsSync(join(folder, 'new.db-journal')));
  });

  test('replaces a database that nobody can open any more', async (t) => {
    const folder = temporaryFolder(t);
    const [path, copy] = [join(folder, 'mill.db'), join(folder, 'copy.db')];
    await backUpSqlite(await written(t, path, 2), copy, quiet);
    const other = await otherProcess(t, path);
    await other.exec('UPDATE millrace_log_visits SET key = upper(key)');
    await other.kill();
    for (const damaged of ['', '-wal']) writeFileSync(`${path}${damaged}`, Buffer.alloc(20_000, 'x'));
    await restoreSqlite(copy, path, forced);
    assert.deepEqual(await positionsOf(path), [1, 2]);
  });

  test('refuses an incomplete backup, and touches nothing', async (t) => {
    const folder = temporaryFolder(t);
    const path = await written(t, join(folder, 'mill.db'), 200, 1_000);
    run(path, 'CREATE TABLE own (a TEXT); INSERT INTO own VALUES (hex(randomblob(1500)))');
    const copy = join(folder, 'copy.db');
    await backUpSqlite(path, copy, quiet);
    const made = (name: string, change: (file: string) => void) => {
      const file = join(folder, name);
      copyFileSync(copy, file);
      change(file);
      return file;
    };
    const pageSize = 4_096;
    const scribbleOn = (page: number) => (file: string) => {
      const bytes = readFileSync(file);
      bytes.fill(0xaa, (page - 1) * pageSize, page * pageSize);
      writeFileSync(file, bytes);
    };
    const pages = statSync(copy).size / pageSize;
    const pageOfUser = Number(rowsOf(copy, "SELECT rootpage FROM sqlite_schema WHERE name = 'own'")[0]?.rootpage);
    const wrong: readonly (readonly [file: string, code: ErrorCode])[] = [
      [join(folder, 'none.db'), 'MILL_INVALID_CONFIGURATION'],
      [folder, 'MILL_INVALID_CONFIGURATION'],
      [made('copy.db.millrace-partial', () => undefined), 'MILL_INVALID_CONFIGURATION'],
      [made('text', (file) => writeFileSync(file, 'a text, of some length, that is no database '.repeat(100))), 'MILL_STORE_CORRUPT'],
      [made('empty', (file) => truncateSync(file, 0)), 'MILL_INVALID_CONFIGURATION'],
      [made('short', (file) => truncateSync(file, statSync(file).size - 100)), 'MILL_STORE_CORRUPT'],
      [made('shorter', (file) => truncateSync(file, 3 * pageSize)), 'MILL_STORE_CORRUPT'],
      ...[2, Math.ceil(pages / 2), pages, pageOfUser].map(
        (page) => [made(`scribbled-${page}`, scribbleOn(page)), 'MILL_STORE_CORRUPT'] as const,
      ),
      [made('newer', (file) => run(file, `UPDATE millrace_meta SET value = ${schemaVersion + 1}`)), 'MILL_TABLE_CHANGED'],
      [made('ancient', (file) => run(file, 'UPDATE millrace_meta SET value = 4')), 'MILL_TABLE_CHANGED'],
      [made('another', (file) => run(file, 'DROP TABLE millrace_meta')), 'MILL_INVALID_CONFIGURATION'],
      [made('holes', (file) => run(file, 'DELETE FROM millrace_log_visits WHERE position = 100')), 'MILL_STORE_CORRUPT'],
    ];
    const before = dump(path);
    mkdirSync(join(folder, 'to'));
    for (const [file, code] of wrong) {
      await assert.rejects(restoreSqlite(file, path, forced), (error: Error & { code: string }) => {
        assert.deepEqual([file, error.code], [file, code]);
        assert.ok(error.message.startsWith(file) && !error.message.includes('\n'), error.message);
        return true;
      });
      await assert.rejects(restoreSqlite(file, join(folder, 'to', 'new.db'), quiet), { code }, file);
      assert.deepEqual(readdirSync(join(folder, 'to')), [], file);
    }
    assert.deepEqual(dump(path), before);
  });

  test('is refused for a file with a second name, and onto the backup itself', async (t) => {
    const folder = temporaryFolder(t);
    const copy = join(folder, 'copy.db');
    await backUpSqlite(await written(t, join(folder, 'mill.db'), 1), copy, quiet);
    linkSync(join(folder, 'mill.db'), join(folder, 'second.db'));
    for (const database of [copy, join(folder, 'mill.db'), folder])
      await assert.rejects(restoreSqlite(copy, database, forced), { code: 'MILL_INVALID_CONFIGURATION' }, database);
  });
});

describe('a disk without room for a copy', () => {
  test('is detected before anything is written to it', async (t) => {
    const point = mountOrSkip(t, join(temporaryFolder(t), 'disk'), '2m');
    if (point === undefined) return;
    const path = await written(t, join(temporaryFolder(t), 'mill.db'), 300, 10_000);
    const full = { code: 'MILL_STORE_FULL', message: /expected \d\.\d MiB of room on the disk for the copy, found \d\.\d MiB/ };
    await assert.rejects(backUpSqlite(path, join(point, 'copy.db'), quiet), full);
    await assert.rejects(restoreSqlite(path, join(point, 'mill.db'), quiet), full);
    assert.deepEqual(readdirSync(point), []);
    await written(t, join(point, 'small.db'), 1);
    await assert.rejects(restoreSqlite(path, join(point, 'small.db'), forced), full);
    assert.deepEqual(await positionsOf(join(point, 'small.db')), [1]);
  });
});
