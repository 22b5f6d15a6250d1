import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { http } from '../delivery/http.ts';
import { add, done, jobsPipeline } from '../engine/schedules/jobs.fixture.test.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import {
  acceptedAt,
  delivery,
  deliveryLetter,
  event,
  gap,
  letter,
  originLetter,
  outcomeLetter,
  own,
  rejectedLetter,
  timerLetter,
} from '../store/contract/fixtures.ts';
import { memory } from '../store/memory/memory-store.ts';
import { testMill } from '../testing/test-mill.ts';
import { createServer } from './create-server.ts';
import { post, problemIn, type Served, serve } from './fixture.test.ts';

/** Three permanently failed events, with their dead letters as listed. */
async function serveFailures(t: Parameters<typeof serve>[0]) {
  const served = await serve(t);
  for (const page of ['poison-1', 'poison-2', 'poison-3']) {
    await served.mill.ingest('visits', { page });
    await served.mill.settled('visits', 10_000);
  }
  const letters = (await list(served, '')).items;
  return { ...served, letters, letterOf: (key: string) => letters.find((letter: { key: string }) => letter.key === key) };
}

async function list({ url }: Pick<Served, 'url'>, query: string) {
  const response = await fetch(`${url}/dead-letters${query}`);
  assert.equal(response.status, 200, query);
  return JSON.parse(await response.text());
}

test('groups of dead letters come in pages, and the list says when it leaves the smallest groups out', async (t) => {
  const mails = pipeline('mails', {
    event: z.object({ to: z.string() }),
    retry: { attempts: 1 },
    handle({ to }) {
      throw new Error(`no mailbox for ${to}`);
    },
  });
  const { url, mill } = await serve(t, { pipelines: [mails] });
  // Words that no placeholder replaces, so that each is a group of its own.
  const wordOf = (at: number) => String(at).replace(/\d/g, (digit) => 'ghijklmnop'.charAt(Number(digit)));
  const fail = async (from: number, to: number) => {
    for (let at = from; at < to; at += 1) await mill.ingest('mails', { to: wordOf(at) });
    await mill.settled('mails', 60_000);
  };
  const ask = async (query: string) => JSON.parse(await (await fetch(`${url}/dead-letters/groups?limit=100${query}`)).text());
  await fail(0, 1_000);
  const first = await ask('');
  assert.deepEqual([first.items.length, first.truncated], [100, false]);
  const second = await ask(`&cursor=${first.nextCursor}`);
  assert.equal(new Set([...first.items, ...second.items].map(({ reason }: { reason: string }) => reason)).size, 200);
  await fail(1_000, 1_001);
  let found = 0;
  for (let page = await ask(''); ; page = await ask(`&cursor=${page.nextCursor}`)) {
    assert.equal(page.truncated, true);
    found += page.items.length;
    if (page.nextCursor === undefined) break;
  }
  assert.equal(found, 1_000);
  assert.equal((await ask('&kind=timer')).truncated, false);
});

test('permanent failures are listed with their reasons', async (t) => {
  const { letters, letterOf } = await serveFailures(t);
  assert.equal(letters.length, 3);
  const { id, eventId, failedAt, acceptedAt, stack, ...letter } = letterOf('poison-1');
  assert.match(stack, /^Error: poison-1 cannot be visited\n {4}at .*fixture\.test\.ts:\d+:\d+/);
  assert.ok(typeof id === 'string' && typeof eventId === 'string');
  for (const time of [failedAt, acceptedAt]) assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(letter, {
    kind: 'event',
    pipeline: 'visits',
    key: 'poison-1',
    reason: 'poison-1 cannot be visited',
    attempts: 1,
    parked: true,
    event: { page: 'poison-1' },
    timer: null,
    outcome: null,
    delivery: null,
    numbers: null,
    origin: null,
    record: null,
  });
});

