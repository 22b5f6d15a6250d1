import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../test/until.ts';
import { MemoryTopic } from '../inlets/memory-inlet.fixture.test.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, problemIn, serve, visits } from './fixture.test.ts';

const Pipeline = z.looseObject({
  name: z.string(),
  health: z.string(),
  processed: z.int(),
  parked: z.int(),
  paused: z.boolean(),
  now: z.looseObject({ in: z.number(), lag: z.number(), p99: z.number().nullable() }),
  chart: z.looseObject({ at: z.array(z.int()), stepMs: z.int(), in: z.array(z.number()) }).optional(),
});
const Sourced = z.object({
  source: z
    .strictObject({
      name: z.string(),
      partitions: z.array(z.looseObject({ noRoom: z.string().nullable() })),
      warnings: z.array(z.string()),
    })
    .nullable(),
});
const Concerns = z.object({
  items: z.array(
    z.looseObject({
      kind: z.string(),
      pipeline: z.string(),
      count: z.int(),
      holds: z.int(),
      since: z.string().nullable(),
      said: z.string().nullable(),
      key: z.string().nullable(),
    }),
  ),
});

test('a pipeline shows its counts, rates and health, its declaration, and the window of its charts', async (t) => {
  const { url, mill } = await serve(t);
  await post(`${url}/pipelines/visits/events`, { page: 'a' });
  await mill.settled('visits', 10_000);
  const ask = async (path: string) => (await fetch(`${url}${path}`)).json();
  const visits = Pipeline.parse(await ask('/pipelines/visits?window=5m'));
  assert.deepEqual([visits.name, visits.processed, visits.paused, visits.now.lag], ['visits', 1, false, 0]);
  assert.equal(visits.chart?.stepMs, 2_000);
  assert.equal(Pipeline.parse(await ask('/pipelines/visits')).chart, undefined);
  assert.deepEqual(visits.declared, {
    ...{ isKeyed: true, order: 'arrival', attempts: 1, backoffMs: 100, backoffMsMax: 30_000, onGiveUp: 'park' },
    ...{ timers: [], endpoints: [], hasSchedule: false, genericIngest: true },
  });
  await mill.pause('visits');
  const { items } = z.object({ items: z.array(Pipeline) }).parse(await ask('/pipelines'));
  assert.deepEqual(
    items.map(({ name, paused }) => [name, paused]),
    [
      ['visits', true],
      ['numbered', false],
    ],
  );
  assert.equal((await problemIn(await fetch(`${url}/pipelines/visits?window=2d`))).code, 'MILL_INVALID_REQUEST');
  assert.equal((await fetch(`${url}/pipelines/nobody`)).status, 404);
});

test('a pipeline shows how far each partition of its topic was read, and one without a topic says so', async (t) => {
  const topic = new MemoryTopic(2);
  await topic.produce(1, [{ value: '{"page":"a"}' }, { value: '{"page":"poison"}' }, { value: '{"page":"poison"}' }]);
  const fed = pipeline('fed', {
    event: z.object({ page: z.string() }),
    key: ({ page }) => page,
    retry: { attempts: 1 },
    onGiveUp: 'park',
    from: topic.inlet(),
    handle({ page }) {
      if (page === 'poison') throw new Error('poison');
    },
  });
  const { url } = await serve(t, { pipelines: [fed, visits], limits: { pendingPerKey: 1 } });
  const ask = async (name: string) => Sourced.parse(await (await fetch(`${url}/pipelines/${name}`)).json()).source;
  let found = await ask('fed');
  await until(async () => {
    found = await ask('fed');
    return found?.partitions[1]?.noRoom !== null && found?.partitions.length === 2;
  });
  assert.deepEqual(found, {
    name: 'memory:topic',
    partitions: [
      { partition: 0, next: 0, end: 0, lag: 0, noRoom: null },
      { partition: 1, next: 2, end: 3, lag: 1, noRoom: found?.partitions[1]?.noRoom },
    ],
    warnings: [],
  });
  assert.match(found?.partitions[1]?.noRoom ?? '', /^key poison: 1 events already wait/);
  assert.equal(await ask('visits'), null);
});

test('concerns say how many, since when and by whom, and the one holding back most comes first', async (t) => {
  const { url, mill } = await serve(t);
  await post(`${url}/pipelines/visits/events`, { page: 'poison' });
  await mill.settled('visits', 10_000);
  await mill.pause('numbered', { who: 'ann', reason: 'moving the table' });
  for (const number of [1, 2]) await post(`${url}/pipelines/numbered/events`, { key: 'a', number });
  const { items } = Concerns.parse(await (await fetch(`${url}/concerns`)).json());
  const told = items.map(({ kind, pipeline, count, holds, said, key }) => ({ kind, pipeline, count, holds, said, key }));
  const said = 'poison cannot be visited';
  assert.deepEqual(told.slice(0, 1), [{ kind: 'paused', pipeline: 'numbered', count: 1, holds: 2, said: 'moving the table', key: null }]);
  assert.deepEqual(
    told.slice(1).toSorted((a, b) => a.kind.localeCompare(b.kind)),
    [
      { kind: 'dead letter', pipeline: 'visits', count: 1, holds: 0, said, key: 'poison' },
      { kind: 'parked', pipeline: 'visits', count: 1, holds: 0, said, key: 'poison' },
    ],
  );
  assert.ok(items.every(({ since }) => since !== null));
});
