import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openWriter, prepareWriter } from './open-database.ts';

function pathOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-open-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'millrace.db');
}

test('the writer’s commit returns once it is on disk, not merely on its way there (promise 1)', (context) => {
  const path = pathOf(context);
  const db = openWriter({ path, busyTimeoutMs: 0 });
  try {
    prepareWriter(db, path);
    // Only a crash of the machine would show the difference, not one of the process.
    assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, 2, 'FULL: the write ahead log is synced by every commit');
    assert.equal(db.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  } finally {
    db.close();
  }
});

test('the writer caches some MiB of pages, however many it has written', (context) => {
  const path = pathOf(context);
  const db = openWriter({ path, busyTimeoutMs: 0 });
  try {
    prepareWriter(db, path);
    db.exec('CREATE TABLE pages (bytes BLOB)');
    const written = db.prepare(
      'WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) INSERT INTO pages SELECT randomblob(4000) FROM n',
    );
    const before = process.memoryUsage.rss();
    for (let megabytes = 0; megabytes < 64; megabytes += 4) written.run();
    const keptMiB = (process.memoryUsage.rss() - before) / 2 ** 20;
    assert.ok(keptMiB < 40, `expected less than 40 MiB, found ${keptMiB.toFixed(1)}`);
  } finally {
    db.close();
  }
});

test('a file that another program is copying its write-ahead log into is not reported as damaged', async (context) => {
  const path = pathOf(context);
  const [program, reader, looking] = [new DatabaseSync(path), new DatabaseSync(path), new DatabaseSync(path)];
  program.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE longer (text TEXT)');
  reader.exec('BEGIN; SELECT * FROM longer');
  program.exec("INSERT INTO longer VALUES (printf('%.100000c', 'x')); BEGIN IMMEDIATE");
  // While a full checkpoint waits for the writer, no other connection can make one. It fails at once if another one is under way, and is
  // then repeated.
  const checkpoint = new Worker(
    `const { DatabaseSync } = require('node:sqlite');
    const full = new DatabaseSync(${JSON.stringify(path)}, { timeout: 600_000 }).prepare('PRAGMA wal_checkpoint(FULL)');
    while (full.get().busy !== 0);`,
    { eval: true },
  );
  const ended = once(checkpoint, 'exit');
  while (looking.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()?.busy === 0) await setImmediate();
  const db = openWriter({ path, busyTimeoutMs: 0 });
  try {
    prepareWriter(db, path);
  } finally {
    for (const each of [db, reader, program, looking]) each.close();
    await ended;
  }
});
