import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../engine/mill.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';
import { post, problemIn, serve } from './fixture.test.ts';

const hourly = pipeline('hourly', {
  event: z.object({ at: z.int() }),
  schedule: { every: '1h', source: ({ dueAt }) => [{ at: dueAt }] },
  handle: () => undefined,
});

test('a schedule is shown, stopped, paused and started over HTTP', async (t) => {
  const mill = await millrace({ store: memory(), pipelines: [hourly] }).start();
  const system = { name: 'clock', title: 'Clock', description: 'Ticks.', pipelines: [hourly] };
  const server = await createServer({ mill, systems: [system], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/pipelines/hourly/schedule`;
  const look = async () => JSON.parse(await (await fetch(url)).text());
  const act = async (action: object) => JSON.parse(await (await post(url, action)).text());
  const { nextRunAt, ...running } = await look();
  assert.deepEqual(running, { status: 'running', isAtWork: false, lastRunAt: null, lastFailure: null });
  assert.ok(Date.parse(nextRunAt) - Date.now() <= 3_600_000);
  const stopped = { status: 'stopped', isAtWork: false, lastRunAt: null, nextRunAt: null, lastFailure: null };
  assert.deepEqual(await act({ action: 'stop' }), stopped);
  assert.deepEqual(await act({ action: 'stop' }), stopped);
  const paused = await act({ action: 'pause', for: '10m' });
  assert.equal(paused.status, 'paused');
  assert.ok(Date.parse(paused.nextRunAt) - Date.now() <= 600_000);
  assert.equal((await act({ action: 'start' })).status, 'running');
  for (const body of [{}, { action: 'go' }, { action: 'pause', for: 'a while' }, []])
    assert.equal((await problemIn(await post(url, body))).status, 400);
});

test('the schedules of all pipelines are listed by name, a page at a time', async (t) => {
  const scheduled = (name: string) => pipeline(name, { event: z.object({}), schedule: { every: '1h', source: () => [] }, handle() {} });
  const { mill, url } = await serve(t, {
    pipelines: [scheduled('tides'), pipeline('plain', { event: z.object({}), handle() {} }), hourly],
  });
  const ask = async (query = '') => JSON.parse(await (await fetch(`${url}/schedules${query}`)).text());
  await mill.schedule('tides').pause();
  const namesOf = ({ items }: { items: { pipeline: string; status: string }[] }) =>
    items.map(({ pipeline, status }) => `${pipeline} ${status}`);
  assert.deepEqual(namesOf(await ask()), ['hourly running', 'tides paused']);
  const first = await ask('?limit=1');
  assert.deepEqual(namesOf(first), ['hourly running']);
  const second = await ask(`?limit=1&cursor=${first.nextCursor}`);
  assert.deepEqual([namesOf(second), second.nextCursor], [['tides paused'], undefined]);
  assert.deepEqual(second.items[0], {
    pipeline: 'tides',
    ...JSON.parse(await (await fetch(`${url}/pipelines/tides/schedule`)).text()),
  });
  assert.deepEqual(namesOf(await ask('?pipeline=tides')), ['tides paused']);
  assert.deepEqual(await ask('?pipeline=plain'), { items: [] });
  for (const query of ['?limit=0', '?cursor=x', '?status=running'])
    assert.equal((await problemIn(await fetch(`${url}/schedules${query}`))).status, 400, query);
});

test('a pipeline without a schedule shows none', async (t) => {
  const { url } = await serve(t);
  assert.equal((await problemIn(await fetch(`${url}/pipelines/visits/schedule`))).status, 404);
});