test('a dead letter of each kind has that kind’s fields, and null in all others', async (t) => {
  const { url, letters } = await serveKinds(t);
  const nothing = {
    eventId: null,
    event: null,
    timer: null,
    outcome: null,
    delivery: null,
    acceptedAt: null,
    numbers: null,
    origin: null,
    record: null,
  };
  const about = { pipeline: 'visits', reason: 'it failed', stack: null, failedAt: timeOf(acceptedAt + 1), parked: false };
  const mail = { id: 'd', endpoint: 'mail', url: 'https://example.com/', payload: {}, askedAt: timeOf(acceptedAt) };
  const told = { id: 'd', endpoint: 'mail', at: timeOf(9), reported: { status: 'delivered' } };
  const logged = { eventId: 'id', event: { page: 'a' }, acceptedAt: timeOf(acceptedAt), origin: { row: 1 }, parked: true };
  assert.deepEqual((await list({ url }, '')).items, [
    { id: '1', kind: 'event', key: 'a', ...about, attempts: 3, ...nothing, ...logged },
    { id: '2', kind: 'timer', key: 'a', ...about, attempts: 3, ...nothing, timer: { name: 'wake', dueAt: timeOf(7), data: [1] } },
    { id: '3', kind: 'delivery', key: 'a', ...about, attempts: 3, ...nothing, delivery: mail },
    { id: '4', kind: 'gap', key: 'a', ...about, attempts: 0, ...nothing, reason: letters[3].reason, numbers: { from: 2, to: 3 } },
    { id: '5', kind: 'origin', key: 'a', ...about, attempts: 0, ...nothing, origin: { row: 2 } },
    { id: '6', kind: 'outcome', key: 'a', ...about, attempts: 3, ...nothing, outcome: told },
    { id: '7', kind: 'rejected', key: 'a', ...about, attempts: 0, ...nothing, record: { source: 'kafka:orders', offset: 3 } },
  ]);
});

const timeOf = (ms: number) => new Date(ms).toISOString();

/** A dead letter of each kind, left in the store by an earlier run. */
async function serveKinds(t: TestContext) {
  const store = memory();
  const partition = { pipeline: 'visits', slice: 0 };
  await store.open({ pipelines: [{ name: 'visits', numbered: false }], tables: [] });
  await store.append([event(partition, 'a', { id: 'id', body: '{"page":"a"}', origin: '{"row":1}' })]);
  const letters = [
    letter('1', 'a', 1, { parked: true }),
    timerLetter('2', 'a', { name: 'wake', dueAt: 7, data: '[1]' }),
    deliveryLetter('3', delivery('d', 'a', { url: 'https://user:secret@example.com/' })),
    gap('4', 'a', 2, 3),
    originLetter('5', 'a', '{"row":2}'),
    outcomeLetter('6', 'a', { endpoint: 'mail', id: 'd', dueAt: 9, data: '{"status":"delivered"}' }),
    rejectedLetter('7', 'a', '{"source":"kafka:orders","offset":3}'),
  ] as const;
  await (await own(store, partition)).commit({ cursor: 1, deadLetters: letters });
  await store.close();
  return { ...(await serve(t, { store })), letters };
}

test('dead letters are listed page by page, each once', async (t) => {
  const { letters, ...served } = await serveFailures(t);
  const first = await list(served, '?limit=2');
  const second = await list(served, `?limit=2&cursor=${first.nextCursor}`);
  assert.deepEqual([...first.items, ...second.items], letters);
  assert.equal('nextCursor' in second, false);
});

test('dead letters are found by pipeline and key', async (t) => {
  const { letterOf, ...served } = await serveFailures(t);
  assert.deepEqual((await list(served, '?pipeline=visits&key=poison-2')).items, [letterOf('poison-2')]);
  assert.deepEqual((await list(served, '?pipeline=numbered')).items, []);
});

test('an invalid parameter of the list is refused and named', async (t) => {
  const { url } = await serve(t);
  for (const [query, path] of [
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=oops', 'cursor'],
    ['cursor=WzFd', 'cursor'],
    ['cursor=', 'cursor'],
  ] as const) {
    const problem = await problemIn(await fetch(`${url}/dead-letters?${query}`));
    assert.deepEqual(
      problem.errors?.map((error) => error.path),
      [path],
      query,
    );
  }
});

test('a dead letter is found by its id', async (t) => {
  const { url, letters } = await serveFailures(t);
  assert.deepEqual(await (await fetch(`${url}/dead-letters/${letters[1].id}`)).json(), letters[1]);
  assert.equal((await problemIn(await fetch(`${url}/dead-letters/nobody`))).code, 'MILL_NOT_FOUND');
});

test('a discarded dead letter is gone, and its key proceeds', async (t) => {
  const { url, letterOf } = await serveFailures(t);
  const { id } = letterOf('poison-1');
  assert.equal(JSON.parse(await (await fetch(`${url}/pipelines/visits/keys/poison-1`)).text()).status, 'parked');
  const response = await post(`${url}/dead-letters/${id}/discard`, '');
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { id, status: 'discarded' });
  assert.equal((await fetch(`${url}/dead-letters/${id}`)).status, 404);
  // It was the only event of its key.
  assert.equal((await fetch(`${url}/pipelines/visits/keys/poison-1`)).status, 404);
});

