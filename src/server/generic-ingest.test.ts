import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { post, problemIn, serve, visits } from './fixture.test.ts';
import { ingestRoute } from './ingest-route.ts';

/** Payments arrive only signed, and in no other way. */
const payments = pipeline('payments', {
  event: z.object({ order: z.string() }),
  key: ({ order }) => order,
  state: z.object({ paid: z.boolean() }),
  genericIngest: false,
  handle: () => ({ paid: true }),
});

const served = {
  pipelines: [visits, payments],
  routes: (app, mill) => ingestRoute(app, '/webhooks/payments', {}, async ({ body }) => mill.ingest('payments', body)),
} satisfies Parameters<typeof serve>[1];

test('a pipeline with generic routes turned off accepts events only through its own routes', async (t) => {
  const { url, mill } = await serve(t, served);
  const event = { order: 'a' };
  for (const [path, body] of [
    ['events', event],
    ['events/', event],
    ['events?', event],
    ['events/batch', { events: [event] }],
    ['events/batch/', { events: [event] }],
  ] as const) {
    const { code, detail } = await problemIn(await post(`${url}/pipelines/payments/${path}`, body));
    assert.equal(code, 'MILL_NOT_FOUND', path);
    assert.match(detail, /genericIngest: false/, path);
  }
  assert.equal((await post(`${url}/pipelines/p%61yments/events`, event)).status, 404);
  assert.equal(mill.counts().payments?.received, 0);
  assert.equal((await post(`${url}/webhooks/payments`, event)).status, 202);
  assert.equal((await post(`${url}/pipelines/visits/events`, { page: 'a' })).status, 202);
});

test('such a pipeline is read and operated like any other', async (t) => {
  const { url } = await serve(t, served);
  await post(`${url}/webhooks/payments`, { order: 'a' });
  const key = JSON.parse(await (await fetch(`${url}/pipelines/payments/keys/a`)).text());
  assert.deepEqual(key.state, { paid: true });
  const { items } = JSON.parse(await (await fetch(`${url}/pipelines`)).text());
  assert.ok(items.some(({ name }: { name: string }) => name === 'payments'));
});

test('the docs do not show generic routes that are off, and their pipeline mentions it', async (t) => {
  const { url } = await serve(t, { pipelines: [visits, payments] });
  const { paths } = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
  for (const [pipeline, isShown] of [
    ['visits', true],
    ['payments', false],
  ] as const) {
    for (const path of [`/pipelines/${pipeline}/events`, `/pipelines/${pipeline}/events/batch`]) {
      assert.equal(Object.hasOwn(paths, path), isShown, path);
    }
    assert.ok(Object.hasOwn(paths, `/pipelines/${pipeline}/keys/{key}`));
    const { declared } = JSON.parse(await (await fetch(`${url}/pipelines/${pipeline}`)).text());
    assert.equal(declared.genericIngest, isShown);
  }
});

test('the option must be true or false', () => {
  const declare = (genericIngest: unknown) =>
    pipeline('payments', { event: z.object({}), handle() {}, genericIngest: genericIngest as boolean });
  assert.equal(declare(undefined).genericIngest, true);
  for (const wrong of ['false', 0, null])
    assert.throws(() => declare(wrong), {
      code: 'MILL_INVALID_DECLARATION',
      message: /^pipeline payments: genericIngest: expected true or false, found /,
    });
});
