import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Store } from '../../store/store.ts';
import { applied, failing, onEveryStore, steps, withCalls } from './fixture.test.ts';

onEveryStore('a read sees what was accepted before it', ({ testMill, makeStore }) => {
  /** Commits take their time, so that whoever does not wait for them sees nothing. */
  const slowly = (base: Store) =>
    withCalls(base, {
      async commit(work, lease) {
        for (let turn = 0; turn < 50; turn += 1) await setImmediate();
        return lease.commit(work);
      },
    });

  test('the state of a key, how it stands, and the rows of a table, each at once', async () => {
    const { mill, stop } = await started();
    for (let n = 1; n <= 3; n += 1) {
      await mill.ingest('steps', { key: 'state', n });
      assert.equal(((await mill.state('steps', 'state')) as { steps: number[] }).steps.length, n);
      await mill.ingest('steps', { key: 'rows', n });
      assert.equal(await mill.settled('steps'), true);
      assert.equal((await mill.query(applied).selectAll().where('key', '=', 'rows').execute()).length, n);
    }
    await stop();
  });

  test('of a key that waits for a retry or is parked, without waiting for that', async () => {
    const { mill, stop } = await started(() => failing());
    await mill.ingest('steps', { key: 'a', n: 1 });
    const [waiting] = await mill.keys('steps', ['a']);
    assert.deepEqual([waiting?.pending, waiting?.status], [1, 'open']);
    assert.equal(await mill.state('steps', 'a'), undefined);
    await stop();
  });

  test('but waits for a slow turn no longer than it was asked to', async () => {
    const gate = Promise.withResolvers<void>();
    const { mill, clock, stop } = await started(() => gate.promise);
    await mill.ingest('steps', { key: 'a', n: 1 });
    let isAnswered = false;
    const read = Promise.all([mill.state('steps', 'a'), mill.settled('steps')]).then((answers) => {
      isAnswered = true;
      return answers;
    });
    clock.turnToNextAlarm(clock.now() + 249);
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    assert.equal(isAnswered, false);
    while (clock.turnToNextAlarm(clock.now() + 1));
    assert.deepEqual(await read, [undefined, false]);
    gate.resolve();
    await stop();
  });

  async function started(attempt: () => void | Promise<void> = () => undefined) {
    const t = await testMill({ pipelines: [steps({ attempt })], store: slowly(makeStore()) });
    return { mill: t.mill, clock: t.clock, stop: () => t.stop() };
  }
});
