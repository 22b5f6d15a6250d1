import assert from 'node:assert/strict';
import { configure, type Environment } from '../../src/server/index.ts';
import { testMill } from '../../src/testing/index.ts';
import { type StoreContext, testOn } from '../stores.fixture.test.ts';
import { type EventsOptions, eventsSystem } from './index.ts';
import { processedEvents } from './storage.ts';

const test = testOn('memory', 'postgres', 'mariadb');

const startAt = Date.UTC(2026, 0, 1);

/** The system on a clock that stands still. */
async function start(context: StoreContext, options: EventsOptions = {}, environment: Environment = {}) {
  const { pipelines } = configure(eventsSystem(options), environment);
  const t = await testMill({ pipelines, startAt, store: context.openStore({ isVirtual: true }).store });
  context.after(() => t.stop());
  const counts = () => t.mill.counts().events;
  return { t, counts };
}

function reading(number: number) {
  const id = `193270a9-c9cf-404a-8f83-${String(number).padStart(12, '0')}`;
  return { id, type: 'sensor_data', source: 'iot_device', data: { number } } as const;
}

test('a row has the unchanged data, and its times of creation and processing', async (context) => {
  const { t } = await start(context);
  await t.ingest('events', { ...reading(1), user_id: 'ann', timestamp: '2022-02-02T19:39:05.86337+01:00' });
  await t.drain();
  const [row] = await t.rows(processedEvents);
  assert.ok(row !== undefined && row.processing_time_ms >= 0 && row.processing_time_ms < 60_000);
  assert.match(row.processed_at, /^2026-01-01T00:00:00\.\d{3}Z$/);
  assert.deepEqual(
    { ...row, processing_time_ms: 0, processed_at: '' },
    {
      id: reading(1).id,
      type: 'sensor_data',
      source: 'iot_device',
      user_id: 'ann',
      processed_data: { number: 1 },
      processing_time_ms: 0,
      created_at: '2022-02-02T18:39:05.863Z',
      processed_at: '',
    },
  );
});

test('an event without id, timestamp and user gets a version 7 id, the time of its acceptance, and no user', async (context) => {
  const { t } = await start(context);
  const { id: _, ...event } = reading(1);
  const { id, status } = await t.ingest('events', event);
  await t.drain();
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const rows = await t.rows(processedEvents);
  assert.deepEqual(
    [status, rows.map((row) => [row.id, row.created_at, row.user_id])],
    ['accepted', [[id, '2026-01-01T00:00:00.000Z', null]]],
  );
});

