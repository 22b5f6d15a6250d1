import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openWriter, prepareWriter } from './open-database.ts';

test('the writer waits for the disk at every commit: write ahead log, synchronous = FULL (promise 1)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'test.db');
  const db = openWriter({ path, busyTimeoutMs: 0 });
  try {
    prepareWriter(db, path);
    const full = 2;
    assert.deepEqual({ ...db.prepare('PRAGMA synchronous').get() }, { synchronous: full });
    assert.deepEqual({ ...db.prepare('PRAGMA journal_mode').get() }, { journal_mode: 'wal' });
  } finally {
    db.close();
    rmSync(folder, { recursive: true });
  }
});
