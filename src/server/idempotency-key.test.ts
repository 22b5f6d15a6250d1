import assert from 'node:assert/strict';
import { test } from 'node:test';
import { post, problemIn, serve } from './fixture.test.ts';
import { ingestRoute } from './ingest-route.ts';

test('an event with an idempotency key is taken in once', async (t) => {
  const { url } = await serve(t);
  const once = async () => (await post(`${url}/pipelines/visits/events`, { page: 'a' }, { 'idempotency-key': 'first' })).json();
  assert.deepEqual(await once(), { id: 'first', status: 'accepted' });
  assert.deepEqual(await once(), { id: 'first', status: 'duplicate' });
});

test('an invalid idempotency key is refused', async (t) => {
  const { url } = await serve(t);
  for (const key of ['', 'k'.repeat(513)]) {
    assert.equal(
      (await problemIn(await post(`${url}/pipelines/visits/events`, { page: 'a' }, { 'idempotency-key': key }))).code,
      'MILL_INVALID_EVENT',
    );
  }
});

test('an idempotency key is refused if a number identifies the event', async (t) => {
  const { url, mill } = await serve(t);
  const { detail } = await problemIn(
    await post(`${url}/pipelines/numbered/events`, { key: 'a', number: 1 }, { 'idempotency-key': 'first' }),
  );
  assert.match(detail, /Idempotency-Key\) with an event identified by its number, found "first"$/);
  assert.equal(mill.counts().numbered?.received, 0);
});

test('an idempotency key for a batch is refused', async (t) => {
  const { url, mill } = await serve(t);
  const response = await post(`${url}/pipelines/visits/events/batch`, { events: [{ page: 'a' }] }, { 'idempotency-key': 'first' });
  const { status, detail } = await problemIn(response);
  assert.equal(status, 400);
  assert.match(detail, /^Idempotency-Key: expected none, since a batch has many events/);
  assert.equal(mill.counts().visits?.received, 0);
});

test('a route that ignores idempotency keys refuses them, with and without Fastify', async (t) => {
  const { url } = await serve(t, {
    routes(app) {
      ingestRoute(app, '/blind', {}, async ({ body }) => ({ body }));
      ingestRoute(app, '/seeing', {}, async ({ headers }) => ({ key: headers['idempotency-key'] }), { idempotencyKey: 'by route' });
    },
  });
  for (const path of ['/blind', '/blind/']) {
    const { code } = await problemIn(await post(`${url}${path}`, 1, { 'idempotency-key': 'first' }));
    assert.equal(code, 'MILL_INVALID_REQUEST', path);
    assert.equal((await post(`${url}${path}`, 1)).status, 202, path);
  }
  assert.deepEqual(await (await post(`${url}/seeing`, 1, { 'idempotency-key': '"first"' })).json(), { key: '"first"' });
});
