import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { otherProcess, temporaryFolder } from '../fixture.test.ts';
import { OwnerLock } from './owner-lock.ts';

test('a lock whose file was deleted before it was taken is taken again, on the existing file', async (t) => {
  const path = join(temporaryFolder(t), 'mill.db');
  const side = `${path}-owner`;
  let deletions = 0;
  t.mock.method(DatabaseSync.prototype, 'exec', function exec(this: DatabaseSync, sql: string) {
    // The previous owner ends at this very moment.
    if (sql === 'BEGIN IMMEDIATE' && deletions++ === 0) rmSync(side);
    this.prepare(sql).run();
  });
  const lock = OwnerLock.take(path);
  t.mock.restoreAll();
  t.after(() => lock.release());
  assert.equal(statSync(side).mode & 0o777, 0o600);
  const other = await otherProcess(t, side);
  const began = other.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
  await assert.rejects(began);
});

test('a lock for a path without a database is removed with its file', (t) => {
  const path = join(temporaryFolder(t), 'mill.db');
  const lock = OwnerLock.take(path);
  assert.throws(() => OwnerLock.take(path), { code: 'MILL_STORE_OWNED' });
  lock.remove();
  assert.ok(!existsSync(`${path}-owner`));
  OwnerLock.take(path).remove();
});
