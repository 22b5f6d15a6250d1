import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { on } from 'node:events';
import { existsSync, renameSync, rmSync, statSync, utimesSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { ErrorCode } from '../../../errors.ts';
import { opened, positionsIn, temporaryFolder, visit, visits } from '../fixture.test.ts';
import { checkedForMs } from './open-files.ts';

function positionsAt(path: string): unknown[] {
  const db = new DatabaseSync(path);
  const rows = db.prepare('SELECT position FROM millrace_log_visits').all();
  db.close();
  return rows.map(({ position }) => position);
}

/** Uses another process: this one would lose its locks on the file. */
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

describe('an open database accepts nothing any more', () => {
  for (const { name, move, reason, left } of moves) {
    test(`once ${name}${left === undefined ? '' : '; what it acknowledged is there when it is closed'}`, async (t) => {
      const folder = join(temporaryFolder(t), 'data');
      const path = join(folder, 'mill.db');
      const store = await opened(t, path);
      await store.append([visit()]);
      await setTimeout(checkedForMs + 1);
      move(path);
      await assert.rejects(store.append([visit()]), { code: 'MILL_STORE_MOVED' satisfies ErrorCode, message: reason });
      await assert.rejects(store.append([visit()]), { code: 'MILL_STORE_MOVED' satisfies ErrorCode });
      await store.close();
      if (existsSync(`${path}-wal`)) assert.equal(statSync(`${path}-wal`).size, 0, 'a log that belongs to another file');
      // Refused events are not stored.
      if (left !== undefined) assert.deepEqual(positionsAt(join(folder, left)), [1]);
    });
  }

  test('but continues when an unrelated file appears or disappears beside it', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path);
    await store.append([visit()]);
    copy(path, `${path}.backup`);
    rmSync(`${path}.backup`);
    await store.append([visit()]);
    assert.deepEqual(await positionsIn(store), [1, 2]);
  });
});

/** Resolves once everything written is in the file itself. */
async function emptied(path: string): Promise<void> {
  const watcher = watch(dirname(path));
  const changes = on(watcher, 'change');
  while (statSync(`${path}-wal`).size > 0) await changes.next();
  watcher.close();
}

describe('a database at rest', () => {
  test('accepts nothing after another one was copied over it, and leaves that unchanged', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path);
    await store.append([visit()]);
    await emptied(path);
    copy(path, `${path}.backup`);
    await store.claim(visits);
    await store.append([visit()]);
    await emptied(path);
    // An empty request, which is answered after everything the writer still has to do.
    await store.append([]);
    await setTimeout(checkedForMs + 1);
    copy(`${path}.backup`, path);
    await assert.rejects(store.append([visit()]), {
      code: 'MILL_STORE_MOVED',
      message: /the database file was overwritten while it was open/,
    });
    await store.close();
    assert.deepEqual(positionsAt(path), [1]);
  });

  test('still accepts events after another program wrote rows and copied the log, or the file’s time changed', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path);
    await store.append([visit()]);
    await emptied(path);
    // The log is empty a moment before the writer has released it.
    const plain = new DatabaseSync(path, { timeout: 60_000 });
    plain.exec('CREATE TABLE own (a); PRAGMA wal_checkpoint(TRUNCATE)');
    plain.close();
    await store.append([visit()]);
    await emptied(path);
    await store.append([]);
    await setTimeout(checkedForMs + 1);
    utimesSync(path, 1, 1);
    await store.append([visit()]);
    assert.deepEqual(await positionsIn(store), [1, 2, 3]);
  });
});
