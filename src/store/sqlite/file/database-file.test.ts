import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { bindMountOrSkip, declaration, mountOrSkip, opened, positionsIn, temporaryFolder, visit } from '../fixture.test.ts';
import { sqlite } from '../sqlite-store.ts';

/** Expects that opening it is refused in one line that names the path, and that nothing is left beside it. */
async function assertRefused(path: string, reason: RegExp): Promise<void> {
  const before = readdirSync(dirname(path));
  const store = sqlite(path);
  const error = await store.open(declaration).then(
    () => store.close().then(() => assert.fail('it could be opened')),
    (thrown) => thrown,
  );
  assert.equal(error.code, 'MILL_INVALID_CONFIGURATION');
  assert.ok(error.message.startsWith(`${path}: `), error.message);
  assert.match(error.message, reason);
  assert.doesNotMatch(error.message, /\n/);
  assert.deepEqual(readdirSync(dirname(path)), before);
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
  test('a second hard link, by either name; with one name left it is opened', async (t) => {
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

  test('a second hard link to a log left by a crash', async (t) => {
    const folder = temporaryFolder(t);
    const path = await filled(join(folder, 'mill.db'));
    writeFileSync(`${path}-wal`, '');
    linkSync(`${path}-wal`, join(folder, 'copy'));
    await assertRefused(path, /mill\.db-wal has 2 hard links/);
  });

  test('a mount of the file alone, even within one file system, and of its log', async (t) => {
    const folder = temporaryFolder(t);
    const path = await filled(join(folder, 'mill.db'));
    // The list of mounts escapes a space.
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

  test('a log that is a symbolic link elsewhere', async (t) => {
    const path = await filled(join(temporaryFolder(t), 'mill.db'));
    symlinkSync(join(dirname(path), 'elsewhere'), `${path}-wal`);
    await assertRefused(path, /mill\.db-wal is a symbolic link/);
  });
});

describe('a database with one name is opened', () => {
  test('through symbolic links to the file and to its folder, even before it exists, and its log is beside the file', async (t) => {
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

  test('in a mounted folder, of another file system and of the same one', async (t) => {
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
