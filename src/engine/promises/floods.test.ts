import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { Lane } from '../lane.ts';
import { Tenure } from '../tenure.ts';
import { failing, onEveryStore, steps, stepsOf, watchReadingBack, withCalls } from './fixture.test.ts';

onEveryStore('promise 4: a flood costs others nothing', ({ testMill, makeStore }) => {
  const Call = z.object({ key: z.string(), say: z.string() });
  const dueAt = Date.UTC(2026, 0, 2);

  /** `arm` sets one or more timers of the key; any other word is recorded, and so are the timers that fire. */
  function bells(heard: string[], ring: (key: string) => void | Promise<void> = () => undefined, concurrency = 4) {
    const rings = (name: string) => (_state: unknown, turn: { key: string }) => {
      const note = () => void heard.push(`${turn.key} ${name}`);
      const rung = ring(turn.key);
      return rung instanceof Promise ? rung.then(note) : note();
    };
    return pipeline('bells', {
      event: Call,
      key: ({ key }) => key,
      retry: { attempts: 1 },
      onGiveUp: 'park',
      concurrency,
      handle({ key, say }, _state, turn) {
        if (say === 'arm') {
          turn.timers.set('second', { at: dueAt + 1 });
          turn.timers.set('first', { at: dueAt });
        } else if (say === 'arm one') turn.timers.set('first', { at: dueAt });
        else if (say === 'break') failing();
        else heard.push(`${key} ${say}`);
      },
      timers: { first: rings('first'), second: rings('second') },
    });
  }

  /** A gate for each call that waits, opened one at a time. */
  function gates() {
    const waiting: (() => void)[] = [];
    return { waiting, pass: () => new Promise<void>((resolve) => waiting.push(resolve)) };
  }

  async function callAll(t: TestMill, count: number, say: string): Promise<void> {
    for (let from = 0; from < count; from += 1_000) {
      const batch = Array.from({ length: Math.min(1_000, count - from) }, (_, at) => ({ key: `k${from + at}`, say }));
      await t.ingestBatch('bells', batch);
    }
    await t.drain();
  }

  /** Waits until the engine has done everything it can do now, however long its handlers take. */
  async function settle(condition: () => boolean): Promise<void> {
    await until(condition);
  }

  test('timers due at once are each read once, only as many as can run soon, with turns of events in between', async () => {
    const base = makeStore();
    let read = 0;
    const dueCauses: Store['dueCauses'] = async (...asked) => {
      const due = await base.dueCauses(...asked);
      read += due.length;
      return due;
    };
    const { waiting, pass } = gates();
    const heard: string[] = [];
    const t = await testMill({ pipelines: [bells(heard, pass)], store: withCalls(base, { dueCauses }) });
    await callAll(t, 3_000, 'arm one');
    for (let n = 0; n < 20; n += 1) await t.ingest('bells', { key: `other ${n}`, say: 'hi' });
    await t.drain();
    read = 0;
    while (t.clock.turnToNextAlarm(dueAt));
    const places = 4;
    await settle(() => waiting.length === places);
    for (let turns = 0; turns < 100; turns += 1) await setImmediate();
    assert.ok(read <= 1_000 * base.partitions, `${read} were read while none has ended`);
    for (let n = 0; n < 20; n += 1) await t.ingest('bells', { key: `other ${n}`, say: 'hello' });
    const isOneGreeted = () => heard.some((what) => what.endsWith('hello'));
    while (heard.filter((what) => what.endsWith('hello')).length < 20) {
      await settle(() => waiting.length === places || isOneGreeted());
      waiting.shift()?.();
      await setImmediate();
      assert.ok(heard.length < 1_000, 'the events wait for the timers');
    }
    const idle = t.drain();
    let isIdle = false;
    void idle.then(() => {
      isIdle = true;
    });
    while (!isIdle) {
      for (const open of waiting.splice(0)) open();
      await setImmediate();
    }
    assert.equal(new Set(heard).size, heard.length, 'each fired once');
    assert.equal(heard.length, 3_040);
    assert.ok(read <= 3_100, `${read} were read for 3,000`);
    await t.stop();
  });

  test('masses of timers that came due while nothing ran fire once each after the start, in order for each key', async () => {
    const heard: string[] = [];
    const t = await testMill({ pipelines: [bells(heard)] });
    await callAll(t, 1_500, 'arm');
    await t.stop();
    while (t.clock.turnToNextAlarm(dueAt + 1_000));
    await t.start();
    await t.drain();
    assert.equal(heard.length, 3_000);
    assert.equal(new Set(heard).size, 3_000);
    for (const key of ['k0', 'k1499']) {
      assert.deepEqual(
        heard.filter((what) => what.startsWith(`${key} `)),
        [`${key} first`, `${key} second`],
      );
    }
    await t.stop();
  });

  test('the due timers of masses of parked keys hide no others, and fire in order once their key is open', async () => {
    for (const warmKeys of [1, 50_000]) {
      const heard: string[] = [];
      const t = await testMill({ pipelines: [bells(heard)], limits: { warmKeys } });
      await callAll(t, 1_200, 'arm');
      await callAll(t, 1_200, 'break');
      await t.ingest('bells', { key: 'other', say: 'arm' });
      await t.advance(dueAt + 1_000 - t.clock.now());
      assert.deepEqual(heard, ['other first', 'other second']);
      const [letter] = await t.deadLetters();
      assert.ok(letter);
      await t.mill.discard(letter.id);
      await t.drain();
      assert.deepEqual(heard.slice(2), [`${letter.key} first`, `${letter.key} second`]);
      await t.crash();
      await t.drain();
      const [next] = await t.deadLetters();
      await t.mill.discard(next?.id ?? '');
      await t.drain();
      assert.deepEqual(heard.slice(4), [`${next?.key} first`, `${next?.key} second`]);
      await t.stop();
    }
  });

  test('a timer already overdue when set fires, even behind those already read', async () => {
    const heard: string[] = [];
    const late = pipeline('late', {
      event: Call,
      key: ({ key }) => key,
      handle: ({ say }, _state, turn) => turn.timers.set('ring', { at: Number(say) }),
      timers: { ring: (_state, turn) => void heard.push(turn.key) },
    });
    const t = await testMill({ pipelines: [late], startAt: 10_000 });
    await t.ingest('late', { key: 'a', say: '9000' });
    await t.drain();
    await t.ingest('late', { key: 'b', say: '5000' });
    await t.drain();
    await t.ingestBatch(
      'late',
      Array.from({ length: 1_000 }, (_, n) => ({ key: `k${n}`, say: `${n}` })),
    );
    await t.ingestBatch(
      'late',
      Array.from({ length: 1_000 }, (_, n) => ({ key: `l${n}`, say: `${n}` })),
    );
    await t.drain();
    assert.equal(heard.length, 2_002);
    assert.equal(new Set(heard).size, 2_002);
    await t.stop();
  });

  test('if outcomes arrive faster than their handlers end, keys are notified once each, in order', async () => {
    const { waiting, pass } = gates();
    const told: string[] = [];
    const asking = pipeline('asking', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      concurrency: 1,
      deliver: {
        shop: {
          to: { call: async () => ({ result: 'delivered' as const }) },
          order: 'key',
          outcome: (_state, turn) => pass().then(() => void told.push(`${turn.key} ${turn.id}`)),
        },
      },
      handle({ key }, _state, turn) {
        for (const n of [1, 2, 3]) turn.deliver('shop', n, { id: `${key}${n}` });
      },
    });
    const t = await testMill({ pipelines: [asking] });
    const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
    for (const key of keys) await t.ingest('asking', { key });
    const drained = t.drain();
    let isDrained = false;
    void drained.then(() => {
      isDrained = true;
    });
    while (!isDrained) {
      waiting.shift()?.();
      await setImmediate();
    }
    assert.equal(told.length, 90);
    for (const key of keys) {
      assert.deepEqual(
        told.filter((what) => what.startsWith(`${key} `)),
        [1, 2, 3].map((n) => `${key} ${key}${n}`),
      );
    }
    await t.stop();
  });

  test('keys whose retries come due at once are read back a few at a time, and leave room in memory to others', async () => {
    const base = makeStore();
    const readingBack = watchReadingBack(base, 'retrying');
    let loads = 0;
    const load: Store['load'] = (partition, keys) => {
      loads += keys.length;
      return base.load(partition, keys);
    };
    let retried = 0;
    const retrying = pipeline('retrying', {
      event: Call,
      key: ({ key }) => key,
      state: z.object({ n: z.int() }),
      retry: { attempts: 2, backoff: '1s', jitter: 0 },
      handle({ key }, _state, turn) {
        if (key.startsWith('k') && turn.attempt === 1) failing();
        if (key.startsWith('k')) retried += 1;
        return { n: 1 };
      },
    });
    const t = await testMill({
      pipelines: [retrying],
      store: withCalls(readingBack.store, { load }),
      limits: { warmKeys: 100 },
    });
    await t.ingestBatch(
      'retrying',
      Array.from({ length: 1_000 }, (_, at) => ({ key: `k${at}`, say: 'fail' })),
    );
    await t.drain();
    for (let round = 0; round < 3; round += 1) {
      loads = 0;
      for (let at = 0; at < 50; at += 1) {
        await t.ingest('retrying', { key: `other ${at}`, say: 'hello' });
        await t.drain();
      }
    }
    assert.equal(loads, 0, 'the other keys stay in memory');
    assert.equal(retried, 0);
    // The virtual clock rings alarms one by one; everything that comes due during a pause proceeds at once afterwards.
    await t.mill.pause('retrying');
    await t.advance('1m');
    assert.equal(retried, 0);
    await t.mill.resume('retrying');
    await t.drain();
    assert.equal(retried, 1_000);
    assert.equal(t.mill.counts().retrying?.depth, 0);
    assert.ok(readingBack.max > 1 && readingBack.max <= 128 * base.partitions, `${readingBack.max} were read back at once`);
    await t.stop();
  });

  test('readers of a busy key cost no turns of others, neither while they wait nor when they time out', async (context) => {
    const gate = Promise.withResolvers<void>();
    const attempt = ({ key }: { key: string }) => (key === 'busy' ? gate.promise : undefined);
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingest('steps', { key: 'busy', n: 1 });
    const { mill } = t;
    const looks = context.mock.getter(Lane.prototype, 'isBusy', Object.getOwnPropertyDescriptor(Lane.prototype, 'isBusy')?.get);
    const looksDuringIngest = async () => {
      looks.mock.resetCalls();
      for (let n = 0; n < 50; n += 1) await mill.ingest('steps', { key: 'other', n });
      await mill.state('steps', 'other');
      return looks.mock.callCount();
    };
    const readers = Array.from({ length: 300 }, () => [
      mill.state('steps', 'busy'),
      mill.keys('steps', ['busy']),
      mill.knows('steps', 'busy'),
      mill.settled('steps'),
    ]).flat();
    for (let turns = 0; turns < 20; turns += 1) await setImmediate();
    const whileTheyWait = await looksDuringIngest();
    assert.ok(whileTheyWait < 5_000, `${whileTheyWait} looks while they wait`);
    t.clock.turnToNextAlarm(t.clock.now() + 250);
    while (t.clock.turnToNextAlarm(t.clock.now()));
    const answers = await Promise.all(readers);
    assert.deepEqual(answers.slice(2, 4), [true, false]);
    const afterwards = await looksDuringIngest();
    assert.ok(afterwards < 5_000, `${afterwards} looks afterwards`);
    gate.resolve();
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'busy'), [1]);
    await t.stop();
  });

  test('readers of all keys cost the same, however many keys are busy', async (context) => {
    const gate = Promise.withResolvers<void>();
    const attempt = ({ key }: { key: string }) => (key.startsWith('busy') ? gate.promise : undefined);
    const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: 1_000 })] });
    const busy = Array.from({ length: 400 }, (_, at) => ({ key: `busy ${at}`, n: 1 }));
    await t.ingestBatch('steps', busy);
    await t.state('steps', 'other');
    assert.equal(t.mill.counts().steps?.running, 400);
    const looks = context.mock.getter(Lane.prototype, 'isBusy', Object.getOwnPropertyDescriptor(Lane.prototype, 'isBusy')?.get);
    const readers = Array.from({ length: 400 }, () => t.mill.settled('steps', 60_000));
    for (let n = 0; n < 20; n += 1) await t.ingest('steps', { key: 'other', n });
    await t.state('steps', 'other');
    assert.ok(looks.mock.callCount() < 2_000, `${looks.mock.callCount()} looks`);
    let answered = 0;
    for (const reader of readers) void reader.then(() => (answered += 1));
    await t.state('steps', 'other');
    assert.equal(answered, 0);
    gate.resolve();
    assert.ok((await Promise.all(readers)).every((isSettled) => isSettled));
    for (const { key } of busy.slice(0, 3)) assert.deepEqual(await stepsOf(t, key), [1]);
    await t.stop();
  });

  test('a caller that waits for idleness and leaves leaves nothing behind', async (context) => {
    const gate = Promise.withResolvers<void>();
    const attempt = ({ key }: { key: string }) => (key === 'busy' ? gate.promise : undefined);
    const t = await testMill({ pipelines: [steps({ attempt })] });
    await t.ingest('steps', { key: 'busy', n: 1 });
    const asked = Array.from({ length: 500 }, () => t.mill.idle(10));
    for (let turns = 0; turns < 20; turns += 1) await setImmediate();
    while (t.clock.turnToNextAlarm(t.clock.now() + 10));
    assert.ok((await Promise.all(asked)).every((isIdle) => !isIdle));
    const looks = context.mock.getter(Tenure.prototype, 'isIdle', Object.getOwnPropertyDescriptor(Tenure.prototype, 'isIdle')?.get);
    for (let n = 0; n < 50; n += 1) await t.ingest('steps', { key: 'other', n });
    assert.ok(looks.mock.callCount() < 2_000, `${looks.mock.callCount()} looks`);
    gate.resolve();
    await t.stop();
  });
});
