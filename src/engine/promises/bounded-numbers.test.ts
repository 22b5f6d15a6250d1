import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { OrderByNumber } from '../../pipeline/pipeline-options.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { sliceOf } from '../identify.ts';
import { failing, isCode, onEveryStore, Step, upTo, withCalls } from './fixture.test.ts';

type Stepped = z.infer<typeof Step>;

/** A pipeline ordered by number, whose state lists the numbers it has handled. */
function numbers(order: Partial<OrderByNumber<Stepped>> = {}, attempt: (step: Stepped) => void = () => undefined) {
  return pipeline('numbers', {
    event: Step,
    key: ({ key }) => key,
    order: { by: ({ n }) => n, ...order },
    state: z.array(z.number()),
    retry: { attempts: 1 },
    handle(step, before) {
      attempt(step);
      return [...(before ?? []), step.n];
    },
  });
}

const handledOf = (t: TestMill, key: string) => t.state('numbers', key);
const batchOf = (key: string, ns: readonly number[]) => ns.map((n) => ({ key, n }));
const statusesOf = (judged: readonly { readonly status: string }[]) => judged.map(({ status }) => status);
const codesOf = (judged: Awaited<ReturnType<TestMill['ingestBatch']>>) =>
  judged.map((one) => (one.status === 'rejected' ? one.error.code : one.status));

/** Simulates an event accepted by an earlier version: its number is the highest possible, and the next one is not exact. */
function withNumber(base: Store, from: number, to: number): Store {
  const append: Store['append'] = (events) =>
    base.append(events.map((event) => (event.number === from ? { ...event, number: to, id: `${event.key}#${to}` } : event)));
  return withCalls(base, { append });
}

