import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import type { ErrorCode } from '../../errors.ts';
import type { Store } from '../store.ts';
import { bindMountOrSkip, declaration, mountOrSkip, positionsIn, temporaryFolder, undoAtEnd, visit } from './fixture.test.ts';
import { sqlite } from './sqlite-store.ts';

/** Expects that opening it is refused in one line that names the path, and that nothing is left beside it. */
async function assertRefused(path: string, reason: RegExp): Promise<void> {
  const before = readdirSync(dirname(path));
  const error = await sqlite(path)
    .open(declaration)
    .then(
      () => assert.fail('it could be opened'),
      (thrown) => thrown,
    );
  assert.equal(error.code, 'MILL_INVALID_CONFIGURATION');
  assert.ok(error.message.startsWith(`${path}: `), error.message);
  assert.match(error.message, reason);
  assert.doesNotMatch(error.message, /\n/);
  assert.deepEqual(readdirSync(dirname(path)), before);
}

async function opened(t: TestContext, path: string): Promise<Store> {
  const store = sqlite(path);
  await store.open(declaration);
  undoAtEnd(t, () => store.close());
  return store;
}

/** A database with one event. */
async function filled(path: string): Promise<string> {
  const store = sqlite(path);
  await store.open(declaration);
  await store.append([visit()]);
  await store.close();
  return path;
}

describe('a database with a second name is refused', () => {
  test('a second hard link, by each of the names; with one name left it is opened', async (t) => {
    const folder = temporaryFolder(t);
    const path = await filled(join(folder, 'mill.db'));
    mkdirSync(join(folder, 'other'));
    const other = join(folder, 'other', 'mill.db');
    linkSync(path, other);
    await assertRefused(path, /the file has 2 hard links.*keep one name/);
    await assertRefused(other, /the file has 2 hard links/);
    rmSync(path);
    assert.deepEqual(await positionsIn(await opened(t, other)), [1]);
  });

  test('a second hard link of a log that a crash left', async (t) => {
    const folder = temporaryFolder(t);
    const path = await filled(join(folder, 'mill.db'));
    writeFileSync(`${path}-wal`, '');
    linkSync(`${path}-wal`, join(folder, 'copy'));
    await assertRefused(path, /mill\.db-wal has 2 hard links/);
  });

  test('a mount of the file alone, although within one file system, and of its log', async (t) => {
    const folder = temporaryFolder(t);
    const path = await filled(join(folder, 'mill.db'));
    // The list of mounts writes a space in another way.
    const mounted = join(folder, 'a b', 'mill.db');
    mkdirSync(dirname(mounted));
    writeFileSync(mounted, '');
    if (!bindMountOrSkip(t, path, mounted)) return;
    await assertRefused(mounted, /the file is mounted by itself.*mount its folder instead/);
    symlinkSync(mounted, join(folder, 'link.db'));
    await assertRefused(join(folder, 'link.db'), /the file is mounted by itself/);
    writeFileSync(`${path}-wal`, '');
    writeFileSync(join(folder, 'log'), '');
    assert.ok(bindMountOrSkip(t, join(folder, 'log'), `${path}-wal`));
    await assertRefused(path, /mill\.db-wal is mounted by itself/);
  });

  test('a log that is a symbolic link to somewhere else', async (t) => {
    const path = await filled(join(temporaryFolder(t), 'mill.db'));
    symlinkSync(join(dirname(path), 'elsewhere'), `${path}-wal`);
    await assertRefused(path, /mill\.db-wal is a symbolic link/);
  });
});

