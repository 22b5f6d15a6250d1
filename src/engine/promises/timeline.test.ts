import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Answer } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import { memory } from '../../store/memory/memory-store.ts';
import { testMill } from '../../testing/test-mill.ts';
import type { TimelineItem, TimelinePlace } from '../timeline-page.ts';

const event = z.object({ key: z.string(), fails: z.boolean().optional() });

const steps = pipeline('steps', {
  event: z.object({ key: z.string(), step: z.int() }),
  key: ({ key }) => key,
  order: { by: ({ step }) => step, from: 1 },
  retain: '1h',
  handle: () => undefined,
});

test('a timeline shows what a turn decided and which attempts failed, newest first', async () => {
  let failures = 1;
  const orders = pipeline('orders', {
    event,
    key: ({ key }) => key,
    state: z.object({ count: z.number() }),
    timers: { late: (state) => state },
    retry: { attempts: 2, backoff: 1 },
    handle(given, state, turn) {
      if (given.fails === true && failures-- > 0) throw new Error('no luck');
      turn.timers.set('late', { after: '1h' });
      return { count: (state?.count ?? 0) + 1 };
    },
  });
  const t = await testMill({ store: memory(), pipelines: [orders] });
  await t.ingest('orders', { key: 'a' });
  await t.drain();
  await t.ingest('orders', { key: 'a', fails: true });
  await t.drain();
  await t.advance('1s');
  await t.drain();
  const { items, next } = await t.mill.timeline('orders', 'a', { limit: 20 });
  assert.deepEqual(
    items.map(({ kind }) => kind),
    ['timer-set', 'handled', 'failed', 'timer-set', 'handled'],
  );
  assert.equal(items[0]?.causedBy, items[1]?.id);
  assert.equal(items[0]?.commit, items[1]?.commit);
  assert.equal(items[2]?.reason, 'no luck');
  assert.equal(next, undefined);
  const first = await t.mill.timeline('orders', 'a', { limit: 2 });
  const second = await t.mill.timeline('orders', 'a', { limit: 20, place: first.next });
  assert.deepEqual([...first.items, ...second.items], items);
  await t.stop();
});

/** A shop whose events say whether it requests a delivery, sets a timer or fails. */
const shop = pipeline('shop', {
  event: event.extend({ asks: z.boolean().optional(), sets: z.boolean().optional() }),
  key: ({ key }) => key,
  retry: { attempts: 1 },
  onGiveUp: 'skip',
  deliver: {
    bank: { to: { call: async () => ({ result: 'delivered' }) }, retry: { attempts: 5, backoff: '10s' }, outcome: () => undefined },
  },
  timers: { late: () => undefined },
  handle({ asks = false, sets = false, fails = false }, _, turn) {
    if (fails) throw new Error('no luck');
    if (asks) turn.deliver('bank', { pay: 1 }, { id: 'pay' });
    if (sets) turn.timers.set('late', { after: '1h' });
  },
});

/** Serves the shop. Its bank gives these answers, one per call, and then accepts everything. */
async function serveShop(answers: Answer[]) {
  const t = await testMill({ store: memory(), pipelines: [shop], answer: () => answers.shift() ?? { result: 'delivered' } });
  const timeline = async (page: { limit: number; place?: TimelinePlace | undefined } = { limit: 50 }) => t.mill.timeline('shop', 'a', page);
  const kindOf = (items: readonly TimelineItem[], id: unknown) => items.find((item) => item.id === id)?.kind ?? id;
  /** Returns the cause of each item, newest first. */
  const causes = async () => {
    const { items } = await timeline();
    return items.map(({ kind, causedBy }) => [kind, kindOf(items, causedBy)]);
  };
  return { t, timeline, causes };
}