test('an id too long for the column, which only the engine’s route and the inbox accept, becomes the UUID of one row', async (context) => {
  const { t } = await start(context);
  const { id: _, ...event } = reading(1);
  const ids = ['order-1', 'x'.repeat(36), 'x'.repeat(37), 'x'.repeat(512), `${'x'.repeat(511)}y`];
  for (const id of [...ids, ...ids]) await t.mill.ingest('events', event, { id });
  await t.drain();
  assert.deepEqual(await t.mill.deadLetters(), []);
  const rows = (await t.rows(processedEvents)).map(({ id }) => id);
  const made = rows.filter((id) => !ids.includes(id));
  assert.deepEqual([rows.length, new Set(rows).size, made.length], [5, 5, 3]);
  for (const id of made) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('an event retried after acceptance keeps its creation time', async (context) => {
  const { t } = await start(context, { processor: failing(1) });
  await t.ingest('events', reading(1));
  await t.advance('1s');
  const [row] = await t.rows(processedEvents);
  assert.equal(row?.created_at, '2026-01-01T00:00:00.000Z');
  // The shortest pause before a second attempt.
  assert.ok(row !== undefined && row.processed_at >= '2026-01-01T00:00:00.050Z');
});

/** A processor that throws at its first attempts at event 1. */
function failing(times: number) {
  return ({ data }: { readonly data: Readonly<Record<string, unknown>> }, { attempt }: { readonly attempt: number }) => {
    if (data.number === 1 && attempt <= times) throw new Error(`attempt ${attempt} failed`);
    return { ...data, attempt };
  };
}

test('a processor that fails twice and then works has processed its event once', async (context) => {
  const { t, counts } = await start(context, { processor: failing(2) });
  await t.ingest('events', reading(1));
  await t.advance('10s');
  assert.deepEqual(
    (await t.rows(processedEvents)).map(({ processed_data }) => processed_data),
    [{ number: 1, attempt: 3 }],
  );
  assert.deepEqual([counts()?.processed, counts()?.failed, counts()?.retries], [1, 0, 2]);
});

for (const [how, processor] of [
  ['throws', failing(Infinity)],
  [
    'rejects',
    async (...[event, turn]: Parameters<ReturnType<typeof failing>>) => {
      await Promise.resolve();
      return failing(Infinity)(event, turn);
    },
  ],
] as const) {
  test(`a processor that always ${how} makes a dead letter with the reason, and others proceed`, async (context) => {
    const { t, counts } = await start(context, { processor }, { MAX_RETRIES: '2' });
    for (const number of [1, 2, 3]) await t.ingest('events', reading(number));
    await t.advance('10s');
    const letters = await t.deadLetters();
    assert.deepEqual(
      letters.map((letter) => [letter.key, letter.attempts, letter.reason, letter.kind === 'event' && letter.parked]),
      [[reading(1).id, 3, 'attempt 3 failed', false]],
    );
    assert.deepEqual((await t.rows(processedEvents)).map(({ id }) => id).sort(), [reading(2).id, reading(3).id]);
    assert.deepEqual([counts()?.received, counts()?.processed, counts()?.failed, counts()?.depth], [3, 2, 1, 0]);
  });
}

test('with MAX_RETRIES 0 there is one attempt', async (context) => {
  const { t, counts } = await start(context, { processor: failing(1) }, { MAX_RETRIES: '0' });
  await t.ingest('events', reading(1));
  await t.drain();
  assert.deepEqual([counts()?.failed, counts()?.retries, (await t.deadLetters())[0]?.attempts], [1, 0, 1]);
});

test('a processor that never ends is cut off at the time-out, its signal aborts, and its worker is free again', async (context) => {
  const aborted: number[] = [];
  const { t, counts } = await start(
    context,
    {
      timeout: '5s',
      processor: ({ data }, { signal, attempt }) =>
        data.number === 1 ? new Promise(() => signal.addEventListener('abort', () => aborted.push(attempt))) : Promise.resolve(data),
    },
    { WORKER_COUNT: '1', MAX_RETRIES: '1' },
  );
  await t.ingest('events', reading(1));
  await t.ingest('events', reading(2));
  await t.advance('4999ms');
  assert.deepEqual([counts()?.running, counts()?.processed, aborted], [1, 0, []]);
  await t.advance('20s');
  assert.deepEqual([counts()?.running, counts()?.processed, counts()?.failed, aborted], [0, 1, 1, [1, 2]]);
  assert.match((await t.deadLetters())[0]?.reason ?? '', /the handler did not end within 5000 ms/);
});

test('no more processors run at once than there are workers', async (context) => {
  let atWork = 0;
  let atWorkMax = 0;
  const { t, counts } = await start(
    context,
    {
      async processor({ data }) {
        atWork += 1;
        atWorkMax = Math.max(atWorkMax, atWork);
        await new Promise((resolve) => setImmediate(resolve));
        atWork -= 1;
        return data;
      },
    },
    { WORKER_COUNT: '4' },
  );
  await t.ingestBatch(
    'events',
    Array.from({ length: 40 }, (_, number) => reading(number)),
  );
  await t.drain();
  assert.deepEqual([atWorkMax, counts()?.processed, counts()?.concurrency], [4, 40, 4]);
});

test('a processor’s result must be JSON, or the event is given up', async (context) => {
  const { t } = await start(context, { processor: () => ({ count: 5n }) }, { MAX_RETRIES: '0' });
  await t.ingest('events', reading(1));
  await t.drain();
  assert.match((await t.deadLetters())[0]?.reason ?? '', /column processed_data.count: expected JSON, found a bigint/);
});

test('an id is recognised during the window, and afterwards the new event replaces the first', async (context) => {
  const { t } = await start(context, {}, { DEDUPLICATION_WINDOW: '2h' });
  assert.equal((await t.ingest('events', reading(1))).status, 'accepted');
  assert.equal((await t.ingest('events', { ...reading(1), data: { number: 5 } })).status, 'duplicate');
  await t.advance('119m');
  assert.equal((await t.ingest('events', reading(1))).status, 'duplicate');
  await t.advance('2h');
  assert.equal((await t.ingest('events', { ...reading(1), data: { number: 6 } })).status, 'accepted');
  await t.drain();
  assert.deepEqual(
    (await t.rows(processedEvents)).map(({ processed_data }) => processed_data),
    [{ number: 6 }],
  );
});

test('a custom validator and storage replace the built-in ones', async (context) => {
  const saved: unknown[] = [];
  const { t } = await start(context, {
    validator: {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          typeof value === 'string'
            ? { value: { type: 'system_log', source: 'system', data: { value } } }
            : { issues: [{ message: 'expected a text' }] },
      },
    },
    storage: {
      tables: {},
      save: (_turn, { processed_data }) => saved.push(processed_data),
      find: async () => undefined,
      select: async () => [],
    },
  });
  await t.ingest('events', 'hello');
  await assert.rejects(t.ingest('events', reading(1)), { message: 'pipeline events: expected a text' });
  await t.drain();
  assert.deepEqual(saved, [{ value: 'hello' }]);
});
