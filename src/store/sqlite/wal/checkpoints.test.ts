import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { NewEvent, Store, StoreDeclaration } from '../../store.ts';
import { sqlite } from '../sqlite-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const declaration: StoreDeclaration = { pipelines: [{ name: 'visits', numbered: false }], tables: [] };
/** Large: about a hundred pages. */
const body = JSON.stringify('x'.repeat(400_000));

interface Subject {
  readonly store: Store;
  readonly path: string;
  /** The copying thread, which starts once enough has been written. */
  readonly started: Promise<Worker>;
  readonly isStarted: () => boolean;
}

async function withStore(run: (subject: Subject) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'test.db');
  const store = sqlite(path);
  await store.open(declaration);
  let isStarted = false;
  // The writer is already running, and nobody reads, so the next thread is the copying one.
  const started = once(process, 'worker').then(([worker]) => {
    isStarted = true;
    return worker;
  });
  try {
    await run({ store, path, started, isStarted: () => isStarted });
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

function event(id: string): NewEvent {
  return {
    partition: visits,
    key: 'a',
    id,
    knownSince: null,
    number: null,
    acceptedAt: 1_750_000_000_000,
    body,
    traceparent: null,
    origin: null,
  };
}

/** Runs two appenders, each appending one event at a time, until it is enough; returns the number of events. */
async function appendUntil(store: Store, isEnough: () => boolean): Promise<number> {
  let count = 0;
  const side = async () => {
    while (!isEnough()) {
      count += 1;
      assert.ok(count < 1_500, 'in vain');
      await store.append([event(String(count))]);
    }
  };
  await Promise.all([side(), side()]);
  return count;
}

/** Asserts that the closed store has left everything in the database file. */
function assertWhole(path: string, count: number): void {
  assert.ok(!existsSync(`${path}-wal`), 'the log is still there');
  const db = new DatabaseSync(path);
  assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
  assert.equal(db.prepare('SELECT count(*) AS count FROM millrace_log_visits').get()?.count, count);
  db.close();
}

describe('the thread that copies the write-ahead log', () => {
  test('makes it restart again and again under continuous writing, so that it stays short, and ends with the store', () =>
    withStore(async ({ store, path, started }) => {
      const plain = new DatabaseSync(path);
      const look = plain.prepare('PRAGMA wal_checkpoint(NOOP)');
      let frames = 0;
      let starts = 0;
      const count = await appendUntil(store, () => {
        const before = frames;
        frames = Number(look.get()?.log);
        if (frames < before) starts += 1;
        return starts === 3;
      });
      plain.close();
      assert.ok(statSync(`${path}-wal`).size < 128 * 1024 * 1024, `${statSync(`${path}-wal`).size} bytes`);
      const exit = once(await started, 'exit');
      await store.close();
      await exit;
      assertWhole(path, count);
    }));

  test('finishes the copy under way when the store is closed', () =>
    withStore(async ({ store, path, isStarted }) => {
      const count = await appendUntil(store, isStarted);
      await store.close();
      assertWhole(path, count);
    }));

  test('may die, which is a warning, and the store continues', () =>
    withStore(async ({ store, path, started, isStarted }) => {
      const before = await appendUntil(store, isStarted);
      const worker = await started;
      const warning = once(process, 'warning');
      await worker.terminate();
      assert.equal((await warning)[0].code, 'MILL_STORE_UNAVAILABLE');
      assert.deepEqual(await store.append([event('after')]), [{ status: 'accepted', position: before + 1 }]);
      await store.close();
      assertWhole(path, before + 1);
    }));
});