test('a redriven dead letter is retried', async (t) => {
  const { url, mill, letters } = await serveFailures(t);
  const response = await fetch(`${url}/dead-letters/${letters[0].id}/redrive`, { method: 'POST' });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { id: letters[0].id, status: 'redriven' });
  await mill.idle(10_000);
  assert.equal(mill.counts().visits?.failed, 4);
});

test('redriving or discarding a missing letter is 404', async (t) => {
  const { url } = await serve(t);
  for (const action of ['redrive', 'discard']) {
    assert.equal((await problemIn(await post(`${url}/dead-letters/nobody/${action}`, ''))).code, 'MILL_NOT_FOUND');
  }
});

test('a dead letter’s origin says which row it is about, whether or not the row yielded an event', async (t) => {
  const { pipelines, world } = jobsPipeline();
  const kit = await testMill({ pipelines });
  await add(kit, 'long', 'fail');
  await kit.advance('1m');
  const server = await createServer({ mill: kit.mill, systems: [], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(0));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const items: { id: string; kind: string; origin: unknown; event: unknown }[] = (await list({ url }, '')).items;
  assert.deepEqual(
    items.map(({ kind, origin, event }) => ({ kind, origin, event })).toSorted((a) => (a.event === null ? -1 : 1)),
    [
      { kind: 'origin', origin: { table: 'jobs', key: { id: 1 } }, event: null },
      { kind: 'event', origin: { table: 'jobs', key: { id: 2 } }, event: { id: 2, key: 'k', what: 'fail' } },
    ],
  );
  world.isMended = true;
  const rejected = items.find(({ event }) => event === null)?.id;
  assert.equal((await post(`${url}/dead-letters/${rejected}/redrive`, '')).status, 200);
  assert.equal((await fetch(`${url}/dead-letters/${rejected}`)).status, 404);
  await kit.advance('1m');
  assert.deepEqual(await done(kit), [1]);
});

test('a dead letter shows no credentials from its delivery’s address, whatever the address looks like', async (t) => {
  const addresses = [
    'http://user:secret@ bad host/x',
    'http://user:secret@',
    'user:secret@shop.example/x',
    '//user:secret@shop.example',
    'http://user:secret@127.0.0.1/x',
    'redis://user:secret@shop.example/x',
    'http:\\\\user:secret@127.0.0.1',
  ];
  const orders = pipeline('orders', {
    event: z.object({ id: z.string(), url: z.string() }),
    key: ({ id }) => id,
    deliver: { hook: { to: http(), retry: { attempts: 1 } } },
    handle: ({ url }, _state, turn) => turn.deliver('hook', {}, { url }),
  });
  const { url, mill } = await serve(t, { pipelines: [orders] });
  for (const [index, address] of addresses.entries())
    assert.equal((await post(`${url}/pipelines/orders/events`, { id: `${index}`, url: address })).status, 202);
  assert.ok(await mill.settled('orders', 10_000));
  const answers = [await (await fetch(`${url}/dead-letters`)).json(), await (await fetch(`${url}/`)).text()];
  const { items } = z.object({ items: z.array(z.object({ reason: z.string(), delivery: z.unknown() })) }).parse(answers[0]);
  assert.equal(items.length, addresses.length);
  for (const { reason, delivery } of items) assert.doesNotMatch(`${reason} ${JSON.stringify(delivery)}`, /secret/);
  assert.doesNotMatch(String(answers[1]), /secret/);
});

test('dead letters of large events are listed a few at a time, each once, and the last page says so', async (t) => {
  const broken = pipeline('broken', {
    event: z.object({ text: z.string() }),
    retry: { attempts: 1 },
    handle() {
      throw new Error('never today');
    },
  });
  const served = await serve(t, { pipelines: [broken] });
  for (let n = 0; n < 7; n += 1) await served.mill.ingest('broken', { text: String(n).repeat(700_000) });
  await served.mill.settled('broken', 10_000);
  const found: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await list(served, `?limit=100${cursor && `&cursor=${cursor}`}`);
    assert.ok(page.items.length >= 1 && page.items.length <= 3, `${page.items.length} at once`);
    for (const { event } of page.items) found.push(event.text[0]);
    cursor = page.nextCursor;
  }
  assert.deepEqual(found, ['0', '1', '2', '3', '4', '5', '6']);
});
