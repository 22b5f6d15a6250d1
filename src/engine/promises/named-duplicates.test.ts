import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { onEveryKindOfStore, steps, stepsOf } from './fixture.test.ts';

onEveryKindOfStore('promise 10: duplicates are named', ({ testMill }) => {
  test('an applied, waiting or given-up number is a duplicate', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'accepted');
    for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
    await t.drain();
    for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
    await t.crash();
    for (const n of [1, 3]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'duplicate');
    const together = await t.ingestBatch('steps', [
      { key: 'a', n: 2 },
      { key: 'a', n: 2 },
    ]);
    assert.deepEqual(
      together.map(({ status }) => status),
      ['accepted', 'duplicate'],
    );
    assert.equal(t.mill.counts().steps?.duplicates, 3, 'of this process');
    await t.stop();
  });

  test('a chosen id is recognised within its window', async () => {
    const orders = pipeline('orders', {
      event: z.object({ id: z.string() }),
      id: ({ id }) => id,
      deduplicationWindow: '30m',
      handle() {},
    });
    const t = await testMill({ pipelines: [orders] });
    assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'accepted', id: 'x' });
    await t.advance('29m');
    assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'duplicate', id: 'x' });
    await t.advance('2m');
    assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'accepted', id: 'x' });
    await t.stop();
  });

  test('an id given by the caller is recognised, and an event without one is never a duplicate', async () => {
    const t = await testMill({ pipelines: [steps()] });
    assert.deepEqual(await t.ingest('steps', { key: 'a', n: 1 }, { id: 'x' }), { status: 'accepted', id: 'x' });
    assert.deepEqual(await t.ingest('steps', { key: 'a', n: 2 }, { id: 'x' }), { status: 'duplicate', id: 'x' });
    await t.crash();
    assert.deepEqual(await t.ingest('steps', { key: 'a', n: 3 }, { id: 'x' }), { status: 'duplicate', id: 'x' });
    for (const n of [4, 4]) assert.equal((await t.ingest('steps', { key: 'a', n })).status, 'accepted');
    assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 4]);
    await t.stop();
  });

  test('an event’s own id wins, and a contradictory one beside it is refused', async () => {
    const orders = pipeline('orders', { event: z.object({ id: z.string().optional() }), id: ({ id }) => id, handle() {} });
    const t = await testMill({ pipelines: [orders] });
    assert.deepEqual(await t.ingest('orders', { id: 'x' }), { status: 'accepted', id: 'x' });
    await assert.rejects(t.ingest('orders', { id: 'x' }, { id: 'y' }), {
      code: 'MILL_INVALID_REQUEST',
      message: 'pipeline orders: expected no id (Idempotency-Key) with an event whose own id is "x", found "y"',
    });
    assert.deepEqual(await t.ingest('orders', { id: 'x' }, { id: 'x' }), { status: 'duplicate', id: 'x' });
    for (const status of ['accepted', 'duplicate']) assert.deepEqual(await t.ingest('orders', {}, { id: 'y' }), { status, id: 'y' });
    assert.equal(t.mill.counts().orders?.rejected, 1);
    await t.stop();
  });

  test('an id beside a number is refused, since the number identifies the event', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    await assert.rejects(t.ingest('steps', { key: 'a', n: 1 }, { id: 'x' }), {
      code: 'MILL_INVALID_REQUEST',
      message: /number, found "x"/,
    });
    assert.equal((await t.ingest('steps', { key: 'a', n: 1 })).status, 'accepted');
    await t.stop();
  });

  test('each of several simultaneous callers is answered for its own events', async () => {
    const t = await testMill({ pipelines: [steps()] });
    await t.ingest('steps', { key: 'a', n: 1 }, { id: 'x' });
    const [batch, again, other] = await Promise.all([
      t.ingestBatch('steps', [
        { key: 'a', n: 2 },
        { key: 'a', n: 3 },
      ]),
      t.ingest('steps', { key: 'a', n: 4 }, { id: 'x' }),
      t.ingest('steps', { key: 'a', n: 5 }, { id: 'y' }),
    ]);
    assert.deepEqual(
      batch.map(({ status }) => status),
      ['accepted', 'accepted'],
    );
    assert.deepEqual(again, { status: 'duplicate', id: 'x' });
    assert.deepEqual(other, { status: 'accepted', id: 'y' });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 2, 3, 5]);
    await t.stop();
  });

  test('an id reused after its window does not revive a given-up event with that id', async () => {
    const runs: string[] = [];
    let isBroken = true;
    const once = pipeline('once', {
      event: z.object({ say: z.string() }),
      deduplicationWindow: '1s',
      onGiveUp: 'park',
      retry: { attempts: 2, backoff: '1s', jitter: 0 },
      handle({ say }) {
        runs.push(say);
        if (isBroken) throw new Error('not today');
      },
    });
    const t = await testMill({ pipelines: [once] });
    await t.ingest('once', { say: 'old' }, { id: 'a' });
    await t.advance('10s');
    await t.crash();
    assert.equal((await t.ingest('once', { say: 'new' }, { id: 'a' })).status, 'accepted');
    await t.drain();
    isBroken = false;
    await t.advance('1m');
    const times = (say: string) => runs.filter((run) => run === say).length;
    assert.equal(times('old'), 2);
    const [letter] = await t.deadLetters();
    await t.mill.redrive(letter?.id ?? '');
    await t.drain();
    assert.equal(times('old'), 3);
    assert.ok(times('new') > 0);
    assert.deepEqual(await t.deadLetters(), []);
    assert.equal(t.mill.counts().once?.depth, 0);
    await t.stop();
  });
});
