import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { OrderByNumber } from '../../pipeline/pipeline-options.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { sliceOf } from '../identify.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type CommitCall, onEveryStore, Step, upTo, withCalls } from './fixture.test.ts';

function numbers(order: Partial<OrderByNumber<z.infer<typeof Step>>> = {}, handled: (key: string) => void = () => undefined) {
  return pipeline('numbers', {
    event: Step,
    key: ({ key }) => key,
    order: { by: ({ n }) => n, ...order },
    state: z.array(z.number()),
    handle(step, before) {
      handled(step.key);
      return [...(before ?? []), step.n];
    },
  });
}

const start = Date.UTC(2026, 0, 1);
const second = 1_000;
const gapsOf = (t: TestMill) => t.mill.gaps('numbers');
const keysOf = (gaps: readonly { readonly key: string }[]) => gaps.map(({ key }) => key);
const alarms = (lines: readonly { readonly message: string }[]) => lines.filter(({ message }) => message.includes('order.alarmAfter'));

onEveryStore('promise 9: keys waiting for a number are listed', ({ testMill, makeStore }) => {
  test('keys come oldest first, with the missing number and what waits for it', async () => {
    const t = await testMill({ pipelines: [numbers()] });
    assert.deepEqual(await gapsOf(t), []);
    await t.ingest('numbers', { key: 'b', n: 7 });
    await t.advance('1s');
    for (const n of [1, 4, 3, 9]) await t.ingest('numbers', { key: 'a', n });
    await t.ingest('numbers', { key: 'c', n: 1 });
    const b = { key: 'b', next: 1, first: 7, pending: 1, since: start };
    const a = { key: 'a', next: 2, first: 3, pending: 3, since: start + second };
    assert.deepEqual(await gapsOf(t), [b, a], 'the youngest as well, before its second is over');
    assert.deepEqual(await t.mill.gaps('numbers', { limit: 1 }), [b]);
    assert.deepEqual(await t.mill.gaps('numbers', { after: b, limit: 1 }), [a]);
    await t.crash();
    assert.deepEqual(await gapsOf(t), [b, a]);
    await t.ingest('numbers', { key: 'a', n: 2 });
    assert.deepEqual(await gapsOf(t), [b, { key: 'a', next: 5, first: 9, pending: 1, since: start + second }]);
    await t.ingestBatch(
      'numbers',
      upTo(6).map((n) => ({ key: 'b', n })),
    );
    assert.deepEqual(keysOf(await gapsOf(t)), ['a']);
    await t.crash();
    await t.ingestBatch(
      'numbers',
      [5, 6, 7, 8].map((n) => ({ key: 'a', n })),
    );
    assert.deepEqual(await gapsOf(t), []);
    await t.advance('2s');
    assert.deepEqual([t.mill.counts().numbers?.gaps, t.mill.counts().numbers?.oldestGapMs], [0, 0]);
    await t.stop();
  });

  test('each gap is on one page, even gaps of the same moment, and of more keys than fit into memory', async () => {
    const t = await testMill({ pipelines: [numbers()], limits: { warmKeys: 10, feed: 20 } });
    const keys = Array.from({ length: 60 }, (_, at) => `é${at}`);
    for (const key of keys) await t.ingest('numbers', { key, n: 2 });
    await t.advance('5s');
    const listed: string[] = [];
    for (let after: { readonly since: number; readonly key: string } | undefined; ; ) {
      const page = await t.mill.gaps('numbers', { limit: 7, after });
      listed.push(...keysOf(page));
      after = page.at(-1);
      if (page.length < 7) break;
    }
    assert.deepEqual(listed.toSorted(), keys.toSorted());
    assert.equal(t.mill.counts().numbers?.gaps, 60);
    await t.stop();
  });

  test('numbers that arrive out of order but in time write nothing extra', async () => {
    const base = makeStore();
    let notes = 0;
    const commit: CommitCall = (work, lease) => {
      notes += work.gaps.length;
      return lease.commit(work);
    };
    const t = await testMill({ pipelines: [numbers()], store: withCalls(base, { commit }) });
    for (let n = 1; n <= 20; n += 2) {
      await t.ingest('numbers', { key: 'a', n: n + 1 });
      await t.advance('500ms');
      await t.ingest('numbers', { key: 'a', n });
      await t.drain();
    }
    await t.advance('5s');
    assert.equal(notes, 0);
    await t.stop();
  });

  test('a gap that lasts too long is one log line and a health warning, until it closes', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [numbers({ alarmAfter: '10m' })], log });
    for (const key of ['a', 'b']) await t.ingest('numbers', { key, n: 3 });
    await t.advance('599s');
    assert.deepEqual([t.mill.health(), alarms(lines)], [{ status: 'ok' }, []]);
    await t.advance('1s');
    const since = '2026-01-01T00:00:00.000Z';
    assert.deepEqual(t.mill.health(), { status: 'ok', warnings: [`pipeline numbers: key a waits for number 1 since ${since}`] });
    const counts = t.mill.counts().numbers;
    assert.deepEqual([counts?.gaps, counts?.oldestGapMs], [2, 600 * second]);
    await t.ingest('numbers', { key: 'a', n: 4 });
    await t.advance('1h');
    const [line, ...others] = alarms(lines);
    const told = (others as unknown[]).length;
    assert.ok(told < 2, 'once, for each partition at most');
    assert.deepEqual((line as { fields?: object }).fields, {
      pipeline: 'numbers',
      key: 'a',
      next: 1,
      first: 3,
      since,
      keys: 2 - told,
    });
    for (const key of ['a', 'b']) {
      await t.ingestBatch(
        'numbers',
        upTo(2).map((n) => ({ key, n })),
      );
    }
    await t.advance('2s');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    assert.equal(alarms(lines).length, 1 + told);
    await t.stop();
  });

  test('a gap that closes while a start looks for the oldest one has no age afterwards', async () => {
    const base = makeStore();
    const wasRead = Promise.withResolvers<void>();
    const isClosed = Promise.withResolvers<void>();
    let isHeld = false;
    const gaps: Store['gaps'] = async (partition, query) => {
      const found = await base.gaps(partition, query);
      if (!isHeld || found.length === 0) return found;
      wasRead.resolve();
      await isClosed.promise;
      return found;
    };
    const t = await testMill({ pipelines: [numbers()], store: withCalls(base, { gaps }) });
    await t.ingest('numbers', { key: 'a', n: 2 });
    await t.advance('2s');
    isHeld = true;
    await t.crash();
    await wasRead.promise;
    await t.ingest('numbers', { key: 'a', n: 1 });
    await until(() => t.mill.counts().numbers?.gaps === 0);
    isHeld = false;
    isClosed.resolve();
    await t.advance('2s');
    assert.deepEqual([t.mill.counts().numbers?.gaps, t.mill.counts().numbers?.oldestGapMs], [0, 0]);
    await t.stop();
  });

  test('the alarm counts time from before a restart', async () => {
    const { log, lines } = recordingLogger();
    const t = await testMill({ pipelines: [numbers({ alarmAfter: '10m' })], log });
    await t.ingest('numbers', { key: 'a', n: 3 });
    await t.drain();
    await t.crash();
    await t.advance('6m');
    await t.crash();
    await t.advance('3m');
    assert.deepEqual(alarms(lines), []);
    await t.advance('1m');
    assert.equal(alarms(lines).length, 1);
    assert.equal(t.mill.health().warnings?.length, 1);
    await t.stop();
  });

  test('gaps of more keys than fit into memory are skipped on time, each with its own dead letter', async () => {
    const t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m' } })], limits: { warmKeys: 10, feed: 20 } });
    const keys = Array.from({ length: 700 }, (_, at) => `k${at}`);
    for (let from = 0; from < keys.length; from += 100) {
      await t.ingestBatch(
        'numbers',
        keys.slice(from, from + 100).map((key) => ({ key, n: 2 })),
      );
    }
    await t.advance('299s');
    assert.equal(t.mill.counts().numbers?.processed, 0);
    await t.advance('1s');
    await t.drain();
    assert.deepEqual([t.mill.counts().numbers?.processed, t.mill.counts().numbers?.deadLetters], [700, 700]);
    assert.deepEqual(await gapsOf(t), []);
    await t.stop();
  });

  test('a gap that becomes overdue while a start skips others is also skipped', async () => {
    const base = makeStore();
    let isSlow = true;
    const gaps: Store['gaps'] = async (partition, query) => {
      const found = await base.gaps(partition, query);
      if (query.until === undefined || found.length === 0 || !isSlow) return found;
      isSlow = false;
      await woken.promise;
      t?.clock.jump(second);
      return found;
    };
    const woken = Promise.withResolvers<void>();
    const heldKeys: Store['heldKeys'] = async (partition, after, limit) => {
      const found = await base.heldKeys(partition, after, limit);
      if (found.length === 0 && after !== null) woken.resolve();
      return found;
    };
    let downMs = 0;
    const claim: Store['claim'] = (partition) => {
      t?.clock.jump(downMs);
      downMs = 0;
      return base.claim(partition);
    };
    let t: TestMill | undefined;
    t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m' } })], store: withCalls(base, { gaps, claim, heldKeys }) });
    await t.ingest('numbers', { key: 'a', n: 2 });
    await t.advance('500ms');
    await t.ingest('numbers', { key: 'b', n: 2 });
    await t.advance('2s');
    downMs = 297_500;
    await t.crash();
    await t.advance('1m');
    assert.deepEqual([isSlow, t.mill.counts().numbers?.processed], [false, 2]);
    await t.stop();
  });

  test('if the clock was set back, a gap of a key that is not in memory counts from the change', async () => {
    const t = await testMill({ pipelines: [numbers({ gap: { skipAfter: '5m' } })], limits: { warmKeys: 1, feed: 1 } });
    for (const key of ['a', 'b', 'c', 'd', 'a', 'b']) await t.ingest('numbers', { key, n: key === 'a' ? 2 : 3 });
    await t.advance('2m');
    await t.setBack('1h');
    await t.advance('299s');
    assert.equal(t.mill.counts().numbers?.processed, 0);
    await t.advance('1s');
    await t.drain();
    assert.equal(t.mill.counts().numbers?.processed, 4);
    await t.stop();
  });

  test('a gap that begins during a slow look counts from the time to which the clock is set back then', async () => {
    const base = makeStore();
    const gate = Promise.withResolvers<void>();
    let isSlow = false;
    let held = 0;
    const handled: string[] = [];
    const commit: CommitCall = async (work, lease) => {
      if (isSlow) {
        held += 1;
        await gate.promise;
      }
      return lease.commit(work);
    };
    const noted = numbers({ gap: { skipAfter: '5m' } }, (key) => handled.push(key));
    const t = await testMill({ pipelines: [noted], store: withCalls(base, { commit }) });
    const slice = sliceOf('a', base.partitions);
    const [later = '', next = ''] = Array.from({ length: 100 }, (_, n) => `x${n}`).filter((key) => sliceOf(key, base.partitions) === slice);
    await t.ingest('numbers', { key: 'a', n: 2 });
    await t.advance('500ms');
    isSlow = true;
    t.clock.jump(-second);
    await until(() => held === 1);
    await t.ingest('numbers', { key: later, n: 2 });
    await t.ingest('numbers', { key: next, n: 1 });
    // The turn of an event behind the waiting one.
    await until(() => handled.includes(next));
    t.clock.jump(-3_600 * second);
    gate.resolve();
    await t.advance('299s');
    assert.equal(t.mill.counts().numbers?.processed, 1);
    await t.advance('1s');
    await t.drain();
    assert.equal(t.mill.counts().numbers?.processed, 3);
    await t.stop();
  });

  test('a pipeline without numbers has no gaps', async () => {
    const plain = pipeline('numbers', { event: Step, key: ({ key }) => key, handle: () => undefined });
    const t = await testMill({ pipelines: [plain] });
    assert.deepEqual(await gapsOf(t), []);
    await assert.rejects(t.mill.gaps('numbers', { limit: 0 }), /gaps: limit: expected an integer of at least 1, found 0/);
    await assert.rejects(t.mill.gaps('numbers', { befor: 1 } as never), /befor is no option/);
    await t.stop();
  });
});
