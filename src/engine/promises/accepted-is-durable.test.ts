import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { applied, isCode, onEveryKindOfStore, steps, stepsOf, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 1: accepted means durable', ({ testMill, makeStore }) => {
  test('acknowledged events survive an immediate crash', async () => {
    const t = await testMill({ pipelines: [steps()] });
    for (let n = 1; n <= 20; n += 1) {
      await t.ingest('steps', { key: 'a', n });
      if (n % 5 === 0) await t.crash();
    }
    await t.drain();
    assert.deepEqual(
      await stepsOf(t, 'a'),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    await t.stop();
  });

  test('everything that arrives at the same moment is on disk before it is answered', async () => {
    const t = await testMill({ pipelines: [steps()] });
    const batches = Array.from({ length: 7 }, (_, nth) => Array.from({ length: 1_000 }, (_, n) => ({ key: `${nth}-${n % 100}`, n })));
    const judged = await Promise.all(batches.map((batch) => t.ingestBatch('steps', batch)));
    assert.ok(judged.flat().every(({ status }) => status === 'accepted'));
    await t.crash();
    await t.drain();
    assert.equal((await t.rows(applied)).length, 7_000);
    await t.stop();
  });

  test('an event whose acknowledgement was lost still takes effect once', async () => {
    const base = makeStore();
    let isLost = true;
    const append: Store['append'] = async (events) => {
      const appended = await base.append(events);
      if (!isLost) return appended;
      isLost = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the answer was lost');
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { append }) });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_UNAVAILABLE'));
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    await t.stop();
  });
});
