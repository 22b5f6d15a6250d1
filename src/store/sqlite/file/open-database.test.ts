import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWriter, prepareWriter } from './open-database.ts';

test('a commit of the writer returns when it is on the disk, not merely on its way there (promise 1)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-open-'));
  const path = join(folder, 'millrace.db');
  const db = openWriter({ path, busyTimeoutMs: 0 });
  try {
    prepareWriter(db, path);
    // No death of a process shows the difference, only that of the machine does.
    assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, 2, 'FULL: the write ahead log is synced by every commit');
    assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
});
