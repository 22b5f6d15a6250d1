import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../../test/until.ts';
import { sliceOf } from '../identify.ts';
import { onEveryKindOfStore, steps, stepsOf, upTo } from './fixture.test.ts';

onEveryKindOfStore('promise 4: keys are independent', ({ testMill, makeStore }) => {
  test('a parked key delays no other key, and a redrive applies its events in order', async () => {
    let broken = true;
    const attempt = ({ key, n }: { key: string; n: number }) => {
      if (broken && key === 'k7' && n === 2) throw new Error('poison');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    for (let n = 1; n <= 3; n += 1) {
      await t.ingestBatch(
        'steps',
        Array.from({ length: 1000 }, (_, k) => ({ key: `k${k}`, n })),
      );
    }
    await t.advance('1m');
    assert.equal(t.mill.counts().steps?.processed, 2998);
    assert.equal((await t.key('steps', 'k7')).status, 'parked');
    const [letter] = await t.deadLetters();
    assert.equal(letter?.reason, 'poison');
    assert.equal(letter?.key, 'k7');
    assert.equal(letter?.attempts, 3);
    await t.ingest('steps', { key: 'k7', n: 4 });
    broken = false;
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'k7'), [1, 2, 3, 4]);
    assert.deepEqual(await t.deadLetters(), []);
    assert.equal(t.mill.counts().steps?.depth, 0);
    await t.stop();
  });

  test('a slow key delays no other key', async () => {
    const slow = Promise.withResolvers<void>();
    const attempt = ({ key }: { key: string }) => (key === 'slow' ? slow.promise : undefined);
    const t = await testMill({ pipelines: [steps({ attempt })], limits: { feed: 10 } });
    for (let n = 1; n <= 300; n += 1) {
      await t.ingest('steps', { key: 'slow', n });
      await t.ingest('steps', { key: 'fast', n });
    }
    assert.equal((await stepsOf(t, 'fast')).length, 300);
    assert.equal((await stepsOf(t, 'slow')).length, 0);
    slow.resolve();
    await t.drain();
    assert.deepEqual(
      await stepsOf(t, 'slow'),
      Array.from({ length: 300 }, (_, at) => at + 1),
    );
    await t.stop();
  });

  test('a key whose retry is due while all places are taken has its turn once one is free', async () => {
    const gate = Promise.withResolvers<void>();
    const attempt = ({ key }: { key: string }, attempt: number) => {
      if (key !== 'slow' && attempt === 1) throw new Error('not yet');
      return key === 'slow' ? gate.promise : undefined;
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: 1 })] });
    for (const key of ['a', 'slow']) await t.ingest('steps', { key, n: 1 });
    await t.advance('10s');
    assert.deepEqual(await stepsOf(t, 'a'), []);
    gate.resolve();
    await t.drain();
    for (const key of ['a', 'slow']) assert.deepEqual(await stepsOf(t, key), [1]);
    await t.stop();
  });

  test('a discarded event is skipped and its key proceeds', async () => {
    for (const numbered of [false, true]) {
      const attempt = ({ n }: { n: number }) => {
        if (n === 2) throw new Error('poison');
      };
      const t = await testMill({ pipelines: [steps({ attempt }, { numbered })] });
      for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
      await t.advance('1m');
      assert.deepEqual(await stepsOf(t, 'a'), [1]);
      if (numbered) assert.equal((await t.ingest('steps', { key: 'a', n: 2 })).status, 'duplicate');
      await t.crash();
      const [letter] = await t.deadLetters();
      await t.mill.discard(letter?.id ?? '');
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), [1, 3]);
      await t.stop();
    }
  });

  test('with skip, a permanently failing event becomes a dead letter and its key proceeds; a redrive applies it after all', async () => {
    for (const numbered of [false, true]) {
      let broken = true;
      const attempt = ({ n }: { n: number }) => {
        if (broken && n === 2) throw new Error('poison');
      };
      const t = await testMill({ pipelines: [steps({ attempt }, { numbered, onGiveUp: 'skip' })] });
      for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
      await t.advance('1m');
      assert.deepEqual(await stepsOf(t, 'a'), [1, 3]);
      broken = false;
      const [letter] = await t.deadLetters();
      await t.mill.redrive(letter?.id ?? '');
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), [1, 3, 2]);
      await t.stop();
    }
  });

  test('no more turns run at once than the pipeline allows, and all get their turn', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    let atWorkMax = 0;
    const attempt = ({ key }: { key: string }) => {
      const gate = Promise.withResolvers<void>();
      gates.set(key, gate);
      atWorkMax = Math.max(atWorkMax, gates.size);
      return gate.promise.finally(() => gates.delete(key));
    };
    // However many slices it has.
    const bound = 3;
    const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: bound })] });
    await t.ingestBatch(
      'steps',
      Array.from({ length: 200 }, (_, n) => ({ key: `k${n % 100}`, n })),
    );
    await stepsOf(t, 'k0');
    assert.equal(t.mill.counts().steps?.running, bound);
    while ((t.mill.counts().steps?.running ?? 0) > 0) {
      for (const gate of gates.values()) gate.resolve();
      await stepsOf(t, 'k0');
    }
    assert.equal(atWorkMax, bound);
    assert.equal(t.mill.counts().steps?.processed, 200);
    await t.stop();
  });

  test('a place freed by another slice goes to a key whose own slice has a turn under way', async () => {
    const store = makeStore();
    const sliceOfSlow = sliceOf('slow', store.partitions);
    const keyIn = (isSame: boolean) => upTo(100).find((n) => (sliceOf(`${n}`, store.partitions) === sliceOfSlow) === isSame);
    const waiting = `${keyIn(true)}`;
    // A store with one slice has no other slice.
    const other = `${keyIn(false) ?? 'other'}`;
    const gates = new Map(['slow', other].map((key) => [key, Promise.withResolvers<void>()]));
    const begun: string[] = [];
    const attempt = ({ key }: { key: string }) => {
      begun.push(key);
      return (gates.get(key) ?? gates.get('slow'))?.promise;
    };
    const t = await testMill({ pipelines: [steps({ attempt }, { concurrency: 2 })], store });
    for (const key of ['slow', other, waiting]) {
      await t.ingest('steps', { key, n: 1 });
      await stepsOf(t, 'nobody');
    }
    gates.get(other)?.resolve();
    await until(() => begun.length >= 3);
    assert.deepEqual(begun, ['slow', other, waiting]);
    gates.get('slow')?.resolve();
    await t.drain();
    await t.stop();
  });

  test('a key stays parked across a crash, and a redriven event has all its attempts again', async () => {
    let attempts = 0;
    const attempt = ({ n }: { n: number }) => {
      if (n !== 2) return;
      attempts += 1;
      if (attempts < 6) throw new Error('poison');
    };
    const t = await testMill({ pipelines: [steps({ attempt })] });
    for (const n of [1, 2, 3]) await t.ingest('steps', { key: 'a', n });
    await t.advance('1m');
    assert.equal((await t.key('steps', 'a')).status, 'parked');
    await t.crash();
    await t.ingest('steps', { key: 'a', n: 4 });
    await t.ingest('steps', { key: 'b', n: 1 });
    await t.advance('1m');
    assert.deepEqual(await stepsOf(t, 'b'), [1], 'an event behind a parked one delays no other key');
    assert.equal(attempts, 3, 'a parked event is not tried again');
    assert.deepEqual(await t.key('steps', 'a'), { key: 'a', status: 'parked', pending: 3, next: null, timers: [] });
    const [letter, ...more] = await t.deadLetters();
    assert.deepEqual(more, []);
    const both = await Promise.allSettled([t.mill.redrive(letter?.id ?? ''), t.mill.redrive(letter?.id ?? '')]);
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    assert.deepEqual(await t.deadLetters(), []);
    await t.ingest('steps', { key: 'a', n: 5 });
    await t.advance('1m');
    assert.equal(attempts, 6);
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 4, 5]);
    assert.equal(t.mill.counts().steps?.depth, 0);
    await t.stop();
  });
});
