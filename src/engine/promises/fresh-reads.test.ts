import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { applied, failing, onEveryStore, steps, withCalls } from './fixture.test.ts';

onEveryStore('a read reflects earlier events', ({ testMill, makeStore }) => {
  /** Slows down commits, so that a read that does not wait for them sees nothing. */
  const slowly = (base: Store) =>
    withCalls(base, {
      async commit(work, lease) {
        for (let turn = 0; turn < 50; turn += 1) await setImmediate();
        return lease.commit(work);
      },
    });

  test('in the state of a key, its standing, and the rows of a table, each at once', async () => {
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
    assert.deepEqual([waiting?.pending, waiting?.status], [1, 'blocked']);
    assert.equal(await mill.state('steps', 'a'), undefined);
    await stop();
  });

  test('but waits for a slow turn no longer than requested', async () => {
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

  test('even while its slice is being recovered, including a recovery that begins while the read waits', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    let failures = 0;
    let claims = 0;
    const store = withCalls(base, {
      async commit(work, lease) {
        await setImmediate();
        if (failures > 0) return lease.commit(work);
        failures += 1;
        throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it is away');
      },
      async claim(partition) {
        if (failures > 0) {
          claims += 1;
          await gate.promise;
        }
        return base.claim(partition);
      },
    });
    const t = await testMill({ pipelines: [steps()], store });
    const { mill } = t;
    let answered = 0;
    const asked = async <T>(read: Promise<T>) => {
      const answer = await read;
      answered += 1;
      return answer;
    };
    const forever = { waitMs: Number.MAX_SAFE_INTEGER };
    await mill.ingest('steps', { key: 'a', n: 1 });
    const before = asked(mill.state('steps', 'a', forever));
    await until(() => claims > 0);
    const meanwhile = [asked(mill.state('steps', 'a', forever)), asked(mill.settled('steps', forever.waitMs))];
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    assert.equal(answered, 0);
    gate.resolve();
    assert.deepEqual(await Promise.all([before, ...meanwhile]), [{ steps: [1] }, { steps: [1] }, true]);
    await t.stop();
  });

  async function started(attempt: () => void | Promise<void> = () => undefined) {
    const t = await testMill({ pipelines: [steps({ attempt })], store: slowly(makeStore()) });
    return { mill: t.mill, clock: t.clock, stop: () => t.stop() };
  }
});
