import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { temporaryFolder } from '../../test/program.ts';
import { until } from '../../test/until.ts';
import { millrace } from '../engine/mill.ts';
import { MemoryTopic } from '../inlets/memory-inlet.fixture.test.ts';
import { type AnyPipeline, pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { sqlite } from '../store/sqlite/sqlite-store.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { type Concern, findConcerns } from './concerns.ts';
import { createServer } from './create-server.ts';
import { visits } from './fixture.test.ts';

/** Parks nothing: failed events are skipped. Its source is empty. */
const mails = pipeline('mails', {
  event: z.object({ to: z.string() }),
  retry: { attempts: 1 },
  handle({ to }) {
    if (to === 'nobody') throw new Error('no such mailbox');
  },
  schedule: { every: '1h', source: () => [] },
});

/** Its endpoint does not answer. */
const calls = pipeline('calls', {
  event: z.object({}),
  deliver: { shop: { to: { circuit: 'open', call: async () => ({ result: 'delivered' }) } as object as { call: () => never } } },
  handle() {},
});

async function start(path: string, pipelines: readonly AnyPipeline[]) {
  const mill = await millrace({ store: sqlite(path), pipelines }).start();
  const server = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  return { mill, server, url: await server.listen({ host: '127.0.0.1', port: 0 }) };
}

/**
 * An engine run in which two keys are parked, five dead letters are created and a schedule is stopped; then the next run, with other
 * pipelines.
 */
async function afterRestart(t: TestContext, pipelines: readonly AnyPipeline[] = [visits, mails]) {
  const path = join(temporaryFolder(t), 'mill.db');
  const first = await start(path, [visits, mails]);
  for (const page of ['poison a', 'poison b', 'c']) await first.mill.ingest('visits', { page });
  for (const to of ['nobody', 'nobody', 'nobody', 'ann']) await first.mill.ingest('mails', { to });
  await first.mill.idle(10_000);
  await first.mill.schedule('mails').stop();
  await first.server.stop(5_000);
  const second = await start(path, pipelines);
  t.after(() => second.server.stop(1_000));
  return second;
}

test('everything that waits for a person is found in the store, even after a restart', async (t) => {
  const { mill } = await afterRestart(t);
  assert.deepEqual(
    (await findConcerns(mill)).map(({ kind, where, what, link }) => [kind, where, what, link]),
    [
      ['parked', 'visits', '2 parked keys', '/dead-letters?pipeline=visits'],
      ['dead letter', 'visits', '2 dead letters', '/dead-letters?pipeline=visits'],
      ['dead letter', 'mails', '3 dead letters', '/dead-letters?pipeline=mails'],
      ['stopped', 'mails', 'schedule stopped', '/pipelines/mails/schedule'],
    ],
  );
  for (const { id } of await mill.deadLetters()) await mill.discard(id);
  await mill.schedule('mails').start();
  assert.deepEqual(await findConcerns(mill), []);
});

test('after a restart the concerns routes report what is waiting, each with a working link', async (t) => {
  const { mill, url } = await afterRestart(t);
  const ask = async () => JSON.parse(await (await fetch(`${url}/concerns`)).text()).items;
  const items = await ask();
  assert.deepEqual(items.map(({ kind, pipeline, count }: Record<string, unknown>) => [kind, pipeline, count]).toSorted(), [
    ['dead letter', 'mails', 3],
    ['dead letter', 'visits', 2],
    ['parked', 'visits', 2],
    ['stopped', 'mails', 1],
  ]);
  for (const { link } of items) assert.equal((await fetch(`${url}${link}`)).status, 200, link);
  for (const { id } of await mill.deadLetters()) await mill.discard(id);
  await mill.schedule('mails').start();
  assert.deepEqual(await ask(), []);
});

test('after a restart the routes of counts and metrics report the same', async (t) => {
  const { url } = await afterRestart(t);
  const { items } = JSON.parse(await (await fetch(`${url}/pipelines`)).text());
  assert.deepEqual(
    items.map(({ name, deadLetters, parked }: Record<string, unknown>) => [name, deadLetters, parked]),
    [
      ['visits', 2, 2],
      ['mails', 3, 0],
    ],
  );
  const metrics = await (await fetch(`${url}/metrics?format=prometheus`)).text();
  for (const line of ['millrace_parked_keys{pipeline="visits"} 2', 'millrace_dead_letters{pipeline="mails"} 3'])
    assert.ok(metrics.includes(`${line}\n`), line);
});

test('stored work of a removed pipeline is a concern too', async (t) => {
  const { mill } = await afterRestart(t, [visits]);
  while (mill.leftovers().length < 2) await new Promise(setImmediate);
  const concerns = await findConcerns(mill);
  assert.deepEqual(
    concerns.map(({ kind, where }) => [kind, where]),
    [
      ['parked', 'visits'],
      ['dead letter', 'visits'],
      ['leftover', 'mails'],
      ['leftover', 'mails'],
    ],
  );
  for (const { why } of concerns.slice(2)) assert.match(why, /^Stored work is kept although (the pipeline|its schedule) is gone/);
});

test('an open circuit is shown, and recovers without help', async (t) => {
  const { mill, server, url } = await start(join(temporaryFolder(t), 'mill.db'), [calls]);
  t.after(() => server.stop(1_000));
  assert.deepEqual(
    (await findConcerns(mill)).map(({ kind, where, what }) => [kind, where, what]),
    [['circuit', 'calls', 'circuit open']],
  );
  const { items } = JSON.parse(await (await fetch(`${url}/concerns`)).text());
  assert.deepEqual(
    items.map(({ what, needsPerson }: Record<string, unknown>) => [what, needsPerson]),
    [['circuit open', false]],
  );
});

test('unresponsive receivers are named among the concerns and in health, and counted in the metrics', async (t) => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const hooks = pipeline('hooks', {
    event: z.object({ to: z.string() }),
    deliver: {
      hook: {
        to: { address: ({ url }) => url, call: async () => Promise.reject(refused) },
        retry: { attempts: 100, backoff: 1, maxBackoff: 1 },
      },
    },
    handle: ({ to }, _state, turn) => turn.deliver('hook', {}, { url: to }),
  });
  const { mill, server, url } = await start(join(temporaryFolder(t), 'mill.db'), [hooks]);
  t.after(() => server.stop(1_000));
  for (const to of ['one', 'two']) await mill.ingest('hooks', { to });
  while (mill.endpointWaits()[0]?.restingAddresses !== 2) await new Promise(setImmediate);
  const [{ kind, where, what, why } = assert.fail('expected a concern')] = await findConcerns(mill);
  assert.deepEqual([kind, where, what], ['circuit', 'hooks', '2 silent receivers']);
  assert.match(why, /^Calls to hook get no answer: (one|two) has not answered for \d+ s \(connect ECONNREFUSED\), and 1 other\./);
  const { waits } = JSON.parse(await (await fetch(`${url}/health`)).text());
  const [{ silentAddresses, ...rest }] = waits;
  assert.deepEqual(rest, { pipeline: 'hooks', endpoint: 'hook', postponed: null, restingAddresses: 2, crowding: [] });
  assert.deepEqual(silentAddresses.map(({ address }: { address: string }) => address).toSorted(), ['one', 'two']);
  const metrics = await (await fetch(`${url}/metrics?format=prometheus`)).text();
  assert.ok(metrics.includes('millrace_resting_addresses{pipeline="hooks",endpoint="hook"} 2\n'));
});

