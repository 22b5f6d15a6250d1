import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type CommitCall, isCode, onEveryStore, upTo, watchReadingBack, withCalls } from './fixture.test.ts';

const Step = z.object({ key: z.string(), n: z.int(), times: z.int(), left: z.int() });
const handled = table('handled', { pipeline: 'text', key: 'text', n: 'integer', attempt: 'integer', nth: 'integer' });
const forever = Number.MAX_SAFE_INTEGER;

/**
 * Sends each event on, as often and for as long as the event says, to a few keys that end in a digit. Rows have no inherent order, so each
 * contains its place among its key's rows.
 */
function relay(name: string, to: string, may: (n: number) => void | Promise<void> = () => undefined): AnyPipeline {
  return pipeline(name, {
    event: Step,
    key: ({ key }) => key,
    state: z.object({ handled: z.int() }),
    tables: { handled },
    onGiveUp: 'skip',
    async handle({ key, n, times, left }, state, turn) {
      const done = may(n);
      if (done !== undefined) await done;
      const nth = state?.handled ?? 0;
      turn.add(handled, { pipeline: name, key, n, attempt: turn.attempt, nth });
      for (let time = 0; left > 0 && time < times; time += 1)
        turn.send(to as never, { key: `${key[0]}${(n + time) % 5}`, n: n + 1, times, left: left - 1 });
      return { handled: nth + 1 };
    },
  }) as AnyPipeline;
}

const depthOf = (t: TestMill, name: string) => t.mill.counts()[name]?.depth ?? 0;
/** The rows of a pipeline, in the order in which each key's events were handled. */
const handledBy = async (t: TestMill, name: string) =>
  (await t.rows(handled)).filter((row) => row.pipeline === name).sort((one, other) => one.nth - other.nth);

