import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { openCheckpointer, openReader, openWriter, prepareWriter } from '../file/open-database.ts';
import { otherProcess } from '../fixture.test.ts';
import { WalKeeper } from './wal-keeper.ts';
import { type WalExtent, WriteAheadLog } from './write-ahead-log.ts';

const pageBytes = 4_096;

interface Subject {
  readonly path: string;
  readonly writer: DatabaseSync;
  /** The log through a separate connection, like the thread's. */
  readonly wal: WriteAheadLog;
  /** Makes a commit, and lets the keeper look after the log. */
  commit(frames: number): void;
  /** If the writer has requested a copy, copies all but the latest commit; returns whether it was requested. */
  copyIfAsked(): boolean;
  extent(): WalExtent;
  /** The log lines, each with its level. */
  readonly lines: readonly string[];
}

async function withKeeper(
  body: (subject: Subject) => void | Promise<void>,
  { mayBeCopiedBeside = true }: { readonly mayBeCopiedBeside?: boolean } = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-wal-'));
  const path = join(folder, 'millrace.db');
  const connection = { path, busyTimeoutMs: 0 };
  const { port1, port2 } = new MessageChannel();
  const writer = openWriter(connection);
  prepareWriter(writer, path);
  writer.exec('CREATE TABLE blobs (blob BLOB)');
  const checkpointer = openCheckpointer(connection);
  const reader = openReader(connection);
  const lines: string[] = [];
  const log = {
    warn: (_: object, line: string) => void lines.push(`warn ${line}`),
    info: (_: object, line: string) => void lines.push(`info ${line}`),
  };
  const keeper = new WalKeeper(writer, { path, port: port1, log, mayBeCopiedBeside, emptied: () => undefined });
  const wal = new WriteAheadLog(checkpointer, path);
  const insert = writer.prepare('INSERT INTO blobs VALUES (zeroblob(?))');
  try {
    await body({
      path,
      writer,
      wal,
      commit(frames) {
        insert.run((frames - 1) * pageBytes);
        keeper.tend();
      },
      copyIfAsked() {
        if (receiveMessageOnPort(port2) === undefined) return false;
        // A copy does not include commits made during it.
        reader.exec('BEGIN');
        reader.prepare('SELECT 1 FROM blobs').get();
        insert.run(1);
        const outcome = wal.copy();
        reader.exec('COMMIT');
        port2.postMessage(outcome);
        return true;
      },
      extent: () => wal.extent,
      lines,
    });
  } finally {
    keeper.close();
    port1.close();
    reader.close();
    checkpointer.close();
    writer.close();
    rmSync(folder, { recursive: true });
  }
}

/** Commits this many frames, making each copy as soon as it is requested. */
function write({ commit, copyIfAsked }: Subject, frames: number): void {
  for (let written = 0; written < frames; written += 100) {
    commit(100);
    copyIfAsked();
  }
}

describe('the keeper of the write-ahead log', () => {
  test('requests nothing while the log is short, and then one copy after a commit, never two at once', () =>
    withKeeper(({ commit, copyIfAsked }) => {
      commit(2_000);
      assert.ok(!copyIfAsked());
      commit(3_000);
      commit(1);
      assert.ok(copyIfAsked());
      assert.ok(!copyIfAsked());
    }));

  test('copies the rest itself when the log is long, so that the next commit restarts it', () =>
    withKeeper((subject) => {
      write(subject, 11_000);
      assert.ok(subject.extent().frames >= 11_000, 'while it is short, it goes on');
      assert.ok(subject.extent().copied > 7_000, 'the thread has copied meanwhile');
      write(subject, 3_000);
      assert.ok(subject.extent().frames < 3_000);
      let longest = 0;
      for (let frames = 0; frames < 25_000; frames += 100) {
        write(subject, 100);
        longest = Math.max(longest, subject.extent().frames);
      }
      assert.ok(longest > 11_000 && longest < 14_000, `again and again: it had ${longest} frames`);
    }));

  test('leaves a log alone while somebody reads from it, and restarts it afterwards', () =>
    withKeeper((subject) => {
      const reader = openReader({ path: subject.path, busyTimeoutMs: 0 });
      write(subject, 200);
      reader.exec('BEGIN');
      const count = () => reader.prepare('SELECT count(*) AS count FROM blobs').get()?.count;
      const before = count();
      write(subject, 20_000);
      assert.ok(subject.extent().frames > 20_000);
      assert.equal(count(), before);
      reader.exec('COMMIT');
      reader.close();
      write(subject, 6_000);
      assert.ok(subject.extent().frames < 6_000);
    }));

  test('makes commits do the copying only when the log is far too long, which means that the thread has died', () =>
    withKeeper(({ writer, commit, extent }) => {
      assert.equal(writer.prepare('PRAGMA wal_autocheckpoint').get()?.wal_autocheckpoint, 64_000);
      commit(20_000);
      assert.equal(extent().copied, 0);
    }));
});

/** Lets enough time pass for the keeper to conclude that nobody is writing. */
function rest(t: TestContext): void {
  for (let seconds = 0; seconds < 4; seconds += 1) t.mock.timers.tick(1_000);
}

