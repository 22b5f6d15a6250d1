import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import type { Answer } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { ScheduleOptions } from '../../pipeline/schedule.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { sliceOf } from '../identify.ts';
import { type CommitCall, failing, isCode, onEveryStore, Step, steps, stepsOf, withCalls } from './fixture.test.ts';
import { delivered, failed, heldAnswers, shop, toldTo } from './shop.fixture.test.ts';

const startAt = Date.UTC(2026, 0, 1);
const Tick = z.object({ dueAt: z.int(), now: z.int() });

/** Each run brings one event with the times when the run was due and when it began. */
function ticking(cadence: Pick<ScheduleOptions<unknown>, 'every' | 'cron'>) {
  return pipeline('ticking', {
    event: Tick,
    key: () => 'one',
    state: z.object({ runs: z.array(Tick) }),
    schedule: { ...cadence, timezone: cadence.cron && 'UTC', source: ({ dueAt, now }: z.infer<typeof Tick>) => [{ dueAt, now }] } as never,
    handle: (tick, state) => ({ runs: [...(state?.runs ?? []), tick] }),
  });
}

/** Returns the times at which the runs began, in milliseconds since the start of the test's clock. */
async function runsOf(t: TestMill): Promise<readonly number[]> {
  const state = (await t.state('ticking', 'one')) as { runs: z.infer<typeof Tick>[] } | undefined;
  return state?.runs.map(({ now }) => now - startAt) ?? [];
}

/** Sets a timer for each event, as many seconds ahead as its number, and remembers when it fired. */
const alarms = pipeline('alarms', {
  event: Step,
  key: ({ key }) => key,
  state: z.object({ firedAt: z.array(z.int()) }),
  handle: ({ n }, _state, turn) => turn.timers.set('ring', { after: n * 1_000 }),
  timers: { ring: (state, turn) => ({ firedAt: [...(state?.firedAt ?? []), turn.now - startAt] }) },
});

const minute = 60_000;
const hour = 60 * minute;