onEveryStore('promise 7: sends are bounded', ({ testMill, makeStore }) => {
  test('a pipeline that sends two events for each one stops at the limit, is reported, and stays so after a crash', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [relay('loop', 'loop')], limits: { backlog: 20, effects: 100, sends: 200, commit: 8 }, log });
    await t.ingest('loop', { key: 'a', n: 1, times: 2, left: forever });
    for (let round = 0; round < 3; round += 1) {
      await t.drain();
      const { depth = 0, throttled = 0, deadLetters, parked } = t.mill.counts().loop ?? {};
      assert.ok(depth >= 200 && depth <= 201, `${depth} events wait`);
      assert.deepEqual([deadLetters, parked], [0, 0], 'nothing is given up');
      assert.deepEqual(t.mill.loops(), [{ pipelines: ['loop'], keys: throttled, events: depth }]);
      assert.ok(throttled > 0);
      await assert.rejects(t.ingest('loop', { key: 'b', n: 1, times: 0, left: 0 }), isCode('MILL_BACKLOG_FULL'));
      await t.crash();
    }
    await t.drain();
    const errors = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(errors[0]?.fields.pipelines, ['loop']);
    assert.equal(errors.length, 4, 'one line a life');
    await t.stop();
  });

  test('it also stays so after a crash while claiming one of its slices takes long', async () => {
    const base = makeStore();
    const claim: Store['claim'] = async (partition) => {
      for (let turns = 0; partition.slice === 0 && turns < 200; turns += 1) await setImmediate();
      return base.claim(partition);
    };
    const limits = { backlog: 20, effects: 100, sends: 200, commit: 8 };
    const t = await testMill({ pipelines: [relay('loop', 'loop')], store: withCalls(base, { claim }), limits });
    await t.ingest('loop', { key: 'a', n: 1, times: 2, left: forever });
    await t.drain();
    await t.crash();
    await t.drain();
    assert.ok(depthOf(t, 'loop') >= 200 && depthOf(t, 'loop') <= 201, `${depthOf(t, 'loop')} events wait`);
    await t.stop();
  });

  test('two pipelines that feed each other stop, each at its own limit', async () => {
    const t = await testMill({
      pipelines: [relay('a', 'b'), relay('b', 'a')],
      limits: { backlog: 10, effects: 50, sends: 100, commit: 4 },
    });
    await t.ingest('a', { key: 'k', n: 1, times: 2, left: forever });
    await t.drain();
    for (const name of ['a', 'b']) assert.ok(depthOf(t, name) >= 100 && depthOf(t, name) <= 101, `${depthOf(t, name)} in ${name}`);
    assert.deepEqual(
      t.mill.loops().map(({ pipelines }) => pipelines),
      [['a', 'b']],
    );
    await t.stop();
  });

  test('beside a loop, other keys of the pipeline that send nothing, or one event for each one, proceed', async () => {
    const gate = Promise.withResolvers<void>();
    const may = (n: number) => (n === 0 ? gate.promise : undefined);
    const t = await testMill({ pipelines: [relay('loop', 'loop', may)], limits: { backlog: 50, effects: 50, sends: 100 } });
    await t.ingest('loop', { key: 'quiet', n: 0, times: 0, left: 0 });
    await t.ingest('loop', { key: 'chain', n: 0, times: 1, left: 30 });
    await t.ingest('loop', { key: 'again', n: 1, times: 2, left: forever });
    await until(() => t.mill.loops().length > 0);
    gate.resolve();
    await t.drain();
    const keys = (await handledBy(t, 'loop')).map(({ key }) => key[0]);
    assert.deepEqual([keys.filter((key) => key === 'q').length, keys.filter((key) => key === 'c').length], [1, 31]);
    assert.equal(t.mill.loops().length, 1);
    await t.stop();
  });

  test('keys that find room at once are read back a few at a time', async () => {
    const base = makeStore();
    const readingBack = watchReadingBack(base, 'from');
    const t = await testMill({
      pipelines: [relay('from', 'to'), relay('to', 'to')],
      limits: { backlog: 10_000, effects: 10_000, sends: 20_000 },
      store: readingBack.store,
    });
    await t.mill.pause('to');
    const keys = 600 * base.partitions;
    const step = (at: number) => ({ key: `${at}`, n: 1, times: 1, left: 1 });
    await t.ingestBatch('from', [{ ...step(0), times: 9_999 }]);
    await t.drain();
    for (let at = 0; at < keys; at += 600)
      await t.ingestBatch(
        'from',
        Array.from({ length: 600 }, (_, nth) => step(at + nth + 1)),
      );
    await t.drain();
    assert.equal(t.mill.counts().from?.throttled, keys - 1);
    readingBack.max = 0;
    assert.equal(await t.mill.discardEvents('to'), 10_000);
    await t.mill.resume('to');
    await t.drain();
    assert.deepEqual([depthOf(t, 'from'), depthOf(t, 'to')], [0, 0]);
    assert.ok(readingBack.max > 1 && readingBack.max <= 128 * base.partitions, `${readingBack.max} were read back at once`);
    await t.stop();
  });

  test('a fast pipeline that feeds a slow one waits for room, in order; its door is full meanwhile, and waiting costs no attempt', async () => {
    const gate = Promise.withResolvers<void>();
    const { log, lines } = recordingLogger();
    const pipelines = [relay('fast', 'slow'), relay('slow', 'slow', () => gate.promise)];
    const t = await testMill({ pipelines, limits: { backlog: 50, effects: 50, sends: 100 }, log });
    const taken: number[] = [];
    for (const n of upTo(300)) {
      await t.ingest('fast', { key: 'a', n, times: 1, left: 1 }).then(
        () => taken.push(n),
        (error) => assert.equal(error.code, 'MILL_BACKLOG_FULL'),
      );
      await t.mill.settled('fast', Number.MAX_SAFE_INTEGER);
    }
    assert.deepEqual([depthOf(t, 'slow'), depthOf(t, 'fast'), t.mill.counts().fast?.throttled], [50, 50, 1]);
    assert.deepEqual([t.mill.loops(), taken.length], [[], 100]);
    assert.deepEqual(
      lines.filter(({ level }) => level === 'warn').map(({ fields }) => [fields.pipeline, fields.to]),
      [['fast', 'slow']],
    );
    gate.resolve();
    await t.drain();
    for (const name of ['fast', 'slow']) {
      const rows = await handledBy(t, name);
      for (const digit of upTo(5)) {
        const own = rows.filter(({ n }) => n % 5 === digit % 5).map(({ n, attempt }) => [n, attempt]);
        const expected = taken.map((n) => (name === 'fast' ? n : n + 1)).filter((n) => n % 5 === digit % 5);
        assert.deepEqual(
          own,
          expected.map((n) => [n, 1]),
        );
      }
    }
    assert.deepEqual([depthOf(t, 'slow'), depthOf(t, 'fast'), t.mill.counts().fast?.throttled], [0, 0, 0]);
    await t.stop();
  });

  test('a pipeline that feeds others never prevents them from answering each other', async () => {
    const ring = [relay('a', 'b'), relay('b', 'c'), relay('c', 'a')];
    const feeder = pipeline('feeder', {
      event: z.object({ n: z.int() }),
      handle({ n }, _state, turn) {
        for (const part of upTo(8)) turn.send('a' as never, { key: `k${(n + part) % 7}`, n: 0, times: 1, left: 20 } as never);
      },
    });
    const t = await testMill({ pipelines: [feeder, ...ring], limits: { backlog: 10, effects: 10, sends: 20, commit: 3 } });
    for (const n of upTo(10)) await t.ingest('feeder', { n });
    await t.drain();
    assert.equal((await t.rows(handled)).length, 10 * 8 * 21);
    assert.deepEqual([t.mill.loops(), t.mill.counts().feeder?.processed], [[], 10]);
    await t.stop();
  });

  test('void decisions take up no room', async () => {
    const base = makeStore();
    let calls = 0;
    // Turns keep deciding while the commit is under way; every other time all of those decisions are void.
    const commit: CommitCall = async (work, lease) => {
      calls += 1;
      const isBroken = calls % 2 === 0;
      for (let round = 0; round < 5; round += 1) await setImmediate();
      if (isBroken) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it fails');
      return lease.commit(work);
    };
    const limits = { backlog: 8, effects: 2, sends: 16, commit: 3 };
    const t = await testMill({ pipelines: [relay('a', 'b'), relay('b', 'a')], store: withCalls(base, { commit }), limits });
    for (const n of upTo(8)) await t.ingest('a', { key: `k${n}`, n, times: 1, left: 60 });
    await t.advance('10m');
    assert.deepEqual([depthOf(t, 'a'), depthOf(t, 'b'), (await t.rows(handled)).length], [0, 0, 8 * 61]);
    await t.stop();
  });

  test('turns that wait for room have their effects once and in order, whatever fails or dies meanwhile', async () => {
    const { log, lines } = recordingLogger();
    const base = makeStore();
    let calls = 0;
    const commit: CommitCall = async (work, lease) => {
      calls += 1;
      if (calls % 5 === 0) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it fails');
      const committed = await lease.commit(work);
      if (calls % 7 === 0) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it took effect and fails');
      return committed;
    };
    const pipelines = [relay('fast', 'slow'), relay('slow', 'slow', () => setImmediate())];
    const t = await testMill({
      pipelines,
      store: withCalls(base, { commit }),
      limits: { backlog: 50, effects: 5, sends: 100, commit: 3, warmKeys: 1 },
      log,
    });
    let n = 0;
    for (let life = 0; life < 5; life += 1) {
      for (let more = 0; more < 40; more += 1) {
        n += 1;
        await t.ingest('fast', { key: 'a', n, times: 4, left: 1 }).catch((error) => {
          n -= 1;
          assert.equal(error.code, 'MILL_BACKLOG_FULL');
        });
      }
      await t.advance('10s');
      if (life < 4) await t.crash();
    }
    await t.advance('1h');
    assert.ok(
      lines.some(({ fields }) => fields.to === 'slow'),
      'it waited',
    );
    assert.deepEqual([depthOf(t, 'fast'), depthOf(t, 'slow'), t.mill.counts().fast?.throttled], [0, 0, 0]);
    assert.deepEqual(
      (await handledBy(t, 'fast')).map((row) => row.n),
      upTo(n),
    );
    const slow = await handledBy(t, 'slow');
    assert.equal(slow.length, 4 * n);
    for (const digit of [0, 1, 2, 3, 4]) {
      const own = slow.filter(({ key }) => key === `a${digit}`).map((row) => row.n);
      assert.deepEqual(
        own,
        own.toSorted((one, other) => one - other),
      );
    }
    await t.stop();
  });

  test('a timer that sends on every turn and is due again at once stops at the limit', async () => {
    const ticking = pipeline('ticking', {
      event: z.object({ n: z.int() }),
      key: ({ n }) => String(n % 3),
      handle({ n }, _state, turn) {
        if (n === 0) turn.timers.set('tick', { after: 0 });
        return n === 0 ? undefined : never();
      },
      timers: {
        tick(_state, turn) {
          turn.send('ticking', { n: 1 });
          turn.timers.set('tick', { after: 0 });
        },
      },
    });
    const t = await testMill({ pipelines: [ticking], limits: { backlog: 10, effects: 20, sends: 40 } });
    await t.ingest('ticking', { n: 0 });
    await until(() => t.mill.loops().length > 0);
    assert.equal(depthOf(t, 'ticking'), 40);
    await t.stop();
  });

  test('a turn decides no more than its limit, even if it catches the error that says so', async () => {
    const target = pipeline('target', { event: z.object({}), handle() {} });
    const many = pipeline('many', {
      event: z.object({ what: z.enum(['send', 'row', 'timer', 'delivery']), times: z.int(), isCaught: z.boolean() }),
      tables: { handled },
      retry: { attempts: 1 },
      deliver: { post: { to: { call: async () => ({ result: 'delivered' }) } } },
      timers: { tick() {} },
      handle({ what, times, isCaught }, _state, turn) {
        const say = {
          send: () => turn.send(target, {}),
          row: () => turn.add(handled, { pipeline: 'many', key: what, n: 0, attempt: 1, nth: 0 }),
          timer: () => turn.timers.set('tick', { after: '1h' }),
          delivery: () => turn.deliver('post', {}),
        }[what];
        for (let time = 0; time < times; time += 1) {
          try {
            say();
          } catch (error) {
            if (!isCaught) throw error;
          }
        }
      },
    });
    const t = await testMill({ pipelines: [many, target], limits: { effects: 5 } });
    for (const what of ['send', 'row', 'timer', 'delivery'] as const) {
      await t.ingest('many', { what, times: 5, isCaught: false });
      for (const isCaught of [false, true]) await t.ingest('many', { what, times: 6, isCaught });
    }
    await t.drain();
    const { processed, failed } = t.mill.counts().many ?? {};
    assert.deepEqual([processed, failed], [4, 8]);
    for (const { reason } of await t.deadLetters()) assert.match(reason, /expected at most 5 effects per turn/);
    assert.equal(t.mill.counts().target?.processed, 5);
    await t.stop();
  });
});

const never = () => new Promise<undefined>(() => undefined);