/** Counts the blobs in the file without its log. */
function blobsInFile(path: string): unknown {
  // Not by this process, which would lose its locks on the file.
  execFileSync('cp', [path, `${path}.copy`]);
  const copy = new DatabaseSync(`${path}.copy`);
  const row = copy.prepare('SELECT count(*) AS count FROM blobs').get();
  copy.close();
  return row?.count;
}

const bytesOfLog = (path: string) => statSync(`${path}-wal`).size;

describe('when nobody writes for a while', () => {
  for (const [which, mayBeCopiedBeside] of [
    ['of today', true],
    ['on which nobody may copy beside the writer', false],
  ] as const) {
    test(`a short log is copied completely and emptied, again and again, with an SQLite ${which}`, (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const body = ({ path, commit, copyIfAsked }: Subject) => {
        for (const time of [1, 2]) {
          commit(450);
          t.mock.timers.tick(1_999);
          commit(450);
          t.mock.timers.tick(1_999);
          assert.ok(bytesOfLog(path) > 0, 'it is not long enough');
          rest(t);
          assert.equal(bytesOfLog(path), 0);
          assert.equal(blobsInFile(path), 2 * time);
          assert.ok(!copyIfAsked(), 'the thread is not needed for that');
        }
      };
      return withKeeper(body, { mayBeCopiedBeside });
    });
  }

  test('a long log is copied by the thread, so that a commit at that moment does not wait for it', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    return withKeeper(({ path, commit, extent, copyIfAsked }) => {
      commit(3_000);
      rest(t);
      assert.equal(extent().copied, 0);
      assert.ok(copyIfAsked());
      rest(t);
      assert.equal(bytesOfLog(path), 0);
      assert.equal(blobsInFile(path), 2);
    });
  });

  test('a long log is emptied even if the thread has died', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    return withKeeper(({ path, commit }) => {
      commit(3_000);
      for (let times = 0; times < 3; times += 1) rest(t);
      assert.equal(bytesOfLog(path), 0);
    });
  });

  test('a log in use by a reader stays, and is emptied soon after the reader has ended', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    return withKeeper(({ path, commit, lines }) => {
      commit(10);
      const reader = openReader({ path, busyTimeoutMs: 0 });
      reader.exec('BEGIN');
      reader.prepare('SELECT 1 FROM blobs').get();
      commit(10);
      for (let times = 0; times < 3; times += 1) rest(t);
      assert.ok(bytesOfLog(path) > 0);
      reader.exec('COMMIT');
      reader.close();
      rest(t);
      assert.equal(bytesOfLog(path), 0);
      assert.deepEqual(lines, [], 'the log was short, so nobody needs to know');
    });
  });

  test('there is no work once the log is empty', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    return withKeeper(({ commit }) => {
      commit(10);
      rest(t);
      const armed = t.mock.method(globalThis, 'setTimeout');
      rest(t);
      rest(t);
      assert.equal(armed.mock.callCount(), 0);
      commit(10);
      assert.equal(armed.mock.callCount(), 1);
    });
  });
});

describe('a reader that keeps the log growing', () => {
  test('is named in one warning once the log is far beyond its limit, and another line says when it is over', async (t) =>
    withKeeper(async (subject) => {
      const { path, lines } = subject;
      write(subject, 200);
      const other = await otherProcess(t, path);
      await other.exec('BEGIN; SELECT count(*) FROM blobs');
      write(subject, 28_000);
      assert.deepEqual(lines, []);
      write(subject, 16_000);
      assert.equal(lines.length, 1, lines.join());
      assert.match(lines[0] ?? '', /^warn the write-ahead log grows, because a reader keeps a transaction open: /);
      if (process.platform === 'linux') assert.match(lines.join(), new RegExp(`process ${other.pid}`));
      await other.exec('COMMIT');
      write(subject, 8_000);
      assert.equal(lines.length, 2, lines.join());
      assert.match(lines[1] ?? '', /^info the write-ahead log is short again/);
    }));
});

describe('a copy of the write-ahead log', () => {
  test('is synced, both log and database', () =>
    withKeeper(({ path }) => {
      const db = openCheckpointer({ path, busyTimeoutMs: 0 });
      assert.equal(db.prepare('PRAGMA synchronous').get()?.synchronous, 2);
      db.close();
    }));

  test('that fails is a warning, repeated only after a success, and leaves the log unchanged', () =>
    withKeeper(async ({ path, commit, extent }) => {
      const warnings: unknown[] = [];
      const keep = (warning: unknown) => void warnings.push(warning);
      process.on('warning', keep);
      const db = new DatabaseSync(path);
      const wal = new WriteAheadLog(db, path);
      commit(10);
      const { frames, copied } = extent();
      // A connection that has a transaction cannot copy.
      db.exec('BEGIN IMMEDIATE');
      wal.copy();
      wal.copy();
      await once(process, 'warning');
      assert.deepEqual(extent(), { frames, copied });
      db.exec('COMMIT');
      wal.copy();
      assert.deepEqual(extent(), { frames, copied: frames });
      db.exec('BEGIN IMMEDIATE');
      wal.copy();
      await once(process, 'warning');
      db.close();
      process.off('warning', keep);
      assert.deepEqual(
        warnings.map((warning) => warning instanceof Error && 'code' in warning && warning.code),
        ['MILL_STORE_BUSY', 'MILL_STORE_BUSY'],
      );
    }));
});
