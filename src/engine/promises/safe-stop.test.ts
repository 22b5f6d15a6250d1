import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import { millrace } from '../mill.ts';
import { failing, isCode, onEveryKindOfStore, Step, steps, stepsOf, withCalls } from './fixture.test.ts';

onEveryKindOfStore('promise 8: stopping is safe', ({ testMill, makeStore }) => {
  test('a stop finishes what it can and returns the rest to the store, and the next start continues from there', async () => {
    const store = makeStore();
    const gate = Promise.withResolvers<void>();
    let aborted = false;
    const attempt = ({ key }: { key: string }, attempt: number) => (key === 'slow' && attempt === 1 && !aborted ? gate.promise : undefined);
    const before = await testMill({ pipelines: [steps({ attempt })], store });
    for (let n = 1; n <= 50; n += 1) for (const key of ['slow', 'fast']) await before.ingest('steps', { key, n });
    const stopping = before.mill.stop({ timeoutMs: 100 });
    await assert.rejects(before.ingest('steps', { key: 'a', n: 1 }), isCode('MILL_STOPPING'));
    await before.advance(100);
    aborted = true;
    await stopping;
    const after = await testMill({ pipelines: [steps({ attempt })], store });
    await after.drain();
    for (const key of ['slow', 'fast'])
      assert.deepEqual(
        await stepsOf(after, key),
        Array.from({ length: 50 }, (_, at) => at + 1),
      );
    const { failed, received } = after.mill.counts().steps ?? {};
    assert.deepEqual({ failed, received }, { failed: 0, received: 50 }, 'handed back is not failed, and received again');
    await after.stop();
  });

  test('a stop within its time returns nothing unfinished', async () => {
    const store = makeStore();
    const gate = Promise.withResolvers<void>();
    const attempt = ({ n }: { n: number }) => (n === 1 ? gate.promise : undefined);
    const before = await testMill({ pipelines: [steps({ attempt })], store });
    for (const n of [1, 2, 3]) await before.ingest('steps', { key: 'a', n });
    const stopping = before.mill.stop();
    gate.resolve();
    await stopping;
    assert.equal(before.mill.counts().steps?.processed, 3);
    await before.mill.stopped;
    const after = await testMill({ pipelines: [steps()], store });
    assert.equal(after.mill.counts().steps?.received, 0);
    assert.deepEqual(await stepsOf(after, 'a'), [1, 2, 3]);
    await after.stop();
  });

  test('decisions of turns are on disk even if the engine is stopped at once', async () => {
    const store = makeStore();
    const ran = Promise.withResolvers<void>();
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      ran.resolve();
    };
    const before = await testMill({ pipelines: [steps({ attempt })], store });
    await before.drain();
    await before.ingest('steps', { key: 'a', n: 1 });
    await ran.promise;
    await before.mill.stop({ timeoutMs: 0 });
    const after = await testMill({ pipelines: [steps({ attempt })], store });
    await after.drain();
    assert.deepEqual(await stepsOf(after, 'a'), [1]);
    assert.equal(attempts, 1);
    await after.stop();
  });

  test('a turn cut short by a stop learns why, and does not count as an attempt', async () => {
    const store = makeStore();
    const attempts: number[] = [];
    let reason: unknown;
    const patient = pipeline('patient', {
      event: Step,
      key: ({ key }) => key,
      handle(_step, _state, turn) {
        attempts.push(turn.attempt);
        if (attempts.length > 1) return;
        return new Promise<void>((_resolve, reject) => {
          turn.signal.addEventListener('abort', () => {
            reason = turn.signal.reason;
            reject(turn.signal.reason);
          });
        });
      },
    });
    const before = await testMill({ pipelines: [patient], store });
    await before.ingest('patient', { key: 'a', n: 1 });
    await before.stop();
    assert.ok(isCode('MILL_STOPPING')(reason));
    const after = await testMill({ pipelines: [patient], store });
    await after.advance('1m');
    assert.deepEqual(attempts, [1, 1]);
    await after.stop();
  });

  test('a stop interrupts a start that waits for its store, and the engine has ended', { timeout: 30_000 }, async () => {
    const base = makeStore();
    const opening = Promise.withResolvers<void>();
    const open: Store['open'] = (_declaration, _log, signal) => {
      opening.resolve();
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const mill = millrace({ store: withCalls(base, { open }), pipelines: [steps()] });
    const started = assert.rejects(mill.start(), isCode('MILL_STOPPING'));
    await opening.promise;
    await mill.stop();
    await started;
    await mill.stopped;
    const after = await testMill({ pipelines: [steps()], store: base });
    await after.stop();
  });

  test('nothing waits if everything found by a start waits for an operator', { timeout: 30_000 }, async () => {
    const base = makeStore();
    const load: Store['load'] = async (partition, keys) => {
      const records = await base.load(partition, keys);
      for (let turn = 0; turn < 10; turn += 1) await setImmediate();
      return records;
    };
    const t = await testMill({ pipelines: [steps({ attempt: failing }, { attempts: 1 })], store: withCalls(base, { load }) });
    for (const key of ['a', 'b']) await t.ingest('steps', { key, n: 1 });
    await t.drain();
    await t.crash();
    await t.drain();
    assert.equal((await t.key('steps', 'a')).status, 'parked');
    await t.stop();
  });
});
