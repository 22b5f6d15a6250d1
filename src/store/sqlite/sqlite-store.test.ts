import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { table } from '../../pipeline/table.ts';
import { commitOf, letter, originLetter, outcome, put, timer } from '../contract/fixtures.ts';
import { storeContract } from '../contract.ts';
import { lettersOf } from '../letters-of.ts';
import type { NewEvent, Store, StoreDeclaration } from '../store.ts';
import { sqlite } from './sqlite-store.ts';

storeContract('sqlite', {
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
    const store = sqlite(join(folder, 'test.db'));
    return {
      async open(declaration) {
        await store.open(declaration);
        return store;
      },
      async write(sql) {
        const db = new DatabaseSync(join(folder, 'test.db'), { timeout: 5_000 });
        db.exec(sql);
        db.close();
      },
      async dispose() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

const visits = { pipeline: 'visits', slice: 0 };
const pages = table('pages', { id: 'text', views: 'integer' }, { primaryKey: ['id'] });
const declaration: StoreDeclaration = { pipelines: [{ name: 'visits', numbered: false }], tables: [pages] };

interface Subject {
  readonly store: Store;
  readonly path: string;
  /** Every thread started since then. */
  readonly threads: readonly Worker[];
}

async function withStore(body: (subject: Subject) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
  const path = join(folder, 'test.db');
  const store = sqlite(path);
  const threads: Worker[] = [];
  const keep = (worker: Worker) => void threads.push(worker);
  process.on('worker', keep);
  try {
    await store.open(declaration);
    await body({ store, path, threads });
  } finally {
    process.off('worker', keep);
    await store.close();
    await rm(folder, { recursive: true });
  }
}

function event(key: string): NewEvent {
  return {
    partition: visits,
    key,
    id: key,
    knownSince: null,
    number: null,
    acceptedAt: 1_750_000_000_000,
    body: '{}',
    traceparent: null,
    origin: null,
  };
}

test('a value that a column cannot hold refuses the commit, in whichever part it is, and the store continues', async () => {
  await withStore(async ({ store }) => {
    const lease = await store.claim(visits);
    // No engine decides on such values. If they occur anyway, they must not be taken for a fault of the store.
    const wrong = 'x' as never;
    const timers = (attempts: number) => [{ ...timer('a', 'wake', 7), attempts }];
    const outcomes = (attempts: number) => [{ ...outcome('a', 'one', 7), attempts }];
    for (const work of [
      { timers: timers(wrong) },
      { outcomes: outcomes(wrong) },
      { rows: [{ table: 'pages', write: 'put' as const, rows: [['a', wrong]] }] },
      { deadLetters: [{ ...originLetter('1', 'a', '{}'), attempts: wrong }] },
      { keys: [{ key: 'a', state: { json: undefined as never, version: 1 }, next: {} as never, parked: false }] },
    ]) {
      await assert.rejects(lease.commit(commitOf(work)), { code: 'MILL_COMMIT_REFUSED' });
    }
    await lease.commit(commitOf({ timers: timers(0) }));
    assert.equal((await store.dueCauses(visits, 10, 10)).length, 1);
  });
});

test('an append waiting for a lock while the store is closed completes before the close does', async () => {
  await withStore(async ({ store, path, threads }) => {
    await store.read(visits, 0, 1);
    const db = new DatabaseSync(path);
    db.exec('BEGIN IMMEDIATE');
    const appended = store.append([event('a')]);
    const ends = threads.slice(1).map((thread) => once(thread, 'exit'));
    const closed = store.close();
    // Only the writer is left.
    await Promise.all(ends);
    await setImmediate();
    db.exec('ROLLBACK');
    db.close();
    assert.deepEqual(await appended, [{ status: 'accepted', position: 1 }]);
    await closed;
  });
});

const unavailable = { code: 'MILL_STORE_UNAVAILABLE' };

/** Counts the transactions in the write-ahead log: the last frame of each has the size of the database in its second word. */
async function transactionsIn(wal: string): Promise<number> {
  const bytes = await readFile(wal);
  const frameBytes = 24 + bytes.readUInt32BE(8);
  let transactions = 0;
  for (let frame = 32; frame + frameBytes <= bytes.length; frame += frameBytes) {
    // Frames from an earlier pass through the file have another salt.
    if (bytes.readUInt32BE(frame + 8) === bytes.readUInt32BE(16) && bytes.readUInt32BE(frame + 4) > 0) transactions += 1;
  }
  return transactions;
}

describe('the threads of a sqlite store', () => {
  test('waiting calls share one transaction', () =>
    withStore(async ({ store, path }) => {
      const before = await transactionsIn(`${path}-wal`);
      await Promise.all(Array.from({ length: 200 }, (_, i) => store.append([event(`key ${i}`)])));
      const transactions = (await transactionsIn(`${path}-wal`)) - before;
      assert.ok(transactions >= 1 && transactions < 100, `200 calls made ${transactions} transactions`);
    }));

  test('a long query holds up no other call', () =>
    withStore(async ({ store }) => {
      await Promise.all([store.load(visits, ['a']), store.query('SELECT 1', [])]);
      const ended: string[] = [];
      const sql =
        'WITH RECURSIVE steps (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 2000000) SELECT count(*) AS count FROM steps';
      const query = store.query(sql, []).then((rows) => ended.push(`query of ${rows[0]?.count}`));
      await store.append([event('a')]);
      await store.load(visits, ['a']).then(() => ended.push('load'));
      await query;
      assert.deepEqual(ended, ['load', 'query of 2000000']);
    }));

  test('when the writer dies, calls fail instead of waiting, and the database can be opened again', () =>
    withStore(async ({ store, threads }) => {
      await store.append([event('before')]);
      const [writer] = threads;
      assert.ok(writer);
      const calls = Array.from({ length: 50 }, (_, i) => store.append([event(`key ${i}`)]));
      const outcomes = Promise.allSettled(calls);
      const exit = once(writer, 'exit');
      await writer.terminate();
      await exit;
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'MILL_STORE_UNAVAILABLE');
      }
      await assert.rejects(store.append([event('after')]), unavailable);
      await assert.rejects(store.claim(visits), unavailable);
      await store.close();
      await store.open(declaration);
      const { head } = (await store.claim(visits)).standing;
      assert.deepEqual(await store.append([event('again')]), [{ status: 'accepted', position: head + 1 }]);
    }));

  test('a reader that dies is replaced', () =>
    withStore(async ({ store, threads }) => {
      await store.append([event('a')]);
      await store.read(visits, 0, 1);
      const reader = threads[1];
      assert.ok(reader);
      const exit = once(reader, 'exit');
      await reader.terminate();
      await exit;
      assert.equal((await store.read(visits, 0, 1)).length, 1);
    }));

  test('an open store is not opened again, and a path that is not a file is refused', () =>
    withStore(async ({ store }) => {
      await assert.rejects(store.open(declaration), { code: 'MILL_CONFLICT' });
      for (const path of ['', ':memory:']) assert.throws(() => sqlite(path), { code: 'MILL_INVALID_CONFIGURATION' });
    }));

  test('closing waits for an opening under way', () =>
    withStore(async ({ store }) => {
      await store.close();
      const opening = store.open(declaration);
      await assert.rejects(store.open(declaration), { code: 'MILL_CONFLICT' });
      await store.close();
      await opening;
      await assert.rejects(store.claim(visits), unavailable);
    }));

  test('a parameter without a SQL value is named', () =>
    withStore(async ({ store }) => {
      const parameters: unknown = ['a', () => 'b'];
      await assert.rejects(store.query('SELECT ?, ?', parameters as string[]), {
        code: 'MILL_INVALID_REQUEST',
        message: /parameter 2.*function/,
      });
    }));
});

describe('plain SQL beside a running store', () => {
  test('may delete a dead letter’s event, and the letter is still listed', () =>
    withStore(async ({ store, path }) => {
      const lease = await store.claim(visits);
      await store.append([event('a'), event('b')]);
      await lease.commit(commitOf({ cursor: 2, deadLetters: [letter('1', 'a', 1), letter('2', 'b', 2)] }));
      const plain = new DatabaseSync(path, { timeout: 5_000 });
      plain.exec('DELETE FROM millrace_log_visits WHERE position = 1');
      plain.close();
      const letters = lettersOf('event', await store.deadLetters({ limit: 10 }));
      assert.deepEqual(
        letters.map(({ id, eventId, body }) => [id, eventId, body]),
        [
          ['1', '', 'null'],
          ['2', 'b', '{}'],
        ],
      );
    }));

  test('writes declared tables, and both sides see each other’s writes', () =>
    withStore(async ({ store, path }) => {
      const lease = await store.claim(visits);
      const plain = new DatabaseSync(path, { timeout: 5_000 });
      for (let i = 0; i < 20; i += 1) {
        const commit = lease.commit(commitOf({ rows: [put('pages', [`store ${i}`, i])] }));
        plain.prepare('INSERT INTO pages VALUES (?, ?)').run(`plain ${i}`, i);
        await commit;
      }
      assert.deepEqual(await store.query("SELECT count(*) AS plain FROM pages WHERE id LIKE 'plain%'", []), [{ plain: 20 }]);
      assert.equal(plain.prepare("SELECT count(*) AS store FROM pages WHERE id LIKE 'store%'").get()?.store, 20);
      plain.close();
    }));

  test('may create indexes and triggers while the store runs, and a trigger may refuse a row', () =>
    withStore(async ({ store, path }) => {
      const lease = await store.claim(visits);
      const plain = new DatabaseSync(path, { timeout: 5_000 });
      plain.exec(`CREATE INDEX by_views ON pages (views);
        CREATE TRIGGER no_more BEFORE INSERT ON pages WHEN new.views > 10 BEGIN SELECT RAISE(ROLLBACK, 'too many'); END`);
      plain.close();
      const visit = (id: string, views: number) => lease.commit(commitOf({ rows: [put('pages', [id, views])], sends: [event(id)] }));
      const [first, refused, last] = await Promise.allSettled([visit('a', 1), visit('b', 11), visit('c', 2)]);
      assert.equal(refused.status === 'rejected' && refused.reason.message, 'table pages: too many');
      assert.deepEqual(first, {
        status: 'fulfilled',
        value: { sends: [{ status: 'accepted', position: 1 }], deliveriesAdded: 0, gapsAdded: 0 },
      });
      assert.deepEqual(last, {
        status: 'fulfilled',
        value: { sends: [{ status: 'accepted', position: 2 }], deliveriesAdded: 0, gapsAdded: 0 },
      });
      assert.deepEqual(await store.query('SELECT id FROM pages ORDER BY id', []), [{ id: 'a' }, { id: 'c' }]);
    }));
});

test('a large pipeline is deleted in pieces, with commits in between, and an interrupted deletion continues where it was', async () => {
  await withStore(async ({ store, path }) => {
    const lease = await store.claim(visits);
    const keys = Array.from({ length: 12_000 }, (_, n) => `k${n}`);
    await store.append(keys.map((key) => ({ ...event(key), knownSince: 0 })));
    const timers = keys.map((key) => timer(key, 'wake', 5));
    await lease.commit(commitOf({ timers }));
    await store.close();

    const others = { pipelines: [{ name: 'others', numbered: false }], tables: [] };
    await store.open(others);
    const order: string[] = [];
    const forgotten = store.forget('visits').then(() => order.push('forgotten'));
    await store.claim({ pipeline: 'others', slice: 0 }).then(() => order.push('claimed'));
    await Promise.all([forgotten, store.close().then(() => order.push('closed'))]).catch((error) =>
      assert.equal(error.code, unavailable.code),
    );
    assert.equal(order[0], 'claimed');
    assert.ok(!order.includes('forgotten'), 'the store was closed before its end');

    await store.open(others);
    const all = { uncounted: [], named: [] };
    const timersLeft = (await store.inventory(all)).find(({ pipeline }) => pipeline === 'visits')?.timers[0]?.count ?? 0;
    assert.ok(timersLeft < keys.length);
    await store.forget('visits');
    assert.deepEqual(
      (await store.inventory(all)).map(({ pipeline }) => pipeline),
      ['others'],
    );
    await store.close();
    const db = new DatabaseSync(path);
    const left = db.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%visits%'").all();
    db.close();
    assert.deepEqual(left, []);
  });
});