test('whoever crowds a pipeline’s deliveries is named before it stops accepting events', async (t) => {
  const hooks = pipeline('hooks', {
    event: z.object({ n: z.int() }),
    deliver: { hook: { to: { address: () => 'https://busy.example', call: () => new Promise(() => {}) } } },
    handle: (_event, _state, turn) => turn.deliver('hook', {}),
  });
  const mill = await millrace({
    store: sqlite(join(temporaryFolder(t), 'mill.db')),
    pipelines: [hooks],
    limits: { deliveries: 100 },
  }).start();
  t.after(() => mill.stop({ timeoutMs: 1 }));
  for (let n = 1; n <= 60; n += 1) await mill.ingest('hooks', { n });
  while (mill.endpointWaits().length === 0 || mill.counts().hooks?.deliveries !== 60) await new Promise(setImmediate);
  const [{ what, why } = assert.fail('expected a concern')] = await findConcerns(mill);
  assert.equal(what, '60 waiting deliveries');
  assert.equal(why, 'At 100 the pipeline accepts no events. Many are for https://busy.example.');
});

test('a transport that makes no calls is a concern, with its reason', async (t) => {
  const answer = { result: 'postponed', reason: 'no port is left', retryAfterMs: 60_000 } as const;
  const hooks = pipeline('hooks', {
    event: z.object({}),
    deliver: { hook: { to: { call: async () => answer } } },
    handle: (_event, _state, turn) => turn.deliver('hook', {}),
  });
  const mill = await millrace({ store: sqlite(join(temporaryFolder(t), 'mill.db')), pipelines: [hooks] }).start();
  t.after(() => mill.stop({ timeoutMs: 1 }));
  await mill.ingest('hooks', {});
  while (mill.endpointWaits().length === 0) await new Promise(setImmediate);
  const concerns = await findConcerns(mill);
  assert.deepEqual(
    concerns.map(({ what, why }) => [what, why]),
    [['calls postponed', 'hook makes no calls: no port is left. No attempt is counted.']],
  );
});

