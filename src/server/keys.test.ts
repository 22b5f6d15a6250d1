import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, problemIn, type Served, serve } from './fixture.test.ts';

async function list({ url }: Pick<Served, 'url'>, pipeline: string, query = '') {
  const response = await fetch(`${url}/pipelines/${pipeline}/keys${query}`);
  assert.equal(response.status, 200, query);
  return JSON.parse(await response.text());
}

const names = async (...asked: Parameters<typeof list>) => (await list(...asked)).items.map(({ key }: { key: string }) => key);

/** Orders whose events say whether they set a timer, fail and wait for a retry, or request a delivery. */
const orders = pipeline('orders', {
  event: z.object({ id: z.string(), does: z.enum(['state', 'timer', 'fail', 'deliver']) }),
  key: ({ id }) => id,
  state: z.object({ seen: z.int() }),
  retry: { attempts: 5, backoff: '1h' },
  deliver: { shop: { to: { call: () => new Promise(() => {}) } } },
  timers: { wake: () => undefined },
  handle({ does }, state, turn) {
    if (does === 'fail') throw new Error('no stock');
    if (does === 'timer') turn.timers.set('wake', { after: '1h' });
    if (does === 'deliver') turn.deliver('shop', 1, { id: 'first' });
    return does === 'state' ? { seen: (state?.seen ?? 0) + 1 } : undefined;
  },
});

test('a pipeline’s keys are listed page by page in order, with their standing', async (t) => {
  const served = await serve(t);
  for (const page of ['b', 'poison', 'a', 'a', 'é']) await served.mill.ingest('visits', { page });
  await served.mill.settled('visits', 10_000);
  const { items, ...rest } = await list(served, 'visits');
  assert.deepEqual(rest, {});
  const open = { status: 'open', pending: 0, next: null, lastHandled: null };
  assert.deepEqual(items, [
    { ...open, key: 'a' },
    { ...open, key: 'b' },
    { ...open, key: 'poison', status: 'parked', pending: 1 },
    { ...open, key: 'é' },
  ]);
  const first = await list(served, 'visits', '?limit=3');
  const second = await list(served, 'visits', `?limit=3&cursor=${first.nextCursor}`);
  assert.deepEqual([...first.items, ...second.items], items);
  assert.equal('nextCursor' in second, false);
});

test('keys can be found by standing and by prefix', async (t) => {
  const served = await serve(t, { pipelines: [orders] });
  for (const [id, does] of [
    ['ord_1', 'state'],
    ['ord_2', 'fail'],
    ['ord_2', 'state'],
    ['ord_3', 'timer'],
    ['other', 'state'],
  ]) {
    await served.mill.ingest('orders', { id, does });
  }
  await served.mill.settled('orders', 10_000);
  assert.deepEqual(await names(served, 'orders', '?status=blocked'), ['ord_2']);
  assert.deepEqual(await names(served, 'orders', '?status=open'), ['ord_1', 'ord_3', 'other']);
  assert.deepEqual(await names(served, 'orders', '?status=open&limit=2'), ['ord_1', 'ord_3']);
  assert.deepEqual(await names(served, 'orders', '?status=parked'), []);
  assert.deepEqual(await names(served, 'orders', '?prefix=ord_'), ['ord_1', 'ord_2', 'ord_3']);
  assert.deepEqual(await names(served, 'orders', '?prefix=ord_&status=blocked'), ['ord_2']);
  assert.deepEqual(await names(served, 'orders', '?prefix=ord%25'), []);
});

test('a key that waits for a number is listed with that number and the last one handled', async (t) => {
  const served = await serve(t);
  for (const [key, number] of [
    ['a', 1],
    ['a', 3],
    ['b', 1],
  ]) {
    await served.mill.ingest('numbered', { key, number });
  }
  const a = { key: 'a', status: 'waiting', pending: 1, next: 2, lastHandled: { number: 1 } };
  assert.deepEqual((await list(served, 'numbered', '?status=waiting')).items, [a]);
  assert.deepEqual(await names(served, 'numbered', '?status=open'), ['b']);
  assert.deepEqual((await list(served, 'numbered')).items[0], a);
});

test('an invalid parameter of the list is refused, and an unknown pipeline is 404', async (t) => {
  const { url } = await serve(t);
  for (const query of ['limit=0', 'cursor=oops', 'status=closed', 'prefx=a', 'status=open&status=open']) {
    const { code, errors } = await problemIn(await fetch(`${url}/pipelines/visits/keys?${query}`));
    assert.equal(code, 'MILL_INVALID_REQUEST');
    assert.deepEqual(
      errors?.map(({ path }) => path),
      [query.split('=')[0]],
      query,
    );
  }
  assert.equal((await fetch(`${url}/pipelines/nobody/keys`)).status, 404);
});