onEveryStore('promise 7: numbers are bounded', ({ testMill, makeStore }) => {
  test('no stored number ends the engine: one from before the limit is handled, and the next start continues', async () => {
    const store = withNumber(makeStore(), 1_000, Number.MAX_SAFE_INTEGER);
    const t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m', maxJump: Number.MAX_SAFE_INTEGER } })], store });
    await t.ingest('numbers', { key: 'a', n: 1_000 });
    await t.crash();
    await t.advance('5m');
    assert.deepEqual(await handledOf(t, 'a'), [1_000]);
    for (let starts = 0; starts < 2; starts += 1) {
      await t.crash();
      assert.equal((await t.ingest('numbers', { key: 'b', n: 1 })).status, starts === 0 ? 'accepted' : 'duplicate');
      await t.drain();
      assert.equal(t.mill.health().status, 'ok');
      assert.equal((await t.key('numbers', 'a')).next, Number.MAX_SAFE_INTEGER + 1);
    }
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 5 }), isCode('MILL_EVENT_TOO_LATE'));
    await t.stop();
  });

  test('a number too far beyond the next one is refused if numbers are skipped, and those of the sequence are accepted', async () => {
    const t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m', maxJump: 10 } })] });
    const tooEarly = (error: unknown) => {
      assert.ok(error instanceof MillraceError);
      assert.equal(error.message, 'key a: expected a number at most 10 (gap.maxJump) beyond the next one, found 1000000000000000');
      return error.code === 'MILL_EVENT_TOO_EARLY' && error.status === 409;
    };
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 10 ** 15 }), tooEarly, 'of a cold key');
    await t.ingestBatch('numbers', batchOf('a', upTo(5)));
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 10 ** 15 }), tooEarly, 'of a warm one');
    await t.drain();
    assert.deepEqual(codesOf(await t.ingestBatch('numbers', batchOf('a', [17, 16]))), ['MILL_EVENT_TOO_EARLY', 'accepted']);
    await t.crash();
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 17 }), isCode('MILL_EVENT_TOO_EARLY'), 'after a restart');
    await t.advance('5m');
    assert.deepEqual(await handledOf(t, 'a'), [...upTo(5), 16]);
    assert.equal((await t.ingest('numbers', { key: 'a', n: 17 })).status, 'accepted');
    await t.stop();
  });

  test('a number far ahead, accepted before the limit existed, is given up by itself, and the sequence continues', async () => {
    const store = withNumber(makeStore(), 9, 10 ** 15);
    const t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m', maxJump: 10 } })], store });
    await t.ingestBatch('numbers', batchOf('a', [1, 2, 9]));
    await t.crash();
    await t.advance('5m');
    const [letter, ...others] = await t.deadLetters();
    assert.deepEqual(others, []);
    assert.ok(letter?.kind === 'event');
    assert.equal(letter.reason, 'number 1000000000000000 is more than 10 beyond 3, the next one: gap.maxJump');
    assert.equal(letter.event.order, 10 ** 15);
    await t.ingestBatch('numbers', batchOf('a', [3, 4]));
    await t.drain();
    assert.deepEqual(await handledOf(t, 'a'), [1, 2, 3, 4]);
    assert.deepEqual([t.mill.counts().numbers?.depth, t.mill.counts().numbers?.failed], [0, 1]);
    await t.stop();
  });

  test('a number far ahead does no harm if a key waits indefinitely', async () => {
    const t = await testMill({ pipelines: [numbers()] });
    await t.ingest('numbers', { key: 'a', n: 10 ** 15 });
    await t.ingestBatch('numbers', batchOf('a', upTo(3)));
    await t.drain();
    assert.deepEqual(await handledOf(t, 'a'), [1, 2, 3]);
    await t.stop();
  });

  test('a batch respects the limit of a new key, and the number that all wait for is accepted', async () => {
    const t = await testMill({ pipelines: [numbers({ maxPending: 10 })] });
    const judged = await t.ingestBatch('numbers', batchOf('a', [...Array.from({ length: 998 }, (_, at) => at + 2), 1]));
    assert.equal(judged.filter(({ status }) => status === 'accepted').length, 11);
    assert.equal(judged.at(-1)?.status, 'accepted');
    assert.equal((await t.key('numbers', 'a')).pending, 0);
    assert.deepEqual(await handledOf(t, 'a'), upTo(11));
    await t.stop();
  });

  test('a key’s limit holds however events arrive: at once, for a forgotten key, after a restart', async () => {
    const t = await testMill({ pipelines: [numbers({ maxPending: 10 })], limits: { warmKeys: 1 } });
    const codes = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        t.ingest('numbers', { key: 'a', n: at + 2 }).then(
          ({ status }) => status,
          (error: MillraceError) => error.code,
        ),
      ),
    );
    assert.equal(codes.filter((code) => code === 'accepted').length, 10);
    await t.drain();
    for (const key of ['b', 'c', 'd', 'b', 'c', 'd']) {
      await t.ingest('numbers', { key, n: 5 });
      await t.advance('2s');
    }
    assert.deepEqual(codesOf(await t.ingestBatch('numbers', batchOf('a', [100, 101]))), ['MILL_KEY_FULL', 'MILL_KEY_FULL']);
    await t.crash();
    assert.deepEqual(codesOf(await t.ingestBatch('numbers', batchOf('a', [102, 103]))), ['MILL_KEY_FULL', 'MILL_KEY_FULL']);
    await t.drain();
    await t.crash();
    await t.drain();
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 104 }), isCode('MILL_KEY_FULL'));
    assert.equal((await t.key('numbers', 'a')).pending, 10);
    await t.stop();
  });

  test('a key’s limit holds if the store reads the key before its events are in the log, and answers afterwards', async () => {
    const base = makeStore();
    const wasRead = Promise.withResolvers<void>();
    const isInLog = Promise.withResolvers<void>();
    const append: Store['append'] = async (events) => {
      await wasRead.promise;
      return base.append(events);
    };
    const load: Store['load'] = async (...asked) => {
      const records = await base.load(...asked);
      wasRead.resolve();
      await isInLog.promise;
      return records;
    };
    const t = await testMill({ pipelines: [numbers({ maxPending: 3 })], store: withCalls(base, { append, load }) });
    const accepted = Promise.all([2, 3, 4].map((n) => t.ingest('numbers', { key: 'a', n })));
    const refused = assert.rejects(t.ingest('numbers', { key: 'a', n: 5 }), isCode('MILL_KEY_FULL'));
    await accepted;
    isInLog.resolve();
    await refused;
    await t.drain();
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 6 }), isCode('MILL_KEY_FULL'));
    await t.ingest('numbers', { key: 'a', n: 1 });
    await t.drain();
    assert.deepEqual(await handledOf(t, 'a'), upTo(4));
    await t.ingestBatch('numbers', batchOf('a', [6, 7, 8]));
    await assert.rejects(t.ingest('numbers', { key: 'a', n: 9 }), isCode('MILL_KEY_FULL'));
    await t.stop();
  });

  test('a batch respects the limit of a parked key, even after a restart', async () => {
    const poison = ({ n }: Stepped) => {
      if (n === 1) failing();
    };
    const t = await testMill({ pipelines: [numbers({ maxPending: 10 }, poison)] });
    await t.ingest('numbers', { key: 'a', n: 1 });
    await t.drain();
    await t.crash();
    const judged = await t.ingestBatch(
      'numbers',
      batchOf(
        'a',
        Array.from({ length: 50 }, (_, at) => at + 2),
      ),
    );
    assert.equal(judged.filter(({ status }) => status === 'accepted').length, 9);
    await t.stop();
  });

  test('a key without numbers has a limit too, in one batch and when it was not in memory', async () => {
    const plain = pipeline('numbers', { event: Step, key: ({ key }) => key, retry: { attempts: 1 }, onGiveUp: 'park', handle: failing });
    const t = await testMill({ pipelines: [plain], limits: { pendingPerKey: 10 } });
    const accepted = async () =>
      (await t.ingestBatch('numbers', batchOf('a', upTo(50)))).filter(({ status }) => status === 'accepted').length;
    assert.equal(await accepted(), 10);
    await t.drain();
    await t.crash();
    assert.equal(await accepted(), 0);
    await t.stop();
  });

  test('early numbers on ever new keys have a total limit, numbers that close gaps are accepted, and then there is room again', async () => {
    const t = await testMill({ pipelines: [numbers()], limits: { held: 20 } });
    const early = (from: number) => Array.from({ length: 30 }, (_, at) => ({ key: `k${from + at}`, n: 2 }));
    const judged = codesOf(await t.ingestBatch('numbers', early(0)));
    assert.deepEqual(judged, [...Array(20).fill('accepted'), ...Array(10).fill('MILL_BACKLOG_FULL')]);
    await t.drain();
    for (const key of ['k0', 'new']) {
      await assert.rejects(t.ingest('numbers', { key, n: 3 }), (error: MillraceError) => {
        assert.match(error.message, /the limit of 20 unsettled events \(held\) is reached, and key \w+ waits for lower numbers/);
        return error.code === 'MILL_BACKLOG_FULL' && error.retryAfterMs === 5_000;
      });
    }
    await t.crash();
    await assert.rejects(t.ingest('numbers', { key: 'cold', n: 2 }), isCode('MILL_BACKLOG_FULL'));
    assert.equal((await t.ingest('numbers', { key: 'in order', n: 1 })).status, 'accepted');
    assert.deepEqual(statusesOf(await t.ingestBatch('numbers', batchOf('k0', [1]))), ['accepted']);
    await t.drain();
    assert.equal(t.mill.counts().numbers?.held, 19);
    assert.equal((await t.ingest('numbers', { key: 'cold', n: 2 })).status, 'accepted');
    await assert.rejects(t.ingest('numbers', { key: 'colder', n: 2 }), isCode('MILL_BACKLOG_FULL'));
    await t.stop();
  });

  test('if too many events wait for parked keys, events of unblocked keys are still accepted', async () => {
    const poison = ({ key }: Stepped) => {
      if (key.startsWith('bad')) failing();
    };
    const plain = pipeline('numbers', {
      event: Step,
      key: ({ key }) => key,
      retry: { attempts: 1 },
      onGiveUp: 'park',
      handle: (step) => poison(step),
    });
    const t = await testMill({ pipelines: [plain], limits: { held: 5 } });
    for (const n of upTo(5)) await t.ingest('numbers', { key: 'bad', n });
    await t.drain();
    await t.crash();
    await assert.rejects(t.ingest('numbers', { key: 'bad', n: 6 }), isCode('MILL_BACKLOG_FULL'));
    assert.equal((await t.ingest('numbers', { key: 'good', n: 1 })).status, 'accepted');
    await t.drain();
    assert.equal(t.mill.counts().numbers?.processed, 1);
    await t.stop();
  });

  test('if the store fails while the key is looked up, the event is refused and takes up no room', async () => {
    const base = makeStore();
    let isDown = false;
    const load: Store['load'] = async (...asked) => {
      if (isDown) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'it is away');
      return base.load(...asked);
    };
    const t = await testMill({ pipelines: [numbers()], store: withCalls(base, { load }), limits: { backlog: 3 } });
    const inSliceOfA = (key: string) => sliceOf(key, base.partitions) === sliceOf('a', base.partitions);
    const beside = 'bcdefghijklmnopqrstuvwxyz'.split('').find(inSliceOfA) ?? assert.fail('expected a key in the slice of a');
    await t.ingest('numbers', { key: 'a', n: 2 });
    await t.advance('2s');
    isDown = true;
    await assert.rejects(t.ingest('numbers', { key: beside, n: 2 }), isCode('MILL_STORE_UNAVAILABLE'));
    isDown = false;
    await t.drain();
    assert.deepEqual(statusesOf(await t.ingestBatch('numbers', batchOf('c', [2, 3, 4]))), ['accepted', 'accepted', 'accepted']);
    await t.stop();
  });
});
