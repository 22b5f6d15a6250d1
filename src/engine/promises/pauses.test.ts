import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { type CommitCall, failing, isCode, onEveryStore, steps, stepsOf, upTo, watchReadingBack, withCalls } from './fixture.test.ts';

const forever = Number.MAX_SAFE_INTEGER;

/** Pages as large as one call accepts. */
function* pagesOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += 500) yield all.slice(at, at + 500);
}

onEveryStore('promise 9: an operator pauses a pipeline and discards its waiting events', ({ testMill, makeStore }) => {
  test('no turn of a paused pipeline starts, even after a crash; others proceed, and once it is resumed everything is handled in order', async () => {
    const other = pipeline('other', { event: z.object({ n: z.int() }), handle() {} });
    const t = await testMill({ pipelines: [steps(), other], limits: { backlog: 40, feed: 5, warmKeys: 2 } });
    await t.mill.pause('steps');
    for (const n of upTo(10)) for (const key of ['a', 'b', 'c']) await t.ingest('steps', { key, n });
    await t.ingest('other', { n: 1 });
    for (let life = 0; life < 2; life += 1) {
      await t.drain();
      const { processed, depth, paused } = t.mill.counts().steps ?? {};
      assert.deepEqual([processed, depth, paused, t.mill.counts().other?.depth], [0, 30, true, 0]);
      assert.deepEqual(t.mill.health(), { status: 'ok' });
      await t.advance('1h');
      assert.deepEqual(t.mill.health(), { status: 'ok' }, 'a pause is no time without progress');
      await t.crash();
    }
    for (const n of upTo(10)) await t.ingest('steps', { key: 'd', n });
    await assert.rejects(t.ingest('steps', { key: 'd', n: 11 }), isCode('MILL_BACKLOG_FULL'));
    await t.mill.resume('steps');
    assert.deepEqual(t.mill.health(), { status: 'ok' });
    await t.drain();
    for (const key of ['a', 'b', 'c', 'd']) assert.deepEqual(await stepsOf(t, key), upTo(10));
    await t.crash();
    assert.equal(t.mill.counts().steps?.paused, false);
    await t.stop();
  });

  test('a pause in the middle of work loses nothing: retries, timers, gaps and turns under way continue afterwards', async () => {
    const fired: string[] = [];
    const gate = Promise.withResolvers<void>();
    const alarms = pipeline('alarms', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      handle: (_event, _state, turn) => turn.timers.set('ring', { after: '1m' }),
      timers: { ring: (_state, turn) => void fired.push(turn.key) },
    });
    let isBroken = true;
    const attempt = ({ key }: { key: string }) => {
      if (key === 'slow') return gate.promise;
      return key === 'sick' && isBroken ? failing() : undefined;
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 5 }), alarms], limits: { warmKeys: 1 } });
    for (const n of upTo(3)) for (const key of ['slow', 'sick', 'well']) await t.ingest('steps', { key, n });
    for (const key of upTo(20)) await t.ingest('alarms', { key: `k${key}` });
    await t.mill.settled('alarms', Number.MAX_SAFE_INTEGER);
    for (const name of ['steps', 'alarms'] as const) await t.mill.pause(name);
    isBroken = false;
    gate.resolve();
    await t.advance('1h');
    assert.deepEqual([await stepsOf(t, 'slow'), await stepsOf(t, 'sick'), fired], [[1], [], []]);
    for (const name of ['steps', 'alarms'] as const) await t.mill.resume(name);
    assert.deepEqual(t.mill.health(), { status: 'ok' }, 'a pause is no time without progress');
    await t.advance('1s');
    for (const key of ['slow', 'sick', 'well']) assert.deepEqual(await stepsOf(t, key), upTo(3));
    assert.deepEqual(new Set(fired), new Set(upTo(20).map((n) => `k${n}`)));
    assert.equal(fired.length, 20);
    await t.stop();
  });

  test('a paused pipeline’s waiting events are discarded, including parked ones and their dead letters, and later events are handled', async () => {
    let isBroken = true;
    const attempt = ({ key }: { key: string }) => (key !== 'well' && isBroken ? failing() : undefined);
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 2 })] });
    await assert.rejects(t.mill.discardEvents('steps'), isCode('MILL_CONFLICT'));
    for (const n of upTo(4)) for (const key of ['sick', 'well']) await t.ingest('steps', { key, n });
    await t.advance('1m');
    // This one waits for its retry.
    await t.ingest('steps', { key: 'hurt', n: 1 });
    await t.drain();
    await t.mill.pause('steps');
    for (const n of [5, 6]) for (const key of ['sick', 'well']) await t.ingest('steps', { key, n });
    assert.equal(t.mill.counts().steps?.parked, 1);
    assert.equal(await t.mill.discardEvents('steps'), 9);
    assert.equal(await t.mill.discardEvents('steps'), 0);
    const { depth, held, discarded, deadLetters, parked } = t.mill.counts().steps ?? {};
    assert.deepEqual([depth, held, discarded, deadLetters, parked], [0, 0, 8, 0, 0], 'the parked one had counted as failed');
    isBroken = false;
    await t.crash();
    await t.ingest('steps', { key: 'sick', n: 7 });
    await t.mill.resume('steps');
    await t.ingest('steps', { key: 'sick', n: 8 });
    await t.advance('1h');
    assert.deepEqual([await stepsOf(t, 'well'), await stepsOf(t, 'sick'), await stepsOf(t, 'hurt')], [upTo(4), [7, 8], []]);
    await t.stop();
  });

  test('the events of one key are discarded, and those of all others are handled in order', async () => {
    const t = await testMill({ pipelines: [steps()], limits: { feed: 10 } });
    await t.mill.pause('steps');
    for (const n of upTo(100)) for (const key of ['a', 'b', 'c']) await t.ingest('steps', { key, n });
    assert.equal(await t.mill.discardEvents('steps', { key: 'b' }), 100);
    assert.equal(await t.mill.discardEvents('steps', { key: 'nobody' }), 0);
    await t.ingest('steps', { key: 'b', n: 101 });
    assert.equal(t.mill.counts().steps?.depth, 201);
    await t.crash();
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b'), await stepsOf(t, 'c')], [upTo(100), [101], upTo(100)]);
    await t.stop();
  });

  test('numbers of discarded events can be used again', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    await t.mill.pause('steps');
    for (const n of [1, 2, 3, 5]) for (const key of ['a', 'b']) await t.ingest('steps', { key, n });
    assert.equal(await t.mill.discardEvents('steps', { key: 'a' }), 4);
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b')], [[], [1, 2, 3]]);
    for (const n of [1, 2, 3, 4]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'accepted');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4]);
    await t.stop();
  });

  test('callers stop waiting for turns when the pipeline is paused', async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const attempt = () => {
      begun.resolve();
      return gate.promise;
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: 1 })] });
    await t.ingest('steps', { key: 'a', n: 1 });
    await begun.promise;
    const forKey = t.mill.state('steps', 'a', { waitMs: forever });
    await t.ingest('steps', { key: 'b', n: 1 });
    const forAll = t.mill.settled('steps', forever);
    await t.mill.pause('steps');
    assert.deepEqual([await forKey, await forAll, await t.mill.settled('steps', forever)], [undefined, true, true]);
    gate.resolve();
    await t.mill.idle(forever);
    assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b')], [[1], []]);
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'b'), [1]);
    await t.stop();
  });

  test('keys whose moment comes during a pause, or that are redriven during it, are read back a few at a time afterwards', async () => {
    const base = makeStore();
    const readingBack = watchReadingBack(base, 'steps');
    let isBroken = true;
    const attempt = ({ key, n }: { key: string; n: number }, nth: number) => {
      if (isBroken && n === 1 && (key.startsWith('parked') || nth === 1)) failing();
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { attempts: 2 })], store: readingBack.store });
    const ingest = async (kind: string) => {
      const keys = Array.from({ length: 600 * base.partitions }, (_, at) => `${kind} ${at}`);
      for (const n of [1, 2])
        for (const page of pagesOf(keys))
          await t.ingestBatch(
            'steps',
            page.map((key) => ({ key, n })),
          );
      return keys;
    };
    const parked = await ingest('parked');
    await t.advance('1h');
    const blocked = await ingest('blocked');
    await t.mill.settled('steps', forever);
    await t.mill.pause('steps');
    isBroken = false;
    readingBack.max = 0;
    await t.advance('1h');
    for (const page of pagesOf(await t.mill.deadLetters({ limit: 10_000 }))) await Promise.all(page.map(({ id }) => t.mill.redrive(id)));
    await t.drain();
    assert.equal(readingBack.max, 0, 'nothing is read back in the pause');
    await t.mill.resume('steps');
    await t.drain();
    assert.ok(readingBack.max > 0 && readingBack.max <= 128 * base.partitions, `${readingBack.max} were read back at once`);
    assert.equal(t.mill.counts().steps?.depth, 0);
    for (const key of [parked[0], parked.at(-1), blocked[0], blocked.at(-1)]) assert.deepEqual(await stepsOf(t, key ?? ''), [1, 2]);
    await t.stop();
  });

  test('a missing number is given up after a pause, not during it, and nobody waits for a number whose events were discarded', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true, skipAfter: '5m' })] });
    for (const n of [1, 3]) for (const key of ['a', 'b']) await t.ingest('steps', { key, n });
    await t.advance('2s');
    assert.equal(t.mill.counts().steps?.gaps, 2);
    await t.mill.pause('steps');
    await t.advance('1h');
    assert.deepEqual([await stepsOf(t, 'a'), (await t.deadLetters()).length], [[1], 0]);
    assert.equal(await t.mill.discardEvents('steps', { key: 'b' }), 1);
    await t.drain();
    assert.equal(t.mill.counts().steps?.gaps, 1);
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b')], [[1, 3], [1]]);
    assert.deepEqual([(await t.deadLetters()).length, t.mill.counts().steps?.gaps], [1, 0]);
    await t.stop();
  });

  test('a discard interrupted by the store can be repeated, and the pipeline continues in any case', async () => {
    const base = makeStore();
    let isBroken = false;
    const commit: CommitCall = async (work, lease) => {
      if (!isBroken) return lease.commit(work);
      isBroken = false;
      throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the store is away');
    };
    const t = await testMill({ pipelines: [steps()], store: withCalls(base, { commit }) });
    await t.mill.pause('steps');
    for (const n of upTo(10)) await t.ingest('steps', { key: 'a', n });
    isBroken = true;
    await assert.rejects(t.mill.discardEvents('steps'), isCode('MILL_STORE_UNAVAILABLE'));
    assert.equal(await t.mill.discardEvents('steps'), 10);
    await t.mill.resume('steps');
    await t.ingest('steps', { key: 'a', n: 11 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [11]);
    assert.equal(t.mill.counts().steps?.depth, 0);
    await t.stop();
  });

  test('all dead letters of a pipeline, or of a key, are discarded at once', async () => {
    const t = await testMill({ pipelines: [steps({ attempt: failing }, { attempts: 1 })] });
    for (const n of upTo(30)) for (const key of ['a', `k${n}`]) await t.ingest('steps', { key, n });
    await t.drain();
    assert.equal((await t.deadLetters()).length, 31);
    assert.equal(await t.mill.discardDeadLetters('steps', { key: 'k7' }), 1);
    // The next event of the key parks it again.
    assert.equal(await t.mill.discardDeadLetters('steps'), 30);
    await t.drain();
    assert.deepEqual(
      (await t.deadLetters()).map(({ key }) => key),
      ['a'],
    );
    assert.equal(await t.mill.discardDeadLetters('steps', { key: 'nobody' }), 0);
    await t.stop();
  });

  test('an operator resolves a loop of sends: pause, discard, resume', async () => {
    const loop = pipeline('loop', {
      event: z.object({ n: z.int(), isLoop: z.boolean() }),
      key: ({ n }) => String(n % 7),
      handle({ n, isLoop }, _state, turn) {
        for (const more of isLoop ? [1, 2] : []) turn.send('loop', { n: n + more, isLoop });
      },
    });
    const t = await testMill({ pipelines: [loop], limits: { backlog: 50, effects: 10, sends: 300 } });
    await t.ingest('loop', { n: 1, isLoop: true });
    await t.drain();
    assert.equal(t.mill.loops().length, 1);
    await t.mill.pause('loop');
    const discarded = await t.mill.discardEvents('loop');
    assert.ok(discarded >= 300 && discarded <= 302, `${discarded} were discarded`);
    await t.mill.resume('loop');
    assert.deepEqual([t.mill.loops(), t.mill.counts().loop?.depth, t.mill.counts().loop?.throttled], [[], 0, 0]);
    await t.ingest('loop', { n: 1, isLoop: false });
    await t.drain();
    assert.equal(t.mill.counts().loop?.depth, 0);
    await t.stop();
  });
});