test('a timer’s turn is caused by the turn that set it, even if that is on a later page', async () => {
  const { t, timeline, causes } = await serveShop([]);
  const { id } = await t.ingest('shop', { key: 'a', sets: true });
  await t.drain();
  await t.advance('1h');
  await t.drain();
  assert.deepEqual((await causes()).slice(-3), [
    ['handled', 'timer-set'],
    ['timer-set', 'handled'],
    ['handled', id],
  ]);
  const { items } = await timeline();
  const { items: newest, next } = await timeline({ limit: 1 });
  assert.ok(next !== undefined && newest.length < items.length);
  assert.deepEqual(newest, items.slice(0, newest.length));
  await t.stop();
});

test('the turn that set a timer is found a hundred events back', async () => {
  const { t, timeline } = await serveShop([]);
  await t.ingest('shop', { key: 'a', sets: true });
  await t.drain();
  for (let event = 0; event < 100; event += 1) {
    await t.ingest('shop', { key: 'a' });
    await t.drain();
  }
  await t.advance('1h');
  await t.drain();
  const { items } = await timeline({ limit: 1 });
  const { items: all } = await timeline({ limit: 500 });
  assert.equal(items[0]?.timer, 'late');
  assert.equal(items[0]?.causedBy, all.find(({ kind }) => kind === 'timer-set')?.id);
  await t.stop();
});

test('a delivery leads from the turn that requested it through its calls to its outcome, each call with its duration', async () => {
  const { t, timeline, causes } = await serveShop([{ result: 'failed', reason: 'answered 503' }]);
  const { id } = await t.ingest('shop', { key: 'a', asks: true });
  await t.drain();
  await t.advance('1m');
  await t.drain();
  assert.deepEqual(await causes(), [
    ['handled', 'delivery-called'],
    ['delivery-called', 'delivery-asked'],
    ['delivery-called', 'delivery-asked'],
    ['delivery-asked', 'handled'],
    ['handled', id],
  ]);
  const { items } = await timeline();
  const paged: TimelineItem[] = [];
  for (let page = await timeline({ limit: 1 }); ; page = await timeline({ limit: 1, place: page.next })) {
    paged.push(...page.items);
    if (page.next === undefined) break;
  }
  assert.deepEqual(paged, items);
  const [told, delivered, failed] = items;
  assert.equal(told?.causedBy, delivered?.id);
  assert.deepEqual([failed?.result, failed?.reason, failed?.attempt, delivered?.attempt], ['failed', 'answered 503', 1, 2]);
  assert.ok(Number(failed?.retryAt) > Number(failed?.at) && delivered?.retryAt === undefined);
  for (const { durationMs = -1 } of [failed, delivered].filter((call) => call !== undefined)) assert.ok(durationMs >= 0);
  await t.stop();
});

test('each call of a delivery leads to the turn that asked for it, however small the pages', async () => {
  const failed: Answer = { result: 'failed', reason: 'answered 503' };
  const { t, timeline } = await serveShop([failed, failed, failed]);
  await t.ingest('shop', { key: 'a', asks: true });
  await t.drain();
  for (let call = 1; call <= 3; call += 1) {
    await t.ingest('shop', { key: 'a' });
    await t.drain();
    await t.advance('1m');
    await t.drain();
  }
  const { items } = await timeline();
  const asked = items.find(({ kind }) => kind === 'delivery-asked')?.id;
  assert.deepEqual(
    items.filter(({ kind }) => kind === 'delivery-called').map(({ causedBy }) => causedBy),
    [asked, asked, asked, asked],
  );
  for (let limit = 1; limit < items.length; limit += 1) {
    const paged: TimelineItem[] = [];
    for (let place: TimelinePlace | undefined, isLast = false; !isLast; isLast = place === undefined) {
      const page = await timeline({ limit, place });
      paged.push(...page.items);
      place = page.next;
    }
    assert.deepEqual(paged, items, `in pages of ${limit}`);
  }
  await t.stop();
});