onEveryStore('when the machine sleeps', ({ testMill, makeStore }) => {
  test('promise 5: a timer that came due meanwhile fires on waking, and any other one fires at its moment', async () => {
    const t = await testMill({ pipelines: [alarms] });
    await t.ingest('alarms', { key: 'due', n: 30 * 60 });
    await t.ingest('alarms', { key: 'ahead', n: 90 * 60 });
    await t.drain();
    await t.sleep('1h');
    assert.deepEqual(await t.state('alarms', 'due'), { firedAt: [hour] });
    assert.equal(await t.state('alarms', 'ahead'), undefined);
    await t.advance('30m');
    assert.deepEqual(await t.state('alarms', 'ahead'), { firedAt: [90 * minute] });
    await t.stop();
  });

  test('a schedule makes up for all missed runs with a single one, and keeps its beat', async () => {
    const t = await testMill({ pipelines: [ticking({ every: '20m' })] });
    await t.sleep('65m');
    assert.deepEqual(await runsOf(t), [65 * minute]);
    await t.advance('20m');
    assert.deepEqual(await runsOf(t), [65 * minute, 80 * minute]);
    await t.stop();
  });

  test('a cron pattern makes up for all missed runs with a single one', async () => {
    const t = await testMill({ pipelines: [ticking({ cron: '*/20 * * * *' })] });
    await t.sleep('65m');
    await t.advance('20m');
    assert.deepEqual(await runsOf(t), [65 * minute, 80 * minute]);
    await t.stop();
  });

  test('retries and deliveries that came due meanwhile are made', async () => {
    const t = await testMill({
      pipelines: [steps({ attempt: (_step, attempt) => (attempt === 1 ? failing() : undefined) }), shop()],
      answer: ({ attempt }) => (attempt === 1 ? failed : delivered),
    });
    await t.ingest('steps', { key: 'a', n: 1 });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.drain();
    await t.sleep('1h');
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 2']);
    await t.stop();
  });

  test('no handler and no call has used up its time, and everything is healthy', async () => {
    const ends = Promise.withResolvers<void>();
    const slow = pipeline('slow', { event: Step, timeout: '10s', retry: { attempts: 1 }, handle: () => ends.promise });
    const answered = Promise.withResolvers<Answer>();
    const t = await testMill({ pipelines: [slow, shop({ timeout: 10_000 })], answer: () => answered.promise });
    await t.ingest('slow', { key: 'a', n: 1 });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.advance('5s');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await t.sleep('1h');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    ends.resolve();
    answered.resolve(delivered);
    await t.drain();
    assert.deepEqual(await t.deadLetters(), []);
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  test('a refusal by the store is remembered as long as without sleep', async () => {
    const append: Store['append'] = async () => {
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the disk does not answer');
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(makeStore(), { append }) });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STORE_UNAVAILABLE'));
    await t.sleep('1h');
    assert.equal(t.mill.health().status, 'unavailable');
    await t.setBack('2h');
    await t.advance('10s');
    assert.equal(t.mill.health().status, 'ok');
    await t.stop();
  });
});

onEveryStore('when the clock is set back an hour', ({ testMill, makeStore }) => {
  test('a timer is a moment: it fires when the clock reaches it', async () => {
    const t = await testMill({ pipelines: [alarms] });
    await t.ingest('alarms', { key: 'a', n: 10 });
    await t.drain();
    await t.setBack('1h');
    await t.advance('1h');
    assert.equal(await t.state('alarms', 'a'), undefined);
    await t.advance('10s');
    assert.deepEqual(await t.state('alarms', 'a'), { firedAt: [10_000] });
    await t.stop();
  });

  for (const isRestarted of [false, true]) {
    const also = isRestarted ? ', also across a restart' : '';

    async function setBack(t: TestMill): Promise<void> {
      await t.setBack('1h');
      if (isRestarted) await t.crash();
    }

    test(`a schedule by interval runs within one interval${also}`, async () => {
      const t = await testMill({ pipelines: [ticking({ every: 500 })] });
      await t.advance('1s');
      await setBack(t);
      await t.advance('2s');
      const runs = await runsOf(t);
      assert.deepEqual(
        runs.slice(2).map((at) => at + hour),
        [1_500, 2_000, 2_500, 3_000],
      );
      await t.stop();
    });

    test(`a cron pattern is recomputed${also}`, async () => {
      const t = await testMill({ pipelines: [ticking({ cron: '* * * * * *' })] });
      await t.advance('2s');
      await setBack(t);
      await t.advance('2s');
      assert.deepEqual(
        (await runsOf(t)).map((at) => at % hour),
        [1_000, 2_000, 3_000 - hour, 4_000 - hour],
      );
      await t.stop();
    });

    test(`a pause of a schedule lasts no longer than intended${also}`, async () => {
      for (const [cadence, first] of [
        [{ every: '1m' }, 10 * minute],
        [{ cron: '*/3 * * * *' }, 12 * minute],
      ] as const) {
        const t = await testMill({ pipelines: [ticking(cadence)] });
        await t.mill.schedule('ticking').pause({ for: '10m' });
        await t.drain();
        await setBack(t);
        assert.equal((await t.mill.schedule('ticking').status()).status, 'paused');
        await t.advance(first - 1);
        assert.deepEqual(await runsOf(t), []);
        await t.advance(1);
        assert.deepEqual(await runsOf(t), [first - hour]);
        await t.stop();
      }
    });

    test(`promise 3: a retry waits no longer than its pause, and nothing of its key overtakes it${also}`, async () => {
      const t = await testMill({ pipelines: [steps({ attempt: ({ n }, attempt) => (n === 1 && attempt < 3 ? failing() : undefined) })] });
      for (const n of [1, 2]) await t.ingest('steps', { key: 'a', n });
      await t.drain();
      await setBack(t);
      await t.ingest('steps', { key: 'a', n: 3 });
      // After a restart only the pipeline's longest pause is known.
      await t.advance(isRestarted ? '30s' : '1s');
      await t.advance('2s');
      assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3]);
      await t.stop();
    });

    test(`promise 3: a failed timer is retried within its pause, before later work${also}`, async () => {
      const order: string[] = [];
      const fragile = pipeline('fragile', {
        event: Step,
        key: ({ key }) => key,
        state: z.object({ n: z.int() }),
        retry: { attempts: 3, backoff: 300, maxBackoff: 300, jitter: 0 },
        handle({ n }, _state, turn) {
          order.push(`event ${n}`);
          if (n === 1) turn.timers.set('ring', { after: 1_000 });
          return { n };
        },
        timers: {
          ring(state, turn) {
            order.push(`timer ${turn.attempt}`);
            return turn.attempt === 1 ? failing() : state;
          },
        },
      });
      const t = await testMill({ pipelines: [fragile] });
      await t.ingest('fragile', { key: 'a', n: 1 });
      await t.advance('1s');
      await t.advance(1);
      await t.ingest('fragile', { key: 'a', n: 2 });
      await setBack(t);
      await t.ingest('fragile', { key: 'a', n: 3 });
      // By then the event is in the log, but nothing records yet that it waits.
      if (isRestarted) await t.crash();
      await t.advance(300);
      assert.deepEqual(order, ['event 1', 'timer 1', 'timer 2', 'event 2', 'event 3']);
      await t.stop();
    });

    test(`promise 6: a delivery is retried after its pause, and so are those waiting for it${also}`, async () => {
      const at: string[] = [];
      const t: TestMill = await testMill({
        pipelines: [shop({ order: 'key', attempts: 4 })],
        answer({ id, attempt }) {
          at.push(`${id}, ${attempt}: ${t.clock.elapsedMs()}`);
          return attempt < 3 && id === 'a 1' ? failed : delivered;
        },
      });
      for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
      await t.drain();
      await setBack(t);
      await t.ingest('shop', { key: 'a', n: 3 });
      await t.advance('10s');
      assert.deepEqual(at, ['a 1, 1: 0', 'a 1, 2: 1000', 'a 1, 3: 3000', 'a 2, 1: 3000', 'a 3, 1: 3000']);
      assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 3', 'delivered a 2 after 1', 'delivered a 3 after 1']);
      await t.stop();
    });

    test(`promise 6: a pause requested by the receiver is respected${also}`, async () => {
      const t = await testMill({
        pipelines: [shop()],
        answer: ({ attempt }) => (attempt === 1 ? { ...failed, retryAfterMs: 6 * hour } : delivered),
      });
      await t.ingest('shop', { key: 'a', n: 1 });
      await t.drain();
      await setBack(t);
      await t.advance(6 * hour - 1);
      assert.equal(t.calls.length, 1);
      await t.advance(1);
      assert.equal(t.calls.length, 2);
      await t.stop();
    });

    test(`promise 6: the retry of a delivery requested long ago waits no longer than its pause${also}`, async () => {
      const t = await testMill({
        pipelines: [shop({ attempts: 4 })],
        answer: ({ attempt }) => (attempt === 1 ? { ...failed, retryAfterMs: 2 * hour } : attempt === 2 ? failed : delivered),
      });
      await t.ingest('shop', { key: 'a', n: 1 });
      await t.advance('2h');
      assert.equal(t.calls.length, 2);
      await setBack(t);
      await t.advance(1_999);
      assert.equal(t.calls.length, 2);
      await t.advance(1);
      assert.equal(t.calls.length, 3);
      await t.stop();
    });

    test(`promise 6: deliveries waiting for a free place are made${also}`, async () => {
      const t = await testMill({ pipelines: [shop({ rateLimit: { calls: 1, per: 1_000 } })] });
      await t.ingestBatch(
        'shop',
        Array.from({ length: 200 }, (_, n) => ({ key: `key ${n}`, n })),
      );
      await t.drain();
      await setBack(t);
      await t.advance('200s');
      assert.equal(new Set(t.calls.map(({ id }) => id)).size, 200);
      await t.stop();
    });

    test(`promise 6: a key that failed to handle an outcome is notified again within the pipeline’s pause${also}`, async () => {
      let tellings = 0;
      const tell = () => {
        tellings += 1;
        return tellings === 1 && failing();
      };
      const t = await testMill({ pipelines: [shop({ tell })] });
      await t.ingest('shop', { key: 'a', n: 1 });
      await t.drain();
      assert.deepEqual(await toldTo(t, 'a'), []);
      await setBack(t);
      await t.advance(isRestarted ? '30s' : '1s');
      assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
      await t.stop();
    });

    test(`a gap is skipped once its time is over, even if events keep arriving${also}`, async () => {
      const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })] });
      await t.ingest('steps', { key: 'a', n: 2 });
      await t.advance('1m');
      await setBack(t);
      for (const n of [3, 4, 5, 6, 7]) {
        await t.ingest('steps', { key: 'a', n });
        await t.advance('1m');
      }
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), [2, 3, 4, 5, 6, 7]);
      await t.stop();
    });
  }

  test('a gap from before the change is skipped no earlier than the new clock says', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })] });
    await t.setBack('1h');
    await t.ingest('steps', { key: 'a', n: 2 });
    await t.advance('299s');
    assert.deepEqual(await stepsOf(t, 'a'), []);
    await t.advance('1s');
    assert.deepEqual(await stepsOf(t, 'a'), [2]);
    await t.stop();
  });

  test('promise 6: a failure with nothing else waiting is stored by the current clock, so that a restart reads it correctly', async () => {
    const store = makeStore();
    const t = await testMill({ pipelines: [shop()], store, answer: ({ attempt }) => (attempt === 1 ? failed : delivered) });
    await t.ingest('shop', { key: 'b', n: 0 });
    await t.drain();
    await t.setBack('1h');
    await t.advance('1s');
    assert.deepEqual(await toldTo(t, 'b'), ['delivered b 0 after 2']);
    await t.ingest('shop', { key: 'b', n: 1 });
    await t.drain();
    const partition = { pipeline: 'shop', slice: sliceOf('b', store.partitions) };
    assert.equal(await store.nextDeliveryDue(partition, 'door', 0), t.clock.now() + 1_000);
    await t.crash();
    await t.advance('1s');
    assert.deepEqual(await toldTo(t, 'b'), ['delivered b 0 after 2', 'delivered b 1 after 2']);
    await t.stop();
  });

  for (const [many, memoryBytes] of [
    [300, 512 * 1024 * 1024],
    [5, 8_000],
  ] as const) {
    test(`promise 6: the next process makes a delivery even if ${many} retries are due before it, with ${memoryBytes} bytes of memory`, async () => {
      let isDown = true;
      const t = await testMill({
        pipelines: [shop({ timeout: 10 * hour })],
        answer({ id, attempt }) {
          if (!isDown) return delivered;
          // Each comes due at a different moment.
          return attempt === 1 && id !== 'a 0' ? { ...failed, retryAfterMs: 2 * hour + Number(id.slice(2)) } : new Promise(() => undefined);
        },
        limits: { memoryBytes },
      });
      await t.ingestBatch(
        'shop',
        Array.from({ length: many }, (_, n) => ({ key: 'a', n: n + 1 })),
      );
      await t.advance('2h');
      await t.advance('5m');
      await t.ingest('shop', { key: 'a', n: 0 });
      await t.advance(0);
      await t.setBack('1h');
      isDown = false;
      await t.crash();
      await t.drain();
      const told = await toldTo(t, 'a');
      assert.deepEqual([told.length, told.includes('delivered a 0 after 1')], [many + 1, true]);
      await t.stop();
    });
  }

  test('promise 6: a delivery is made even if it was requested while earlier ones prove a later time', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    const dueMoments: Store['dueMoments'] = (...query) => gate.promise.then(() => base.dueMoments(...query));
    const t = await testMill({ pipelines: [shop()], store: withCalls(base, { dueMoments }) });
    await t.ingest('shop', { key: 'a', n: 1 });
    const partition = { pipeline: 'shop', slice: sliceOf('a', base.partitions) };
    await until(async () => (await base.dueDeliveries(partition, 'door', startAt, 1)).length === 1);
    gate.resolve();
    await t.drain();
    assert.deepEqual(await toldTo(t, 'a'), ['delivered a 1 after 1']);
    await t.stop();
  });

  test('the next process notifies a key of an outcome that a stop left on disk', async () => {
    const base = makeStore();
    // The process dies between the commit of an outcome and the outcome's turn.
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      if (work.outcomes.some(({ dueAt }) => dueAt !== null)) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the power is cut');
      return committed;
    };
    const before = await testMill({ pipelines: [shop({ tell: () => new Promise(() => undefined) })], store: withCalls(base, { commit }) });
    await before.ingest('shop', { key: 'a', n: 1 });
    await before.advance(0);
    await before.mill.stop({ timeoutMs: 0 }).catch(() => undefined);
    const after = await testMill({ pipelines: [shop()], store: base, startAt: startAt - hour });
    await after.drain();
    assert.deepEqual(await toldTo(after, 'a'), ['delivered a 1 after 1']);
    assert.equal(after.calls.length, 0);
    await after.stop();
  });

  test('a rate limit and a pause requested by a transport last as long as intended', async () => {
    const postponed: Answer = { result: 'postponed', reason: 'not now', retryAfterMs: 5_000 };
    let isDown = false;
    const at: number[] = [];
    const t: TestMill = await testMill({
      pipelines: [shop({ rateLimit: { calls: 1, per: 10_000 } })],
      answer() {
        at.push(t.clock.elapsedMs());
        return isDown ? postponed : delivered;
      },
    });
    for (const n of [1, 2]) await t.ingest('shop', { key: 'a', n });
    await t.drain();
    await t.setBack('1h');
    isDown = true;
    await t.advance('10s');
    await t.setBack('1h');
    isDown = false;
    await t.advance('10s');
    assert.deepEqual(at, [0, 10_000, 15_000]);
    await t.stop();
  });

  test('promise 6: a key is notified of an outcome that reaches the disk after the clock was set back, with a key and without', async () => {
    for (const key of [({ key }: z.infer<typeof Step>) => key, undefined]) {
      const base = makeStore();
      const { waiting, answer } = heldAnswers();
      const gate = Promise.withResolvers<void>();
      let commits = 0;
      let isSlow = false;
      const commit: CommitCall = async (work, lease) => {
        commits += 1;
        if (isSlow) await gate.promise;
        return lease.commit(work);
      };
      const told: string[] = [];
      const letters = pipeline('letters', {
        event: Step,
        ...(key && { key }),
        deliver: {
          door: {
            to: { call: failing },
            outcome(_state, _turn, { id, status }) {
              told.push(`${id} ${status}`);
            },
          },
        },
        handle: ({ key: id }, _state, turn) => turn.deliver('door', {}, { id }),
      });
      const t = await testMill({ pipelines: [letters], store: withCalls(base, { commit }), answer });
      await t.ingest('letters', { key: 'a', n: 1 });
      await until(() => waiting.length === 1);
      await t.mill.pause('letters');
      t.clock.jump(2 * hour);
      isSlow = true;
      const before = commits;
      waiting[0]?.give(delivered);
      await until(() => commits > before);
      t.clock.jump(-hour);
      gate.resolve();
      await t.mill.resume('letters');
      await t.drain();
      assert.deepEqual(told, ['a delivered']);
      await t.stop();
    }
  });

  test('promise 6: a key is notified of an outcome even if the clock is set back while a look reads later moments', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    let goneOn = 0;
    let isSlow = false;
    let outcomes = 0;
    const dueCauses: Store['dueCauses'] = async (partition, dueBy, limit, bounds) => {
      if (isSlow && bounds?.after !== undefined) {
        goneOn += 1;
        await gate.promise;
      }
      return base.dueCauses(partition, dueBy, limit, bounds);
    };
    const commit: CommitCall = async (work, lease) => {
      const committed = await lease.commit(work);
      outcomes += work.outcomes.filter(({ dueAt }) => dueAt !== null).length;
      return committed;
    };
    const told: string[] = [];
    // Its events have no keys, so only looks can find whatever is left to looks.
    const letters = pipeline('letters', {
      event: z.object({}),
      deliver: { door: { to: { call: failing }, outcome: (_state, turn) => void told.push(turn.id) } },
      handle(_event, _state, turn) {
        if (turn.key === 'a') turn.deliver('door', {}, { id: 'a 1' });
        else turn.timers.set('ring', { after: '10h', data: 'x'.repeat(4_000) });
      },
      timers: { ring: () => undefined },
    });
    const { waiting, answer } = heldAnswers();
    const t = await testMill({
      pipelines: [letters],
      store: withCalls(base, { commit, dueCauses }),
      answer,
      // Only one timer is read at a time.
      limits: { memoryBytes: 64_000 },
    });
    for (let n = 0; n < 40; n += 1) await t.ingest('letters', {}, { id: `x${n}` });
    await t.drain();
    await t.ingest('letters', {}, { id: 'a' });
    await until(() => waiting.length === 1);
    isSlow = true;
    await t.crash();
    await until(() => waiting.length === 2 && goneOn === base.partitions);
    await t.mill.pause('letters');
    waiting[1]?.give(delivered);
    await until(() => outcomes === 1);
    t.clock.jump(-hour);
    isSlow = false;
    gate.resolve();
    await t.mill.resume('letters');
    await t.drain();
    assert.deepEqual(told, ['a 1']);
    await t.stop();
  });

  test('promise 9: handlers and calls time out in time, and work without progress is unhealthy', async () => {
    const never = () => new Promise<never>(() => undefined);
    const stuck = pipeline('stuck', { event: Step, timeout: '2s', retry: { attempts: 1 }, handle: never });
    const t = await testMill({ pipelines: [stuck, shop({ timeout: 2_000, attempts: 1 })], answer: never });
    await t.ingest('stuck', { key: 'a', n: 1 });
    await t.ingest('shop', { key: 'a', n: 1 });
    await t.setBack('1h');
    await t.advance('2s');
    const reasons = (await t.deadLetters()).map(({ reason }) => reason);
    assert.deepEqual(reasons.toSorted(), ['delivery to door: timed out after 2000 ms', 'the handler did not end within 2000 ms']);
    await t.stop();
  });

  test('promise 9: a hanging commit is detected', async () => {
    const hangs = Promise.withResolvers<void>();
    const base = makeStore();
    const commit: CommitCall = (work, lease) => hangs.promise.then(() => lease.commit(work));
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { commit }) });
    await t.ingest('steps', { key: 'a', n: 1 });
    assert.equal(t.mill.health().status, 'ok');
    t.clock.jump(-hour);
    for (let alarms = 0; alarms < 3; alarms += 1) t.clock.turnToNextAlarm(t.clock.now() + minute);
    assert.equal(t.mill.health().status, 'unavailable');
    hangs.resolve();
    await t.drain();
    await t.stop();
  });

  test('reads, sweeps and a stop take no longer', async () => {
    let prunes = 0;
    const base = makeStore();
    const prune: Store['prune'] = (retention) => {
      prunes += 1;
      return base.prune(retention);
    };
    const never = pipeline('never', { event: Step, key: ({ key }) => key, handle: () => new Promise<void>(() => undefined) });
    const t = await testMill({ pipelines: [never], store: withCalls(base, { prune }) });
    await t.ingest('never', { key: 'a', n: 1 });
    await t.setBack('1h');
    const settled = t.mill.settled('never', 250);
    t.clock.jump(-hour);
    await t.advance(250);
    assert.equal(await settled, false);
    await t.setBack('1h');
    await t.advance('1m');
    assert.ok(prunes > 0, 'swept');
    const stopped = t.mill.stop({ timeoutMs: 1_000 });
    t.clock.jump(-hour);
    await t.advance('1s');
    await stopped;
  });

  test('a schedule is replanned even if the store refuses the first try', async () => {
    const base = makeStore();
    let isDown = false;
    const append: Store['append'] = async (events) => {
      if (!isDown) return base.append(events);
      isDown = false;
      throw new MillraceError('MILL_STORE_BUSY', 'not now');
    };
    const t = await testMill({ pipelines: [ticking({ every: '1m' })], store: withCalls(base, { append }) });
    await t.advance('1m');
    isDown = true;
    await t.setBack('1h');
    await t.advance('61s');
    assert.equal((await runsOf(t)).length, 2);
    await t.stop();
  });

  test('ids made by the engine ascend, and processed events per second are counted', async () => {
    const t = await testMill({ pipelines: [steps()] });
    const ids: string[] = [];
    for (let n = 1; n <= 4; n += 1) {
      ids.push((await t.ingest('steps', { key: 'a', n })).id);
      await t.setBack(n === 2 ? '1h' : 0);
    }
    assert.deepEqual(ids, ids.toSorted());
    await t.advance('1s');
    assert.equal(t.mill.counts().steps?.perSecond, 0.4);
    await t.sleep('1h');
    assert.equal(t.mill.counts().steps?.perSecond, 0.4);
    await t.stop();
  });

  test('a timer that an operator makes due again comes due at once', async () => {
    const broken = pipeline('broken', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1 },
      handle: (_step, _state, turn) => turn.timers.set('ring', { after: 1_000 }),
      timers: { ring: () => failing() },
    });
    const t = await testMill({ pipelines: [broken] });
    await t.ingest('broken', { key: 'a', n: 1 });
    await t.advance('1s');
    await t.setBack('1h');
    const [letter] = await t.deadLetters();
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    const letters = await t.deadLetters();
    assert.equal(letters.length, 1);
    assert.notEqual(letters[0]?.id, letter?.id);
    await t.stop();
  });
});
