import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import type { Commit, Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { type CommitCall, failing, isCode, onEveryStore, withCalls } from './fixture.test.ts';
import { delivered, failed, shop, toldTo } from './shop.fixture.test.ts';

const down = () => new MillraceError('MILL_STORE_UNAVAILABLE', 'not now');
const removes = (work: Commit) => work.deliveries.some(({ write }) => write === 'remove');

onEveryStore('promise 6: deliveries, while the store fails', ({ testMill, makeStore }) => {
  test('an answer survives two consecutive store failures', async () => {
    const base: Store = makeStore();
    let failures = 0;
    const t = await testMill({
      pipelines: [shop()],
      store: withCalls(base, {
        async commit(work, lease) {
          if (!removes(work) || failures > 0) return lease.commit(work);
          failures = 1;
          throw down();
        },
        async dueDeliveries(...args) {
          if (failures !== 1) return base.dueDeliveries(...args);
          failures = 2;
          throw down();
        },
      }),
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.equal(failures, 2);
    assert.equal(t.calls.length, 1);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  for (const [what, answer, again] of [
    ['requested again', delivered, async (t: TestMill) => void (await t.ingest('shop', { key: 'a', n: 1 }))],
    [
      'redriven',
      { result: 'refused', reason: 'gone' },
      async (t: TestMill) => {
        const [letter] = await t.deadLetters('shop');
        await t.mill.redrive(letter?.id ?? '');
      },
    ],
  ] as const) {
    for (const pauseMs of [0, 10_000])
      test(`a delivery that is ${what} ${pauseMs} ms later is made, even though nobody knew that its last outcome was recorded`, async () => {
        const base: Store = makeStore();
        let doubts = 0;
        const commit: CommitCall = async (work, lease) => {
          const committed = await lease.commit(work);
          if (!removes(work) || doubts > 0) return committed;
          doubts += 1;
          throw down();
        };
        const t = await testMill({ pipelines: [shop()], store: withCalls(base, { commit }), answer: () => answer });
        await t.ingest('shop', { key: 'a', n: 1 });
        await t.drain();
        await t.advance(pauseMs);
        await again(t);
        await t.advance(10_000);
        assert.equal(t.calls.length, 2);
        await t.stop();
      });
  }

  test('an answer that arrives while the engine stops is recorded, even though the store failed', async () => {
    const base: Store = makeStore();
    let failures = 0;
    let give: (answer: Answer) => void = failing;
    const store = withCalls(base, {
      async commit(work, lease) {
        if (!removes(work) || failures > 0) return lease.commit(work);
        failures = 1;
        throw down();
      },
    });
    const t = await testMill({ pipelines: [shop()], store, answer: () => new Promise((resolve) => (give = resolve)) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await until(() => t.calls.length === 1);
    const stopped = t.mill.stop();
    await setImmediate();
    give(delivered);
    await stopped;
    const next = await testMill({ pipelines: [shop()], store });
    await next.drain();
    assert.equal(failures, 1);
    assert.equal(next.calls.length, 0);
    assert.deepEqual(await toldTo(next, 'a'), ['delivered a 1 after 1']);
    await next.stop();
  });

  test('an outcome that arrives during the notification about the previous one follows it', async () => {
    const pause = Promise.withResolvers<void>();
    let tells = 0;
    let isDown = true;
    const tell = () => {
      tells += 1;
      return tells === 2 ? pause.promise : undefined;
    };
    const t = await testMill({ pipelines: [shop({ tell })], answer: () => (isDown ? { result: 'refused', reason: 'gone' } : delivered) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    isDown = false;
    const [letter] = await t.deadLetters('shop');
    await t.mill.redrive(letter?.id ?? '');
    await until(() => t.mill.counts().shop?.delivered === 1);
    pause.resolve();
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1', 'redriven a 1 after 0', 'delivered a 1 after 1']);
    await t.stop();
  });

  test('a given-up delivery is not redriven before its key is notified', async () => {
    let isBroken = true;
    const tell = () => isBroken && failing();
    const t = await testMill({ pipelines: [shop({ tell })], answer: () => ({ result: 'refused', reason: 'gone' }) });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    const [letter] = await t.deadLetters('shop');
    await assert.rejects(t.mill.redrive(letter?.id ?? ''), isCode('MILL_CONFLICT'));
    isBroken = false;
    await t.advance(10_000);
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['given up a 1 after 1', 'redriven a 1 after 0', 'given up a 1 after 1']);
    await t.stop();
  });

  test('a failure recorded without anybody knowing is not taken for the next attempt’s', async () => {
    const base: Store = makeStore();
    let upAgainAt: number | undefined;
    const isDown = () => upAgainAt !== undefined && t.clock.now() < upAgainAt;
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (upAgainAt !== undefined || work.deliveries.every(({ write }) => write !== 'retry')) return committed;
      upAgainAt = t.clock.now() + 30_000;
      throw down();
    };
    const claim: Store['claim'] = async (partition) => {
      if (isDown()) throw down();
      return base.claim(partition);
    };
    const t: TestMill = await testMill({
      pipelines: [shop()],
      store: withCalls(base, { commit, claim }),
      answer: ({ attempt }) => (attempt === 1 ? failed : delivered),
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(60_000);
    assert.deepEqual(
      t.calls.map(({ attempt }) => attempt),
      [1, 2],
    );
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 2']);
    await t.stop();
  });

  test('a postponed call does not count: the rate limit lets another begin within its span', async () => {
    const at: number[] = [];
    const t: TestMill = await testMill({
      pipelines: [shop({ rateLimit: { calls: 1, per: 60_000 } })],
      answer: () => {
        at.push(t.clock.now());
        return at.length === 1 ? { result: 'postponed', reason: 'circuit open', retryAfterMs: 100 } : delivered;
      },
    });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(1_000);
    assert.deepEqual(
      at.map((moment) => moment - (at[0] as number)),
      [0, 100],
    );
    await t.stop();
  });

  test('a postponed call does not count for the rate limit, whichever call began after it', async () => {
    const at: number[] = [];
    const t: TestMill = await testMill({
      pipelines: [shop({ rateLimit: { calls: 2, per: 1_000 } })],
      answer: async ({ id }: OutgoingCall): Promise<Answer> => {
        const now = t.clock.now();
        if (id === 'a 1' && at.length < 1) {
          await new Promise<void>((ring) => t.clock.alarm(now + 950, ring));
          return { result: 'postponed', reason: 'circuit open', retryAfterMs: 10 };
        }
        at.push(now);
        return delivered;
      },
    });
    const start = t.clock.now();
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance(900);
    for (const n of [2, 3, 4]) await t.ingest('shop', { key: 'a', n });
    await t.advance(10_000);
    const moments = at.map((moment) => moment - start);
    for (const [place, moment] of moments.entries())
      if (place >= 2) assert.ok(moment - (moments[place - 2] as number) >= 1_000, `${moments}`);
    await t.stop();
  });
});
