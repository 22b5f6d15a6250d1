import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { type Limits, millrace } from '../../src/index.ts';
import { createServer } from '../../src/server/create-server.ts';
import { configure } from '../../src/server/index.ts';
import { patientClock } from '../../test/patient-clock.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { type EventsOptions, eventsSystem } from './index.ts';
import { processedEvents } from './storage.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const Body = z.record(z.string(), z.unknown());
const Listed = z.object({ items: z.array(z.looseObject({ id: z.string(), created_at: z.string() })), nextCursor: z.string().optional() });
const Refused = z.object({ errors: z.array(z.object({ path: z.string() })) });

/** A server without any events; the queries sent to the store are recorded. */
async function serve(context: StoreContext, options: EventsOptions = {}, limits: Partial<Limits> = {}) {
  const { store } = context.openStore();
  const queries: (readonly [sql: string, parameters: Parameters<typeof store.query>[1]])[] = [];
  const query = store.query.bind(store);
  store.query = (sql, parameters) => {
    queries.push([sql, parameters]);
    return query(sql, parameters);
  };
  const system = configure(eventsSystem(options), { MAX_RETRIES: '0' });
  const mill = await millrace({ store, pipelines: system.pipelines, limits, clock: patientClock }).start();
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.stop(1000));
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: Body.parse(await answer.json()) };
  };
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    return { status: answer.status, body: Body.parse(await answer.json()) };
  };
  const list = async (query = '') => Listed.parse((await get(`/events${query}`)).body);
  const rows = () => mill.query(processedEvents).selectAll().execute();
  const plans = async () => {
    const details = await Promise.all(queries.map(([sql, parameters]) => query(`EXPLAIN QUERY PLAN ${sql}`, parameters)));
    return details.map((steps) => steps.map(({ detail }) => detail).join('; '));
  };
  return { mill, post, get, list, rows, queries, plans };
}

const idOf = (number: number) => `193270a9-c9cf-404a-8f83-${String(number).padStart(12, '0')}`;

function reading(number: number, changes: object = {}) {
  return { id: idOf(number), type: 'sensor_data', source: 'iot_device', data: { number }, ...changes };
}

test('an event is accepted once and is a duplicate from then on, even in upper case', async (context) => {
  const { post, list } = await serve(context);
  assert.deepEqual(await post('/events', reading(1)), { status: 202, retryAfter: null, body: { id: idOf(1), status: 'accepted' } });
  const again = reading(1, { id: idOf(1).toUpperCase(), data: { number: 2 } });
  assert.deepEqual((await post('/events', again)).body, { id: idOf(1), status: 'duplicate' });
  assert.equal((await post('/events', { ...reading(2), id: undefined })).status, 202);
  assert.equal((await list()).items.length, 2);
});

test('an invalid event is refused with all of its faults, and nothing is stored', async (context) => {
  const { post, list } = await serve(context);
  const { status, body } = await post('/events', { type: 'user_action', source: 'tv', data: { action: 'jump' } });
  assert.equal(status, 400);
  assert.deepEqual(
    Refused.parse(body).errors.map(({ path }) => path),
    ['source', 'data.action'],
  );
  assert.deepEqual(await list(), { items: [] });
});

test('a batch is judged event by event', async (context) => {
  const { post, list } = await serve(context);
  await post('/events', reading(1));
  const { status, body } = await post('/events/batch', {
    events: [reading(2), reading(1), { ...reading(3), source: 'tv' }, reading(2), 'text'],
  });
  assert.equal(status, 202);
  assert.deepEqual(body, {
    accepted: 1,
    duplicates: 2,
    rejected: 2,
    results: [
      { index: 0, id: idOf(2), status: 'accepted' },
      { index: 1, id: idOf(1), status: 'duplicate' },
      {
        index: 2,
        status: 'rejected',
        errors: [{ path: 'source', message: 'expected web or mobile or iot_device or system, found "tv"' }],
      },
      { index: 3, id: idOf(2), status: 'duplicate' },
      { index: 4, status: 'rejected', errors: [{ path: '', message: 'expected an object, found a text' }] },
    ],
  });
  assert.equal((await list()).items.length, 2);
});