describe('a database with one name is opened', () => {
  test('by symbolic links to the file and to its folder, also before it is there, and its log stands beside the file', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'real'));
    symlinkSync('real', join(folder, 'folder'));
    symlinkSync(join('folder', 'mill.db'), join(folder, 'link.db'));
    const store = await opened(t, join(folder, 'link.db'));
    await store.append([visit()]);
    assert.deepEqual(readdirSync(join(folder, 'real')), ['mill.db', 'mill.db-owner', 'mill.db-shm', 'mill.db-wal']);
    assert.ok((await store.stats()).logBytes > 0);
    for (const name of ['real', 'folder']) {
      await assert.rejects(sqlite(join(folder, name, 'mill.db')).open(declaration), { code: 'MILL_STORE_OWNED' });
    }
    await store.close();
    assert.deepEqual(await positionsIn(await opened(t, join(folder, 'real', 'mill.db'))), [1]);
  });

  test('in a folder that is mounted, of another file system and of its own', async (t) => {
    const folder = temporaryFolder(t);
    const mounted = mountOrSkip(t, join(folder, 'mounted'));
    if (mounted === undefined) return;
    await filled(join(mounted, 'mill.db'));
    const other = join(folder, 'other');
    mkdirSync(other);
    assert.ok(bindMountOrSkip(t, mounted, other));
    const owner = sqlite(join(mounted, 'mill.db'));
    await owner.open(declaration);
    await owner.append([visit()]);
    await assert.rejects(sqlite(join(other, 'mill.db')).open(declaration), { code: 'MILL_STORE_OWNED' }, 'its lock is the same file');
    await owner.close();
    const store = sqlite(join(other, 'mill.db'));
    await store.open(declaration);
    assert.deepEqual(await positionsIn(store), [1, 2]);
    await store.close();
  });
});

function positionsAt(path: string): unknown[] {
  const db = new DatabaseSync(path);
  const rows = db.prepare('SELECT position FROM millrace_log_visits').all();
  db.close();
  return rows.map(({ position }) => position);
}

/** By another process: this one would lose the locks that it has on the file. */
function copy(from: string, to: string): void {
  execFileSync('cp', [from, to]);
}

const moves: readonly { readonly name: string; move(path: string): void; readonly reason: RegExp; readonly left?: string }[] = [
  {
    name: 'the file is moved',
    move: (path) => renameSync(path, `${path}.moved`),
    reason: /the database file was moved or deleted/,
    left: 'mill.db.moved',
  },
  {
    name: 'its folder is moved',
    move: (path) => renameSync(dirname(path), `${dirname(path)}.moved`),
    reason: /the database file was moved or deleted/,
    left: join('..', 'data.moved', 'mill.db'),
  },
  { name: 'the file is deleted', move: (path) => rmSync(path), reason: /the database file was moved or deleted/ },
  {
    name: 'another file is moved over it',
    move(path) {
      copy(path, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
    reason: /the database file was replaced by another file/,
  },
  { name: 'its log is deleted', move: (path) => rmSync(`${path}-wal`), reason: /mill\.db-wal was moved or deleted/, left: 'mill.db' },
  { name: 'the index of its log is deleted', move: (path) => rmSync(`${path}-shm`), reason: /mill\.db-shm was moved/, left: 'mill.db' },
  { name: "the owner's lock is deleted", move: (path) => rmSync(`${path}-owner`), reason: /mill\.db-owner was moved/, left: 'mill.db' },
];

describe('an open database takes nothing in any more', () => {
  for (const { name, move, reason, left } of moves) {
    test(`once ${name}${left === undefined ? '' : '; what it acknowledged is there when it is closed'}`, async (t) => {
      const folder = join(temporaryFolder(t), 'data');
      const path = join(folder, 'mill.db');
      const store = await opened(t, path);
      await store.append([visit()]);
      move(path);
      await assert.rejects(store.append([visit()]), { code: 'MILL_STORE_MOVED' satisfies ErrorCode, message: reason });
      await assert.rejects(store.append([visit()]), { code: 'MILL_STORE_MOVED' satisfies ErrorCode });
      await store.close();
      if (existsSync(`${path}-wal`)) assert.equal(statSync(`${path}-wal`).size, 0, 'a log that belongs to another file');
      // What was refused is not stored.
      if (left !== undefined) assert.deepEqual(positionsAt(join(folder, left)), [1]);
    });
  }

  test('but goes on when a file of another name comes or goes beside it', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path);
    await store.append([visit()]);
    copy(path, `${path}.backup`);
    rmSync(`${path}.backup`);
    await store.append([visit()]);
    assert.deepEqual(await positionsIn(store), [1, 2]);
    assert.ok(existsSync(path), basename(path));
  });
});