test('a delivery that was given up and redriven anonymously says so', async () => {
  const { t, causes } = await serveShop([{ result: 'refused', reason: 'answered 400' }]);
  await t.ingest('shop', { key: 'a', asks: true });
  await t.drain();
  await t.advance('1s');
  const [letter] = await t.mill.deadLetters();
  await t.mill.redrive(letter?.id ?? '');
  await t.drain();
  const found = await causes();
  assert.deepEqual(
    found.filter(([kind]) => ['redriven', 'gave-up', 'delivery-called'].includes(String(kind))),
    [
      ['delivery-called', 'redriven'],
      ['redriven', 'gave-up'],
      ['gave-up', 'delivery-called'],
      ['delivery-called', 'delivery-asked'],
    ],
  );
  await t.stop();
});

test('a turn after a redrive is caused by the redrive, and a discarded letter is shown', async () => {
  const { t, causes } = await serveShop([]);
  await t.ingest('shop', { key: 'a', fails: true });
  await t.drain();
  await t.advance('1s');
  const [letter] = await t.mill.deadLetters();
  await t.mill.redrive(letter?.id ?? '', { who: 'ann' });
  await t.drain();
  await t.advance('1s');
  const [again] = await t.mill.deadLetters();
  await t.mill.discard(again?.id ?? '');
  assert.deepEqual((await causes()).slice(0, 4), [
    ['discarded', 'gave-up'],
    ['gave-up', 'failed'],
    ['failed', 'operator'],
    ['operator', undefined],
  ]);
  await t.stop();
});

test('a withdrawn delivery is shown, with why its last call had failed', async () => {
  const { t, causes } = await serveShop([{ result: 'failed', reason: 'answered 503' }]);
  await t.ingest('shop', { key: 'a', asks: true });
  await t.drain();
  const [waiting] = await t.mill.deliveries('shop');
  assert.equal(waiting?.lastFailure?.reason, 'answered 503');
  assert.deepEqual((await t.mill.keyDetails('shop', 'a'))?.deliveries[0]?.lastFailure, waiting?.lastFailure);
  await t.mill.withdrawDelivery('shop', { endpoint: 'bank', key: 'a', id: 'pay' }, { who: 'ann', reason: 'paid by hand' });
  await t.drain();
  const found = await causes();
  assert.deepEqual(found.filter(([kind]) => kind === 'delivery-withdrawn' || kind === 'handled').slice(0, 2), [
    ['handled', 'delivery-withdrawn'],
    ['delivery-withdrawn', 'delivery-asked'],
  ]);
  await t.stop();
});

test('a handled event is shown with its id, its number and its times', async () => {
  const t = await testMill({ store: memory(), pipelines: [steps] });
  const second = await t.ingest('steps', { key: 'a', step: 2 });
  await t.advance('1s');
  const first = await t.ingest('steps', { key: 'a', step: 1 });
  await t.drain();
  const { items } = await t.mill.timeline('steps', 'a', { limit: 20 });
  const told = items.map(({ kind, event, causedBy, number, acceptedAt, at, attempt }) => {
    return { kind, event, causedBy, number, waitedMs: at - Number(acceptedAt), attempt };
  });
  assert.deepEqual(told, [
    { kind: 'handled', event: second.id, causedBy: second.id, number: 2, waitedMs: 1_000, attempt: 1 },
    { kind: 'handled', event: first.id, causedBy: first.id, number: 1, waitedMs: 0, attempt: 1 },
  ]);
  await t.stop();
});

test('an event that waited long is named as long as its timeline is kept, even if it is deleted earlier', async () => {
  const store = memory();
  const t = await testMill({ store, pipelines: [steps] });
  const { id: waited } = await t.ingest('steps', { key: 'a', step: 2 });
  await t.advance('59m');
  const { id: late } = await t.ingest('steps', { key: 'a', step: 1 });
  await t.drain();
  const told = async () => (await t.mill.timeline('steps', 'a', { limit: 20 })).items.map(({ event }) => event);
  assert.deepEqual(await told(), [waited, late]);
  await t.advance('30m');
  assert.deepEqual(
    (await store.read({ pipeline: 'steps', slice: 0 }, 0, 10)).map(({ id }) => id),
    [late],
  );
  assert.deepEqual(await told(), [waited, late]);
  await t.advance('32m');
  assert.deepEqual(await told(), []);
  await t.stop();
});
