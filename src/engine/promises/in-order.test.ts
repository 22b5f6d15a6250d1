import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { type CommitCall, isCode, onEveryKindOfStore, steps, stepsOf, upTo, withCalls } from './fixture.test.ts';

/** Advances the clock until a gap that began now is skipped (`skipAfter: '5m'`), while a store call stays unanswered. */
async function turnUntil(t: TestMill, isDone: () => boolean): Promise<void> {
  const until = t.clock.now() + 300_000;
  while (!isDone()) {
    t.clock.turnToNextAlarm(until);
    await setImmediate();
  }
}

onEveryKindOfStore('promise 3: in order per key', ({ testMill, makeStore }) => {
  test('a retry holds back later events of its key', async () => {
    const attempt = ({ n }: { n: number }, attempt: number) => {
      if (n === 2 && attempt < 3) throw new Error('not yet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    for (let n = 1; n <= 100; n += 1) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.ingest('steps', { key: 'a', n: 101 });
    await t.advance('5s');
    await t.drain();
    assert.deepEqual(
      await stepsOf(t, 'a'),
      Array.from({ length: 101 }, (_, at) => at + 1),
    );
    await t.stop();
  });

  test('a crash during a retry preserves the order and the number of attempts', async () => {
    const seen: number[] = [];
    const attempt = ({ n }: { n: number }, attempt: number) => {
      if (n !== 2) return;
      seen.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    for (let n = 1; n <= 5; n += 1) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    await t.crash();
    await t.advance('10s');
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
    assert.deepEqual(seen, [1, 2, 3]);
    await t.stop();
  });

  test('a batch is handled in order', async () => {
    const t = await testMill({ pipelines: [steps()] });
    await t.ingestBatch(
      'steps',
      Array.from({ length: 500 }, (_, n) => ({ key: `k${n % 3}`, n })),
    );
    await t.drain();
    for (const k of [0, 1, 2]) {
      const got = await stepsOf(t, `k${k}`);
      assert.deepEqual(
        got,
        got.toSorted((a, b) => a - b),
      );
    }
    await t.stop();
  });

  test('asynchronous turns of a key never overlap', async () => {
    let atWork = 0;
    let atWorkMax = 0;
    const attempt = async () => {
      atWork += 1;
      atWorkMax = Math.max(atWorkMax, atWork);
      await Promise.resolve();
      atWork -= 1;
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingestBatch(
      'steps',
      Array.from({ length: 200 }, (_, n) => ({ key: 'a', n })),
    );
    await t.drain();
    assert.equal(atWorkMax, 1);
    assert.deepEqual(
      await stepsOf(t, 'a'),
      Array.from({ length: 200 }, (_, n) => n),
    );
    await t.stop();
  });

  test('numbers are applied in order, whatever the order of arrival, and early ones survive a crash', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    for (const n of [5, 3, 2, 4]) await t.ingest('steps', { key: 'a', n });
    assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'waiting', pending: 4, next: null, timers: [] });
    await t.crash();
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
    await t.stop();
  });

  test('a gap is skipped once the lowest waiting event has waited long enough, and later arrivals are refused', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })] });
    for (const n of [1, 4, 5]) await t.ingest('steps', { key: 'a', n });
    await t.advance('4m');
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.crash();
    await t.ingest('steps', { key: 'a', n: 6 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    await t.advance('2m');
    assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 5, 6]);
    const [letter] = await t.deadLetters();
    assert.ok(letter?.kind === 'gap');
    assert.deepEqual(letter.numbers, { from: 2, to: 3 });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 3 }), isCode('MILL_EVENT_TOO_LATE'));
    assert.deepEqual((await t.ingest('steps', { key: 'a', n: 4 })).status, 'duplicate');
    await t.stop();
  });

  test('a number about to be acknowledged when its gap is about to be skipped is applied, not skipped', async () => {
    const base = makeStore();
    const [stored, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const append: Store['append'] = async (events) => {
      const appended = await base.append(events);
      if (events.every(({ number }) => number !== 2)) return appended;
      stored.resolve();
      await answered.promise;
      return appended;
    };
    let commits = 0;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      commits += 1;
      return committed;
    };
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })], store: withCalls(base, { append, commit }) });
    for (const n of [1, 3]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    const late = t.ingest('steps', { key: 'a', n: 2 });
    await stored.promise;
    commits = 0;
    await turnUntil(t, () => commits > 0);
    answered.resolve();
    assert.equal((await late).status, 'accepted');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    assert.deepEqual(await t.deadLetters(), []);
    await t.stop();
  });

  test('a number accepted while its gap is being skipped is applied before those behind the gap', async () => {
    const base = makeStore();
    const [stored, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let late: Promise<unknown> | undefined;
    let isSkipping = false;
    const append: Store['append'] = async (events) => {
      const appended = await base.append(events);
      if (events.every(({ number }) => number !== 2)) return appended;
      stored.resolve();
      await answered.promise;
      return appended;
    };
    const held: Store['held'] = async (...asked) => {
      const found = await base.held(...asked);
      if (!isSkipping) return found;
      isSkipping = false;
      late = t.ingest('steps', { key: 'a', n: 2 });
      await stored.promise;
      return found;
    };
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (work.deadLetters.length > 0) answered.resolve();
      return committed;
    };
    const store = withCalls(base, { append, held, commit });
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })], store });
    for (const n of [1, 3]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    isSkipping = true;
    await t.advance('5m');
    await late;
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    await t.stop();
  });

  test('a skipped gap stays skipped if the power is cut before the next turn', async () => {
    const base = makeStore();
    const cut = Promise.withResolvers<never>();
    let isCut = false;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (isCut || work.deadLetters.length === 0) return committed;
      isCut = true;
      return cut.promise;
    };
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })], store: withCalls(base, { commit }) });
    for (const n of [1, 3]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    await turnUntil(t, () => isCut);
    await t.crash();
    await assert.rejects(t.ingest('steps', { key: 'a', n: 2 }), isCode('MILL_EVENT_TOO_LATE'));
    await t.advance('5m');
    assert.deepEqual(await stepsOf(t, 'a'), [1, 3]);
    assert.equal((await t.deadLetters()).length, 1);
    await t.stop();
  });

  test('a held event handled before the log reaches it is not applied again', async () => {
    const base = makeStore();
    let life = 1;
    const applied = Promise.withResolvers<void>();
    const commit: CommitCall = async (work, lease) => {
      if (life === 1) return new Promise(() => undefined);
      const committed = await lease.commit(work);
      applied.resolve();
      return committed;
    };
    const read: Store['read'] = async (...asked) => {
      if (life > 1) await applied.promise;
      return base.read(...asked);
    };
    const t = await testMill({ pipelines: [steps({}, { numbered: true })], store: withCalls(base, { commit, read }) });
    for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
    life = 2;
    await t.crash();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
    await t.stop();
  });

  test('events behind an asynchronous turn stay behind it when it fails, even across a crash', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const attempt = ({ n }: { n: number }, attempt: number) => (n === 1 && attempt <= 2 ? gates[attempt - 1]?.promise : undefined);
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingestBatch(
      'steps',
      upTo(100).map((n) => ({ key: 'a', n })),
    );
    assert.deepEqual(await stepsOf(t, 'a'), []);
    gates[0]?.reject(new Error('not yet'));
    await t.advance('1s');
    for (const n of [101, 102]) await t.ingest('steps', { key: 'a', n });
    gates[1]?.reject(new Error('not yet'));
    assert.deepEqual(await stepsOf(t, 'a'), []);
    await t.crash();
    await t.ingest('steps', { key: 'a', n: 103 });
    await t.advance('1m');
    assert.deepEqual(await stepsOf(t, 'a'), upTo(103));
    await t.stop();
  });

  test('events that arrive while held ones are handled stay behind them', async () => {
    const attempt = async ({ n }: { n: number }, attempt: number) => {
      if (n === 1 && attempt === 1) throw new Error('not yet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingestBatch(
      'steps',
      upTo(150).map((n) => ({ key: 'a', n })),
    );
    await t.drain();
    t.clock.turnToNextAlarm(t.clock.now() + 1_000);
    for (let n = 151; n <= 300; n += 1) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), upTo(300));
    await t.stop();
  });

  test('early numbers that do not fit into memory wait in the store, in order', async () => {
    for (const isCrashed of [false, true]) {
      const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 1_000 })] });
      for (const n of [...upTo(200).reverse(), 350, ...upTo(300)].filter((n, at, all) => n > 1 && all.indexOf(n) === at))
        await t.ingest('steps', { key: 'a', n });
      if (isCrashed) await t.crash();
      await t.ingest('steps', { key: 'a', n: 1 });
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), upTo(300));
      assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'waiting', pending: 1, next: 301, timers: [] });
      await t.stop();
    }
  });

  test('numbers that a key reads back ahead of the log do not make other keys read theirs back', async () => {
    const base = makeStore();
    const readBack: string[] = [];
    const store = withCalls(base, {
      held(partition, key, ...asked) {
        readBack.push(key);
        return base.held(partition, key, ...asked);
      },
    });
    const limits = { feed: 5, commit: 3 };
    const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 100 })], store, limits });
    const others = upTo(60).map((k) => `other ${k}`);
    const numbered = (n: number) => others.map((key) => ({ key, n }));
    const hot = (numbers: readonly number[]) => numbers.map((n) => ({ key: 'hot', n }));
    await t.ingestBatch('steps', [...hot([1]), ...numbered(1)]);
    await t.drain();
    await t.mill.pause('steps');
    readBack.length = 0;
    await t.ingestBatch('steps', [...hot([...upTo(10).slice(2), 2]), ...numbered(2), ...hot(upTo(40).slice(10))]);
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'hot'), upTo(40));
    for (const key of others) assert.deepEqual(await stepsOf(t, key), [1, 2]);
    assert.ok(readBack.includes('hot'));
    assert.ok(new Set(readBack).size < 10, `${new Set(readBack).size} keys were read back`);
    await t.stop();
  });

  test('a gap is skipped to the lowest waiting number, wherever it is kept', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true, maxPending: 1_000, skipAfter: '5m' })] });
    for (const n of upTo(200).reverse()) if (n > 2) await t.ingest('steps', { key: 'a', n });
    await t.advance('5m');
    assert.deepEqual(
      await stepsOf(t, 'a'),
      upTo(200).filter((n) => n > 2),
    );
    assert.deepEqual(
      (await t.deadLetters()).map((letter) => letter.kind === 'gap' && letter.numbers),
      [{ from: 1, to: 2 }],
    );
    await t.stop();
  });

  test('keys forgotten between their events keep their order, state and retries', async () => {
    for (const numbered of [false, true]) {
      const attempt = ({ key, n }: { key: string; n: number }, attempt: number) => {
        if (n % 3 === 0 && attempt === 1) throw new Error('not yet');
        return key < 'k3' ? undefined : Promise.resolve();
      };
      const base = makeStore();
      let loads = 0;
      const load: Store['load'] = (partition, keys) => {
        loads += 1;
        return base.load(partition, keys);
      };
      const store = withCalls(base, { load });
      const t = await testMill({
        pipelines: [steps({ attempt }, { numbered, concurrency: 2 })],
        store,
        limits: { warmKeys: 1, feed: 5 },
      });
      const keys = Array.from({ length: 6 }, (_, k) => `k${k}`);
      for (const n of upTo(12)) {
        for (const key of keys) void t.ingest('steps', { key, n });
        for (const key of keys) await t.ingest('steps', { key: `other ${key}`, n });
        if (n % 4 === 0) await t.advance('10s');
      }
      await t.advance('1m');
      for (const key of keys) for (const prefix of ['', 'other ']) assert.deepEqual(await stepsOf(t, `${prefix}${key}`), upTo(12));
      assert.equal(t.mill.counts().steps?.depth, 0);
      loads = 0;
      for (const n of [13, 14, 15]) {
        for (const key of keys) await t.ingest('steps', { key, n });
        await t.drain();
      }
      assert.ok(loads > 1, 'idle keys were forgotten');
      await t.stop();
    }
  });

  test('a key is not forgotten while its decisions are on their way to the disk', async () => {
    const base = makeStore();
    let loads = 0;
    const load: Store['load'] = (partition, keys) => {
      loads += 1;
      return base.load(partition, keys);
    };
    const onDisk = Promise.withResolvers<void>();
    const commit: CommitCall = (work, lease) => onDisk.promise.then(() => lease.commit(work));
    const store = withCalls(base, { load, commit });
    const t = await testMill({ pipelines: [steps()], store, limits: { warmKeys: 1 } });
    await t.ingest('steps', { key: 'a', n: 1 });
    for (let others = 1; others <= 20; others += 1) {
      await until(() => loads >= others);
      await t.ingest('steps', { key: `k${others}`, n: 1 });
    }
    // One load serves all keys that wait for a load.
    await until(() => loads >= 21);
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.ingest('steps', { key: 'last', n: 1 });
    await until(() => loads >= 22);
    onDisk.resolve();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2]);
    await t.stop();
  });

  test('accepted events that do not fit into memory are read from the log, in order', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await testMill({
      pipelines: [steps({ attempt: () => gate.promise }, { concurrency: 1 })],
      limits: { feed: 10 },
    });
    for (const from of [0, 30, 60]) {
      await t.ingestBatch(
        'steps',
        upTo(30).map((n) => ({ key: `k${n % 3}`, n: from + n })),
      );
      await t.key('steps', 'k0');
    }
    gate.resolve();
    await t.drain();
    for (const k of [0, 1, 2])
      assert.deepEqual(
        await stepsOf(t, `k${k}`),
        upTo(90).filter((n) => n % 3 === k),
      );
    await t.stop();
  });

  test('after a start a retry still waits for its moment', async () => {
    const seen: number[] = [];
    const attempt = (_step: unknown, attempt: number) => {
      seen.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.drain();
    await t.crash();
    await t.advance('400ms');
    assert.deepEqual(seen, [1]);
    await t.advance('600ms');
    assert.deepEqual(seen, [1, 2]);
    await t.stop();
  });

  test('after a start all held keys proceed, however many', async () => {
    const keys = Array.from({ length: 600 }, (_, k) => `k${k}`);
    const attempt = (_step: unknown, attempt: number) => {
      if (attempt === 1) throw new Error('not yet');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    for (const some of [keys.slice(0, 300), keys.slice(300)]) {
      await t.ingestBatch(
        'steps',
        some.map((key) => ({ key, n: 1 })),
      );
    }
    await t.drain();
    await t.crash();
    assert.equal(t.mill.counts().steps?.depth, 600, 'what was left counts as received');
    await t.advance('1m');
    assert.equal(t.mill.counts().steps?.processed, 600);
    assert.equal(t.mill.counts().steps?.depth, 0);
    await t.stop();
  });
});
