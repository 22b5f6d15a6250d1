import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../engine/mill.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';

/** Sends two events for each event that asks for it, and fails for `null`. */
const loop = pipeline('loop', {
  event: z.object({ n: z.int().nullable(), isLoop: z.boolean().default(false) }),
  key: ({ n }) => `k${n === null ? 'sick' : n % 7}`,
  retry: { attempts: 1 },
  handle({ n, isLoop }, _state, turn) {
    if (n === null) throw new Error('there is none');
    for (const more of isLoop ? [1, 2] : []) turn.send('loop', { n: n + more, isLoop });
  },
});

test('an operator sees a loop of sends in health and among concerns, pauses it, discards the waiting events, and resumes it', async (t) => {
  const mill = await millrace({ store: memory(), pipelines: [loop], limits: { backlog: 50, effects: 10, sends: 300 } }).start();
  const server = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const post = async (path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, { method: 'POST', ...(body !== undefined && { body: JSON.stringify(body) }) });
    const { code, ...rest } = Object(await answer.json());
    return answer.ok ? rest : [answer.status, code];
  };
  const get = async (path: string) => (await fetch(`${url}${path}`)).text();
  const health = async () => JSON.parse(await get('/health'));

  await post('/pipelines/loop/events', { n: 1, isLoop: true });
  await mill.idle(10_000);
  const { depth, throttled } = mill.counts().loop;
  assert.ok(depth >= 300 && depth <= 301);
  assert.deepEqual((await health()).loops, [{ pipelines: ['loop'], keys: throttled, events: depth }]);
  assert.match(await get('/concerns'), /loop of sends.*loop → loop: \d keys wait for room to send, and 30\d events are not settled/);
  assert.match(await get('/metrics?format=prometheus'), new RegExp(`millrace_throttled_keys\\{pipeline="loop"\\} ${throttled}\\b`));
  assert.deepEqual(await post('/pipelines/loop/events', { n: 1 }), [503, 'MILL_BACKLOG_FULL']);
  assert.deepEqual(await post('/pipelines/loop/events/discard'), [409, 'MILL_CONFLICT']);

  assert.deepEqual(await post('/pipelines/loop/pause'), { pipeline: 'loop', paused: true });
  assert.deepEqual((await health()).paused, ['loop']);
  assert.match(await get('/concerns'), /pipeline paused.*No turns start, and 30\d events wait/);
  assert.match(await get('/metrics?format=prometheus'), /millrace_paused\{pipeline="loop"\} 1\b/);
  const { discarded } = await post('/pipelines/loop/events/discard?key=k1');
  assert.ok(discarded > 0 && discarded < depth);
  assert.deepEqual(await post('/pipelines/loop/events/discard'), { discarded: depth - discarded });
  assert.deepEqual(await post('/pipelines/loop/resume'), { pipeline: 'loop', paused: false });
  const { status, paused, loops, depth: depths } = await health();
  assert.deepEqual([status, paused, loops, depths], ['ok', undefined, undefined, { loop: 0 }]);
  assert.match(
    await get('/metrics?format=prometheus'),
    new RegExp(`millrace_events_total\\{pipeline="loop",outcome="discarded"\\} ${depth}\\b`),
  );

  await post('/pipelines/loop/events', { n: null });
  await mill.idle(10_000);
  assert.deepEqual(await post('/pipelines/loop/dead-letters/discard?key=k1'), { discarded: 0 });
  assert.deepEqual(await post('/pipelines/loop/dead-letters/discard'), { discarded: 1 });
  assert.deepEqual(await post('/pipelines/nobody/pause'), [404, 'MILL_NOT_FOUND']);
  assert.deepEqual(await post('/pipelines/loop/events/discard?kee=k1'), [400, 'MILL_INVALID_REQUEST']);
});