test('a batch has 1 to 100 events, at least one of them valid; otherwise nothing is stored', async (context) => {
  const { post, rows } = await serve(context);
  const many = (count: number) => Array.from({ length: count }, (_, number) => reading(number));
  const wrong: readonly unknown[] = [{}, [], [reading(1)], { events: {} }, { events: null }, { events: [] }, { events: many(101) }, 'text'];
  for (const body of wrong) assert.equal((await post('/events/batch', body)).status, 400, JSON.stringify(body).slice(0, 80));
  const none = await post('/events/batch', { events: [{}, reading(1, { type: 'weather' })] });
  assert.equal(none.status, 400);
  assert.deepEqual(
    Refused.parse(none.body).errors.map(({ path }) => path),
    ['events[0].type', 'events[0].source', 'events[0].data', 'events[1].type'],
  );
  assert.deepEqual(await rows(), []);
  assert.equal((await post('/events/batch', { events: many(100) })).body.accepted, 100);
});

test('an event is shown as stored, with user_id only if it has one', async (context) => {
  const { post, get } = await serve(context);
  await post('/events', reading(1, { timestamp: '2022-02-02T19:39:05.86337+01:00' }));
  const { status, body } = await get(`/events/${idOf(1).toUpperCase()}`);
  const { processing_time_ms, processed_at, ...rest } = body;
  assert.deepEqual([status, typeof processing_time_ms, typeof processed_at], [200, 'number', 'string']);
  assert.deepEqual(rest, {
    id: idOf(1),
    type: 'sensor_data',
    source: 'iot_device',
    processed_data: { number: 1 },
    created_at: '2022-02-02T18:39:05.863Z',
  });
  await post('/events', reading(2, { user_id: 'ann' }));
  assert.equal((await get(`/events/${idOf(2)}`)).body.user_id, 'ann');
});

test('an id that is not a UUID is 400, and an unknown one 404', async (context) => {
  const { get } = await serve(context);
  for (const id of ['x', '193270a9', `${idOf(1)}0`]) assert.equal((await get(`/events/${id}`)).status, 400);
  assert.equal((await get(`/events/${idOf(1)}`)).status, 404);
});

test('a given-up event is 404 and says why; the others are processed', async (context) => {
  const { post, get, list } = await serve(context, {
    processor({ data }) {
      if (data.number === 1) throw new Error('the sensor is broken');
      return data;
    },
  });
  for (const number of [1, 2]) await post('/events', reading(number));
  const { status, body } = await get(`/events/${idOf(1)}`);
  assert.equal(status, 404);
  assert.match(String(body.detail), /failed after 1 attempt: the sensor is broken/);
  assert.deepEqual(
    (await list()).items.map(({ id }) => id),
    [idOf(2)],
  );
});

test('a full queue is 503 with Retry-After', async (context) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { post } = await serve(context, { processor: ({ data }) => promise.then(() => data) }, { backlog: 2 });
  for (const number of [1, 2]) assert.equal((await post('/events', reading(number))).status, 202);
  const { status, retryAfter } = await post('/events', reading(3));
  assert.deepEqual([status, retryAfter], [503, '1']);
  assert.equal((await post('/events/batch', { events: [reading(4)] })).status, 503);
  resolve();
});

/** 40 events of all kinds, several at the same moment; and the expected list. */
function mixture() {
  const types = ['user_action', 'sensor_data', 'system_log'];
  const sources = ['web', 'mobile', 'iot_device', 'system'];
  return Array.from({ length: 40 }, (_, index) => ({
    id: idOf((index * 17) % 40),
    type: types[index % 3],
    source: sources[index % 4],
    timestamp: `2022-02-02T12:${String((index * 7) % 11).padStart(2, '0')}:00.000Z`,
    ...(index % 5 === 0 ? {} : { user_id: index % 5 === 1 ? 'ann' : 'bob' }),
    data: {},
  }));
}

type Mixed = ReturnType<typeof mixture>[number];

