import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { commitOf } from '../../contract/fixtures.ts';
import { declaration, opened, otherProcess, temporaryFolder, visit, visits } from '../fixture.test.ts';
import { sqlite } from '../sqlite-store.ts';

const isLinux = process.platform === 'linux';
const ownedBy = (pid: number) => new RegExp(`owned by process ${pid}( on ${hostname()} since .*)?$`);

describe('the owner of a database', () => {
  test('starts even if somebody keeps reading the owner file, and is named', {
    skip: !isLinux && 'only Linux tells who has a lock',
  }, async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const first = await otherProcess(t, `${path}-owner`);
    await first.exec(
      "CREATE TABLE owner (pid INTEGER NOT NULL, host TEXT NOT NULL, since TEXT NOT NULL) STRICT; INSERT INTO owner VALUES (1, 'elsewhere', 'before')",
    );
    const reader = await otherProcess(t, `${path}-owner`);
    await reader.exec('BEGIN; SELECT * FROM owner');
    const store = await opened(t, path);
    assert.equal((await store.append([visit()]))[0]?.status, 'accepted');
    // The row still names the previous process, since the reader prevents a change.
    await assert.rejects(sqlite(path).open(declaration), { code: 'MILL_STORE_OWNED', message: ownedBy(process.pid) });
    await reader.exec('COMMIT');
    await assert.rejects(sqlite(path).open(declaration), { code: 'MILL_STORE_OWNED', message: ownedBy(process.pid) });
  });

  test('claims nothing once another process has claimed it regardless', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path);
    const lease = await store.claim(visits);
    const other = await otherProcess(t, path);
    await other.exec('UPDATE millrace_partitions SET epoch = epoch + 1');
    await assert.rejects(lease.commit(commitOf({})), { code: 'MILL_STORE_FENCED' });
    await assert.rejects(store.claim(visits), { code: 'MILL_STORE_OWNED' });
  });

  test('is whichever program holds the lock, whatever the file says', {
    skip: !isLinux && 'only Linux tells who has a lock',
  }, async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    await (await opened(t, path)).close();
    const other = await otherProcess(t, `${path}-owner`);
    await other.exec('BEGIN IMMEDIATE');
    await assert.rejects(sqlite(path).open(declaration), { code: 'MILL_STORE_OWNED', message: ownedBy(other.pid) });
    await other.exec('ROLLBACK');
    await opened(t, path);
  });
});

describe('the files of a database', () => {
  const suffixes = ['', '-wal', '-shm', '-owner', '-reserve'];
  const modesOf = (path: string) => suffixes.map((suffix) => (statSync(`${path}${suffix}`).mode & 0o777).toString(8));

  test('are for their user alone, and so are created folders', async (t) => {
    const folder = join(temporaryFolder(t), 'a', 'b');
    const path = join(folder, 'mill.db');
    await (await opened(t, path)).append([visit()]);
    assert.deepEqual(
      modesOf(path),
      suffixes.map(() => '600'),
    );
    assert.deepEqual(
      [folder, join(folder, '..')].map((made) => (statSync(made).mode & 0o777).toString(8)),
      ['700', '700'],
    );
  });

  test('keep the mode of an existing database, and the folder stays unchanged', async (t) => {
    const folder = join(temporaryFolder(t), 'shared');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const path = join(folder, 'mill.db');
    new DatabaseSync(path).close();
    chmodSync(path, 0o640);
    await (await opened(t, path)).append([visit()]);
    assert.deepEqual(modesOf(path), ['640', '640', '640', '640', '600']);
    assert.equal(statSync(folder).mode & 0o777, 0o755);
  });

  test('are private even at the end of a dangling link', async (t) => {
    const folder = temporaryFolder(t);
    mkdirSync(join(folder, 'real'));
    symlinkSync('real/mill.db', join(folder, 'link.db'));
    await (await opened(t, join(folder, 'link.db'))).append([visit()]);
    assert.equal(statSync(join(folder, 'real', 'mill.db')).mode & 0o777, 0o600);
    assert.ok(!existsSync(join(folder, 'link.db-owner')));
  });
});
