import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { millrace } from '../engine/mill.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';
import { post, problemIn, serve, visits } from './fixture.test.ts';

test('a server reports its actual port', async (t) => {
  const { url } = await serve(t);
  assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
});

test('an IPv6 host is written in brackets', async (t) => {
  const mill = await millrace({ store: memory(), pipelines: [visits] }).start();
  const server = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  const url = await server.listen({ host: '::1', port: 0 });
  assert.match(url, /^http:\/\/\[::1\]:\d+$/);
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});

test('a port in use is one clear line that names host and port', async (t) => {
  const { url } = await serve(t);
  const port = Number(new URL(url).port);
  const mill = await millrace({ store: memory(), pipelines: [visits] }).start();
  const second = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  await assert.rejects(second.listen({ host: '127.0.0.1', port }), {
    code: 'MILL_INVALID_CONFIGURATION',
    message: `cannot listen on 127.0.0.1:${port}: the port is in use by another program`,
  });
  await second.stop(1_000);
});

/** A server with a request in flight, which ends when the test says so. */
async function serveSlowly(t: Parameters<typeof serve>[0]) {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const served = await serve(t, {
    routes(app, mill) {
      app.post('/slow', async () => {
        entered.resolve();
        await release.promise;
        return mill.ingest('visits', { page: 'slow' });
      });
    },
  });
  const answer = fetch(`${served.url}/slow`, { method: 'POST' });
  await entered.promise;
  return { ...served, answer, release };
}

test('a stop refuses new requests at once and lets those in flight finish', async (t) => {
  const { url, server, mill, answer, release } = await serveSlowly(t);
  const stopped = server.stop(10_000);

  const refused = await post(`${url}/pipelines/visits/events`, { page: 'late' });
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.equal(refused.headers.get('connection'), 'close');
  assert.equal((await problemIn(refused)).code, 'MILL_STOPPING');
  assert.equal((await fetch(`${url}/pipelines`)).status, 503);

  release.resolve();
  assert.equal((await answer).status, 200);
  await stopped;
  assert.equal(mill.counts().visits?.processed, 1);
  await assert.rejects(fetch(`${url}/ping`));
});

test('while it stops a server still answers health, ping and metrics', async (t) => {
  const { url, server, answer, release } = await serveSlowly(t);
  const stopped = server.stop(10_000);
  const health = await fetch(`${url}/health/`);
  assert.equal(health.status, 503);
  assert.match(await health.text(), /"status":"unavailable",.*"reason":"the server is stopping"/);
  assert.equal((await fetch(`${url}/ping`)).status, 200);
  assert.equal((await fetch(`${url}/metrics`)).status, 200);
  release.resolve();
  await Promise.all([answer, stopped]);
});

test('a stop takes no longer than allowed, whatever is in flight', async (t) => {
  const { server, answer } = await serveSlowly(t);
  const cut = assert.rejects(answer);
  const startedAt = performance.now();
  await server.stop(200);
  assert.ok(performance.now() - startedAt < 5_000);
  await cut;
});

test('a stop waits for no idle connection', async (t) => {
  const { url, server } = await serve(t);
  await fetch(`${url}/ping`);
  const startedAt = performance.now();
  await server.stop(30_000);
  assert.ok(performance.now() - startedAt < 5_000);
});

test('a second stop joins the first one', async (t) => {
  const { server } = await serve(t);
  const first = server.stop(1_000);
  assert.equal(server.stop(1), first);
  await first;
});
