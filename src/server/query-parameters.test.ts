import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { documentedRoutes, post, problemIn, serve } from './fixture.test.ts';
import { ingestRoute } from './ingest-route.ts';
import { jsonSchemaOf } from './parse-request.ts';
import { noQuery, queryCheck } from './query-parameters.ts';

/** Returns the reasons for refusing a query, by parameter; empty if it is accepted. */
function refusals(schema: unknown, query: Record<string, unknown>): Record<string, string> {
  const verdict = queryCheck(schema)(query);
  return verdict === true ? {} : Object.fromEntries(verdict.error.issues.map(({ path, message }) => [path, message]));
}

const listQuery = jsonSchemaOf(z.object({ limit: z.string(), cursor: z.string().optional(), tags: z.array(z.string()).optional() }));

test('an undeclared parameter is refused with the nearest name, or with all names', () => {
  assert.deepEqual(refusals(listQuery, { limt: '1', cursor: 'x', colour: 'red' }), {
    limt: 'no such parameter; did you mean limit?',
    colour: 'no such parameter; this route takes limit, cursor, tags',
  });
  assert.deepEqual(refusals(noQuery, { page: '2' }), { page: 'no such parameter; this route takes none' });
  assert.deepEqual(Object.keys(refusals(listQuery, JSON.parse('{"__proto__":"1","constructor":"2"}'))), ['__proto__', 'constructor']);
});

test('a repeated parameter is refused, unless it is a list', () => {
  assert.deepEqual(refusals(listQuery, { limit: ['1', '2', '3'] }), { limit: 'found 3 times; expected once' });
  assert.deepEqual(refusals(listQuery, { tags: ['a', 'b'] }), {});
});

test('a schema that allows other parameters must say so to be left alone', () => {
  assert.deepEqual(refusals(jsonSchemaOf(z.looseObject({ limit: z.string() })), { any: '1' }), {});
  assert.deepEqual(refusals({ type: 'object' }, { any: '1' }), {});
});

test('a refusal is no longer than a reader needs', () => {
  const query = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`x${at}${'y'.repeat(100)}`, '']));
  const verdict = queryCheck(listQuery)(query);
  assert.ok(verdict !== true && verdict.error.issues.length === 10 && verdict.error.message.length < 3_000);
});

test('every route of the server refuses an unknown parameter', async (t) => {
  const { url } = await serve(t, { routes: (app) => ingestRoute(app, '/take', {}, async ({ body }) => ({ body })) });
  const routes = await documentedRoutes(url);
  assert.ok(routes.length >= 15);
  for (const { method, path } of [...routes, { method: 'GET', path: '/openapi.json' }]) {
    const body = method === 'POST' ? '{"page":"a"}' : null;
    const response = await fetch(`${url}${path}?unheardOf=1`, { method, body });
    const { code, errors } = await problemIn(response);
    assert.deepEqual([code, errors?.[0]?.path], ['MILL_INVALID_REQUEST', 'unheardOf'], `${method} ${path}`);
  }
});

test('a misspelt filter is refused rather than ignored', async (t) => {
  const { url } = await serve(t);
  const { detail } = await problemIn(await fetch(`${url}/dead-letters?pipelin=visits`));
  assert.equal(detail, 'query: pipelin: no such parameter; did you mean pipeline?');
  for (const query of ['limit=1&limit=2', 'pipeline=visits&pipeline=numbered', 'key=a&key=a'])
    assert.equal((await problemIn(await fetch(`${url}/dead-letters?${query}`))).status, 400, query);
});

test('a user’s route without a declaration accepts any parameter, and a declaration closes its query', async (t) => {
  const { url } = await serve(t, {
    routes(app) {
      app.get('/open', { schema: { summary: 'No word of a query' } }, async ({ query }) => query);
      app.get('/closed', { schema: { querystring: jsonSchemaOf(z.object({ a: z.string().optional() })) } }, async ({ query }) => query);
      const querystring = jsonSchemaOf(z.looseObject({}));
      ingestRoute(app, '/hook', { querystring }, async ({ body }) => ({ body }));
    },
  });
  assert.deepEqual(await (await fetch(`${url}/open?a=1&b=2`)).json(), { a: '1', b: '2' });
  assert.deepEqual(await (await fetch(`${url}/closed?a=1`)).json(), { a: '1' });
  assert.equal((await fetch(`${url}/closed?a=1&b=2`)).status, 400);
  assert.equal((await post(`${url}/hook?source=x`, 1)).status, 202);
});