test('a key shows its state, its timers, its deliveries, and what it holds and why', async (t) => {
  const { url, mill } = await serve(t, { pipelines: [orders] });
  for (const does of ['state', 'timer', 'deliver', 'fail', 'state']) await mill.ingest('orders', { id: 'ord/1', does });
  await mill.settled('orders', 10_000);
  const key = JSON.parse(await (await fetch(`${url}/pipelines/orders/keys/ord%2F1`)).text());
  const { timers, held, deliveries, ...rest } = key;
  assert.deepEqual(rest, {
    key: 'ord/1',
    status: 'blocked',
    pending: 2,
    next: null,
    lastHandled: null,
    parkedBy: null,
    state: { seen: 1 },
  });
  assert.deepEqual(
    timers.map(({ name }: { name: string }) => name),
    ['wake'],
  );
  const facts = held.map(({ reason, attempts, retryAt, event }: Record<string, unknown>) => [reason, attempts, retryAt === null, event]);
  assert.deepEqual(facts, [
    ['retry', 1, false, { id: 'ord/1', does: 'fail' }],
    ['order', 0, true, { id: 'ord/1', does: 'state' }],
  ]);
  const [{ askedAt, dueAt: _, ...delivery }] = deliveries;
  assert.deepEqual(delivery, { id: 'first', endpoint: 'shop', url: null, attempts: 0, lastFailure: null });
  assert.equal(new Date(askedAt).toISOString(), askedAt);
});

test('only the first twenty held events of a key are shown', async (t) => {
  const { url, mill } = await serve(t, { pipelines: [orders] });
  await mill.ingestBatch(
    'orders',
    ['fail', ...Array.from({ length: 29 }, () => 'state')].map((does) => ({ id: 'a', does })),
  );
  await mill.settled('orders', 10_000);
  const { pending, held } = JSON.parse(await (await fetch(`${url}/pipelines/orders/keys/a`)).text());
  assert.deepEqual([pending, held.length], [30, 20]);
});

test('an unknown key is not found, and one that only waits is', async (t) => {
  const { url } = await serve(t);
  const key = (name: string) => fetch(`${url}/pipelines/numbered/keys/${name}`);
  const { code, detail } = await problemIn(await key('nobody'));
  assert.equal(code, 'MILL_NOT_FOUND');
  assert.match(detail, /^pipeline numbered: unknown key "nobody": /);
  await post(`${url}/pipelines/numbered/events`, { key: 'early', number: 2 });
  const { status, held } = JSON.parse(await (await key('early')).text());
  assert.deepEqual([status, held[0].reason, held[0].number], ['waiting', 'number', 2]);
});

test('a key whose only event failed is found through its dead letter, which it names', async (t) => {
  const { url, mill } = await serve(t);
  await post(`${url}/pipelines/visits/events`, { page: 'poison' });
  await mill.settled('visits', 10_000);
  const [letter] = await mill.deadLetters();
  const key = () => fetch(`${url}/pipelines/visits/keys/poison`);
  const { status, pending, state, held, parkedBy } = JSON.parse(await (await key()).text());
  assert.deepEqual([status, pending, state, held[0].reason], ['parked', 1, null, 'parked']);
  assert.deepEqual(parkedBy, { deadLetter: letter?.id, reason: letter?.reason });
  await mill.discard(letter?.id ?? '');
  assert.equal((await key()).status, 404);
});

test('a parked key is resumed: its event is retried, and the audit says who did it and why', async (t) => {
  let isMended = false;
  const fragile = pipeline('fragile', {
    event: z.object({ id: z.string() }),
    key: ({ id }) => id,
    retry: { attempts: 1 },
    onGiveUp: 'park',
    handle() {
      if (!isMended) throw new Error('no stock');
    },
  });
  const { url, mill } = await serve(t, { pipelines: [fragile] });
  for (const _nth of [1, 2]) await mill.ingest('fragile', { id: 'ord/1' });
  await mill.settled('fragile', 10_000);
  const resume = (key: string, body: unknown = '') => post(`${url}/pipelines/fragile/keys/${key}/resume`, body);
  assert.equal((await problemIn(await resume('other'))).code, 'MILL_CONFLICT');
  assert.equal((await post(`${url}/pipelines/nobody/keys/a/resume`, '')).status, 404);
  assert.equal((await problemIn(await resume('ord%2F1', { because: 'typo' }))).code, 'MILL_INVALID_REQUEST');
  isMended = true;
  const [letter] = await mill.deadLetters();
  const answer = await resume('ord%2F1', { reason: 'stock has come' });
  assert.deepEqual(await answer.json(), { pipeline: 'fragile', key: 'ord/1', status: 'open' });
  await mill.settled('fragile', 10_000);
  assert.equal(mill.counts().fragile?.processed, 2);
  assert.deepEqual(await mill.deadLetters(), []);
  const entries = await mill.audit();
  assert.deepEqual(
    entries.map(({ action, key, subject, reason }) => [action, key, subject, reason]),
    [['resume key', 'ord/1', letter?.id, 'stock has come']],
  );
  assert.equal((await resume('ord%2F1')).status, 409);
});

test('a key’s timeline has what happened to it and operators’ actions, page by page, and an invalid cursor is refused', async (t) => {
  const served = await serve(t);
  for (const page of ['a', 'a', 'a']) await served.mill.ingest('visits', { page });
  await served.mill.settled('visits', 10_000);
  const path = `${served.url}/pipelines/visits/keys/a/timeline`;
  const { items } = JSON.parse(await (await fetch(path)).text());
  assert.deepEqual(
    items.map(({ kind }: { kind: string }) => kind),
    ['handled', 'handled', 'handled'],
  );
  for (const item of items) {
    assert.equal(item.causedBy, item.event);
    assert.match(item.at, /Z$/);
    assert.ok(item.commit !== null && item.durationMs >= 0);
  }
  assert.equal((await fetch(`${path}?cursor=x`)).status, 400);
  assert.equal((await fetch(`${path}?limit=0`)).status, 400);
});