const filters: readonly [query: string, chosen: (event: Mixed) => boolean][] = [
  ['', () => true],
  ['type=sensor_data', ({ type }) => type === 'sensor_data'],
  ['source=web', ({ source }) => source === 'web'],
  ['user_id=ann', ({ user_id }) => user_id === 'ann'],
  ['user_id=bob&type=user_action', ({ user_id, type }) => user_id === 'bob' && type === 'user_action'],
  ['user_id=nobody', () => false],
  ['from=2022-02-02T12:03:00Z', ({ timestamp }) => timestamp >= '2022-02-02T12:03'],
  ['to=2022-02-02T13:03:00%2B01:00', ({ timestamp }) => timestamp <= '2022-02-02T12:03:00.000Z'],
  [
    'type=system_log&source=system&from=2022-02-02T12:02:00Z&to=2022-02-02T12:08:00Z',
    ({ type, source, timestamp }) =>
      type === 'system_log' && source === 'system' && timestamp >= '2022-02-02T12:02' && timestamp <= '2022-02-02T12:08:00.000Z',
  ],
];

test('the list is filtered, newest first, and its pages make up the whole', async (context) => {
  const { post, list } = await serve(context);
  const events = mixture();
  assert.equal((await post('/events/batch', { events })).body.accepted, 40);
  for (const [query, chosen] of filters) {
    const sorted = events.filter(chosen).sort((one, other) => (`${one.timestamp} ${one.id}` < `${other.timestamp} ${other.id}` ? 1 : -1));
    const expected = sorted.map(({ id }) => id);
    for (const limit of [1, 7, 40, 100]) {
      const pages = [await list(`?limit=${limit}&${query}`)];
      for (let cursor = pages[0]?.nextCursor; cursor !== undefined && pages.length <= 40; cursor = pages.at(-1)?.nextCursor) {
        pages.push(await list(`?limit=${limit}&${query}&cursor=${cursor}`));
      }
      assert.equal(pages.length, Math.max(1, Math.ceil(expected.length / limit)), `${query}, ${limit} a page`);
      assert.deepEqual(
        pages.flatMap(({ items }) => items.map(({ id }) => id)),
        expected,
        `${query}, ${limit} a page`,
      );
    }
  }
  assert.equal((await list()).items.length, 20);
});

testOn('memory')('every list is read along an index, in its order', async (context) => {
  const { post, list, queries, plans } = await serve(context);
  await post('/events/batch', { events: mixture() });
  for (const [query] of filters) {
    queries.length = 0;
    const { nextCursor } = await list(`?limit=1&${query}`);
    if (nextCursor !== undefined) await list(`?limit=1&${query}&cursor=${nextCursor}`);
    const otherwise = query.includes('source') ? 'type_source' : 'type';
    const columns = query.includes('user_id') ? 'user_id' : otherwise;
    const column = columns.replace('_source', '');
    for (const plan of await plans()) {
      assert.match(
        plan,
        new RegExp(`^SEARCH processed_events USING INDEX processed_events_${columns}_created_at_idx \\(${column}=\\?[^;]*$`),
        query,
      );
    }
  }
});

test('an invalid parameter is 400 and named', async (context) => {
  const { get } = await serve(context);
  const wrong: readonly [string, string][] = [
    ['type=weather', 'type'],
    ['type=', 'type'],
    ['type=sensor_data&type=system_log', 'type'],
    ['source=tv', 'source'],
    ['user_id=', 'user_id'],
    [`user_id=${'x'.repeat(51)}`, 'user_id'],
    ['from=yesterday', 'from'],
    ['from=2022-02-02', 'from'],
    ['to=2022-02-30T00:00:00Z', 'to'],
    ['to=', 'to'],
    ['from=2022-02-02T12:00:01Z&to=2022-02-02T12:00:00Z', 'from'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=1.5', 'limit'],
    ['cursor=x', 'cursor'],
    ['cursor=WzEsMl0', 'cursor'],
  ];
  for (const [query, path] of wrong) {
    const { status, body } = await get(`/events?${query}`);
    assert.equal(status, 400, query);
    assert.deepEqual(
      Refused.parse(body).errors.map((error) => error.path),
      [path],
      query,
    );
  }
});