test('partitions of a topic that are held up are told apart from those that are not read', async (t) => {
  const topic = new MemoryTopic(2);
  const steps = pipeline('steps', {
    event: z.object({ key: z.string() }),
    key: ({ key }) => key,
    state: z.object({}),
    from: topic.inlet(),
    retry: { attempts: 1 },
    handle() {
      throw new Error('poison');
    },
  });
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const mill = await millrace({ store: memory(), pipelines: [steps], limits: { pendingPerKey: 1 }, clock }).start();
  t.after(() => mill.stop());
  const untilConcern = async (what: string) => {
    let found: Concern | undefined;
    await until(async () => {
      clock.turnToNextAlarm(clock.now() + 500);
      found = (await findConcerns(mill)).find((concern) => concern.what === what);
      return found !== undefined;
    });
    return found;
  };
  for (const [partition, key] of ['a', 'b'].entries()) {
    const value = JSON.stringify({ key });
    await topic.produce(partition, [
      { key, value },
      { key, value },
    ]);
  }
  const held = await untilConcern('2 partitions held up');
  assert.match(
    held?.why ?? '',
    /^Partition [01] of memory:topic \(and 1 other\) is held up, since its next record has no room: key [ab]: 1 events already wait for it/,
  );
  assert.deepEqual([held?.kind, held?.count], ['source', 2]);
  assert.ok((held?.since ?? 0) >= Date.UTC(2026, 0, 1) && (held?.since ?? 0) <= clock.now() - 10_000);
  assert.equal((await findConcerns(mill)).filter(({ kind }) => kind === 'source').length, 1);
  topic.outage = new Error('the broker is away');
  const unread = await untilConcern('topic not read');
  assert.match(unread?.why ?? '', /^memory:topic cannot be read: .*the broker is away/);
});

test('an unreadable schedule is a concern that says why', async (t) => {
  const { mill } = await afterRestart(t);
  await mill.stop();
  const concerns = await findConcerns(mill);
  const [{ where, why } = assert.fail('expected a concern')] = concerns.filter(({ what }) => what === 'schedule unreadable');
  assert.equal(where, 'mails');
  assert.match(why, /not open/);
});
