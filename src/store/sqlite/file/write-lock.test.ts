import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commitOf } from '../../contract/fixtures.ts';
import { opened, otherProcess, positionsIn, temporaryFolder, visit, visits } from '../fixture.test.ts';

/** Longer than any test may take: waiting for it would never end. */
const forever = 3_600_000;
const isBusy = { code: 'MILL_STORE_BUSY' };

describe('another process’s lock', () => {
  for (const begin of ['BEGIN IMMEDIATE', 'BEGIN EXCLUSIVE']) {
    test(`by ${begin}: the first call waits, later ones are refused at once, and calls are accepted as soon as it is released`, async (t) => {
      const path = join(temporaryFolder(t), 'mill.db');
      const store = await opened(t, path, { busyTimeoutMs: 100 });
      const lease = await store.claim(visits);
      const other = await otherProcess(t, path);
      await other.exec(begin);
      const from = performance.now();
      await assert.rejects(store.append([visit()]), isBusy);
      assert.ok(performance.now() - from >= 100, 'the first one waits');
      const later = performance.now();
      const commit = commitOf({ cursor: 1 });
      for (let nth = 0; nth < 100; nth += 1) {
        await assert.rejects(store.append([visit()]), isBusy);
        await assert.rejects(lease.commit(commit), isBusy);
      }
      assert.ok(performance.now() - later < 100 * 100, 'two hundred calls take less than a hundred waits');
      assert.deepEqual(await positionsIn(store), [], 'whoever reads does not wait');
      await other.exec('COMMIT');
      assert.deepEqual(await store.append([visit()]), [{ status: 'accepted', position: 1 }]);
      await lease.commit(commit);
      assert.deepEqual(await positionsIn(store), [1], 'nothing that was refused is stored');
    });
  }

  test('lets a waiting call through when it is released', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path, { busyTimeoutMs: forever });
    const other = await otherProcess(t, path);
    await other.exec('BEGIN IMMEDIATE');
    const calls = [store.append([visit()]), store.append([visit()])];
    await other.exec('COMMIT');
    assert.deepEqual(await Promise.all(calls), [[{ status: 'accepted', position: 1 }], [{ status: 'accepted', position: 2 }]]);
  });

  test('is waited for again when it returns', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path, { busyTimeoutMs: 100 });
    const other = await otherProcess(t, path);
    for (const position of [1, 2]) {
      await other.exec('BEGIN IMMEDIATE');
      const from = performance.now();
      await assert.rejects(store.append([visit()]), isBusy);
      assert.ok(performance.now() - from >= 100);
      await other.exec('COMMIT');
      assert.deepEqual(await store.append([visit()]), [{ status: 'accepted', position }]);
    }
  });

  test('ends with its process', async (t) => {
    const path = join(temporaryFolder(t), 'mill.db');
    const store = await opened(t, path, { busyTimeoutMs: 10 });
    const other = await otherProcess(t, path);
    await other.exec('BEGIN IMMEDIATE');
    await assert.rejects(store.append([visit()]), isBusy);
    await other.end();
    assert.deepEqual(await store.append([visit()]), [{ status: 'accepted', position: 1 }]);
  });
});
