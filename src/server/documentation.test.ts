import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { serve } from './fixture.test.ts';
import { jsonSchemaOf } from './parse-request.ts';

const Operation = z.looseObject({
  summary: z.string().min(1),
  tags: z.array(z.string()).min(1),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
});
const OpenApi = z.looseObject({
  openapi: z.literal('3.1.0'),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
});

test('the API description has every route, each with a summary, a tag, answers and problems', async (t) => {
  const { url } = await serve(t, {
    routes(app) {
      const body = jsonSchemaOf(z.object({ name: z.string() }));
      app.post('/things', { schema: { summary: 'Make a thing', body } }, async () => ({}));
    },
  });
  const { paths, tags } = OpenApi.parse(await (await fetch(`${url}/openapi.json`)).json());
  assert.deepEqual(Object.keys(paths).sort(), [
    '/access',
    '/audit',
    '/concerns',
    '/dead-letters',
    '/dead-letters/discard',
    '/dead-letters/groups',
    '/dead-letters/redrive',
    '/dead-letters/{id}',
    '/dead-letters/{id}/discard',
    '/dead-letters/{id}/redrive',
    '/engine',
    '/fleet',
    '/health',
    '/live',
    '/metrics',
    '/operations',
    '/operations/{id}',
    '/operations/{id}/stop',
    '/operations/{id}/undo',
    '/ping',
    '/pipelines',
    '/pipelines/numbered/events',
    '/pipelines/numbered/events/batch',
    '/pipelines/numbered/gaps',
    '/pipelines/numbered/keys/{key}',
    '/pipelines/visits/events',
    '/pipelines/visits/events/batch',
    '/pipelines/visits/keys/{key}',
    '/pipelines/{pipeline}',
    '/pipelines/{pipeline}/dead-letters/discard',
    '/pipelines/{pipeline}/deliveries',
    '/pipelines/{pipeline}/deliveries/{endpoint}/withdraw',
    '/pipelines/{pipeline}/events/discard',
    '/pipelines/{pipeline}/keys',
    '/pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/send',
    '/pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/withdraw',
    '/pipelines/{pipeline}/keys/{key}/park',
    '/pipelines/{pipeline}/keys/{key}/resume',
    '/pipelines/{pipeline}/keys/{key}/skip-gap',
    '/pipelines/{pipeline}/keys/{key}/timeline',
    '/pipelines/{pipeline}/pause',
    '/pipelines/{pipeline}/resume',
    '/pipelines/{pipeline}/timers',
    '/schedules',
    '/things',
  ]);
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    assert.ok(operation.responses['4XX'] !== undefined && operation.responses['5XX'] !== undefined);
    for (const { description } of Object.values(operation.responses)) assert.notEqual(description, 'Default Response');
    for (const tag of operation.tags)
      assert.ok(
        tags.some(({ name }) => name === tag),
        tag,
      );
  }
  assert.deepEqual(paths['/things']?.post?.tags, ['site']);
  assert.deepEqual(paths['/things']?.post?.requestBody, {
    required: true,
    content: { 'application/json': { schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } } },
  });
});

test('the API description names the common refusals wherever they may occur', async (t) => {
  const { url } = await serve(t);
  const { paths } = OpenApi.parse(await (await fetch(`${url}/openapi.json`)).json());
  const statuses = (path: string, method: string) => Object.keys(paths[path]?.[method]?.responses ?? {}).sort();
  assert.deepEqual(statuses('/health', 'get'), ['200', '4XX', '503', '5XX']);
  assert.deepEqual(statuses('/dead-letters/{id}', 'get'), ['200', '404', '4XX', '5XX']);
  assert.deepEqual(statuses('/dead-letters/{id}/redrive', 'post'), ['200', '403', '404', '415', '4XX', '5XX']);
  assert.deepEqual(statuses('/pipelines/visits/events', 'post'), ['202', '403', '404', '415', '4XX', '5XX']);
  assert.deepEqual(Object.keys(Object(paths['/pipelines/visits/events']?.post?.responses['415']?.headers)), ['Accept-Encoding']);
  assert.equal(paths['/health']?.get?.parameters, undefined);
});

test('every reference in the API description is valid', async (t) => {
  const { url } = await serve(t);
  const description = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
  const references = new Set(JSON.stringify(description).match(/"\$ref":"[^"]+"/g));
  assert.ok(references.size > 0);
  for (const reference of references) {
    const path = reference.slice('"$ref":"#/'.length, -1).split('/');
    assert.ok(path.reduce((at, step) => at?.[step], description) !== undefined, reference);
  }
});

test('the docs page loads its parts from this server, with or without a trailing slash', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/docs', '/docs/']) {
    const response = await fetch(`${url}${path}`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    const parts = Array.from(
      (await response.text()).matchAll(/(?:src|href)="([^"]+)"/g),
      ([, part]) => new URL(part ?? '', `${url}${path}`),
    );
    assert.ok(parts.length >= 4);
    for (const part of parts) {
      assert.equal(part.origin, url);
      assert.equal((await fetch(part)).status, 200, part.href);
    }
  }
});

test('the address of the docs that people would guess leads there', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/swagger', '/swagger/']) {
    const response = await fetch(`${url}${path}`, { redirect: 'manual' });
    assert.equal(response.status, 302);
    assert.equal(response.headers.get('location'), '/docs');
  }
});
