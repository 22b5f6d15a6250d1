import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pino } from 'pino';
import * as z from 'zod';
import { millrace } from '../engine/mill.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { createServer } from './create-server.ts';
import { exchange, post, problemIn, serve } from './fixture.test.ts';
import { httpLimits } from './http-limits.ts';
import { ingestRoute } from './ingest-route.ts';

const types = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'x',
  ';;;',
  'multipart/form-data',
];

test('a body is JSON whatever its content type says', async (t) => {
  const { url } = await serve(t);
  for (const type of types) {
    const response = await post(`${url}/pipelines/visits/events`, { page: 'a' }, { 'content-type': type });
    assert.equal(response.status, 202, type);
  }
});

test('a body without a content type is JSON', async (t) => {
  const { url } = await serve(t);
  const body = new TextEncoder().encode('{"page":"a"}');
  assert.equal((await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body })).status, 202);
});

test('a body that is not JSON is refused, with the place of the error', async (t) => {
  const { url } = await serve(t);
  const problem = await problemIn(await post(`${url}/pipelines/visits/events`, `{"page": "${'a'.repeat(100)}" oops}`));
  assert.equal(problem.code, 'MILL_NOT_JSON');
  assert.equal(problem.type, 'urn:millrace:error:not-json');
  assert.match(problem.detail, /position 112/);
});

test('a body that is not UTF-8 is refused', async (t) => {
  const { url, mill } = await serve(t);
  for (const bytes of [[0xff], [0xed, 0xa0, 0x80]]) {
    const body = Buffer.concat([Buffer.from('{"page":"/'), Buffer.from(bytes), Buffer.from('"}')]);
    const response = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body });
    assert.equal((await problemIn(response)).code, 'MILL_NOT_JSON');
  }
  assert.equal(mill.counts().visits?.received, 0);
});

test('a route that requires a body refuses a request without one', async (t) => {
  const { url } = await serve(t);
  for (const body of ['', 'null']) {
    const problem = await problemIn(await post(`${url}/pipelines/visits/events`, body));
    assert.equal(problem.status, 400);
    assert.equal(problem.code, 'MILL_NOT_JSON');
  }
});

test('a body of 1 MiB is read, and one with a byte more is refused with 413', async (t) => {
  const { url } = await serve(t, { routes: (app) => void app.post('/sizes', async ({ body }) => ({ length: String(body).length })) });
  const mebibyte = JSON.stringify('x'.repeat(1024 * 1024 - 2));
  const tooLarge = JSON.stringify('x'.repeat(1024 * 1024 - 1));
  assert.equal((await post(`${url}/sizes`, mebibyte)).status, 200);
  const { code, detail } = await problemIn(await post(`${url}/sizes`, tooLarge));
  assert.deepEqual([code, detail], ['MILL_BODY_TOO_LARGE', 'expected a body of at most 1048576 bytes, found a larger one']);
});

test('a server with other limits keeps them: for bodies in every way in, for batches also in the API description', async (t) => {
  const { url } = await serve(t, { limits: { batch: 2 }, http: { ...httpLimits, bodyBytes: 100 } });
  const fits = JSON.stringify({ page: 'x'.repeat(100 - '{"page":""}'.length) });
  const events = `${url}/pipelines/visits/events`;
  assert.equal((await post(events, fits)).status, 202);
  const tooLarge = new Blob([fits, ' ']).stream();
  for (const answer of [await post(events, `${fits} `), await fetch(events, { method: 'POST', body: tooLarge, duplex: 'half' })]) {
    const { status, detail } = await problemIn(answer);
    assert.deepEqual([status, detail], [413, 'expected a body of at most 100 bytes, found a larger one']);
  }
  const { status } = await problemIn(await post(`${events}/batch`, { events: [{ page: 'a' }, { page: 'b' }, { page: 'c' }] }));
  assert.equal(status, 400);
  assert.match(await (await fetch(`${url}/openapi.json`)).text(), /"maxItems":2\b/);
});

test('a body that is too large is refused even if it arrives in chunks', async (t) => {
  const { url } = await serve(t);
  const body = new Blob(['x'.repeat(3 * 1024 * 1024)]).stream();
  const problem = await problemIn(await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body, duplex: 'half' }));
  assert.equal(problem.status, 413);
});

test('after a body that was too large the connection remains usable', async (t) => {
  const { url } = await serve(t);
  const requests = [
    `POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n${'x'.repeat(3_000_000)}`,
    'GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ];
  const answers = await exchange(url, requests.join(''));
  assert.match(answers, /^HTTP\/1.1 413 .*HTTP\/1.1 200 OK.*{"pong":true}$/s);
});

test('nesting that would exhaust the stack is refused', async (t) => {
  const { url } = await serve(t, { routes: (app) => void app.post('/echo', async ({ body }) => ({ body })) });
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  assert.equal((await post(`${url}/echo`, nested(500))).status, 200);
  for (const body of [nested(501), nested(400_000), '{"a":'.repeat(150_000).concat('1', '}'.repeat(150_000))]) {
    assert.equal((await problemIn(await post(`${url}/echo`, body))).status, 400);
  }
});

test('a key that would become a prototype is refused, however it is written', async (t) => {
  const { url } = await serve(t);
  for (const body of ['{"page":"a","__proto__":{"admin":true}}', '{"page":"a","x":[{"\\u005f_proto__":1}]}']) {
    assert.match((await problemIn(await post(`${url}/pipelines/visits/events`, body))).detail, /__proto__/);
  }
  assert.equal((await post(`${url}/pipelines/visits/events`, { page: '__proto__' })).status, 202);
});

test('a client that leaves in the middle of its body does no harm', async (t) => {
  const { url } = await serve(t);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
    socket.end('POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"page":');
  });
  socket.resume().on('close', () => resolve());
  await closed;
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});

test('a number that JavaScript rounds is refused with its path, with and without Fastify', async (t) => {
  const { url, mill } = await serve(t);
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const problem = await problemIn(
      await send(`${url}/pipelines/visits/events`, '{"page":"a","deep":[{"id":1405478888888888901}]}', headers),
    );
    assert.equal(problem.status, 400);
    assert.deepEqual(problem.errors, [
      { path: 'deep[0].id', message: 'expected a number that JavaScript can hold exactly, found 1405478888888888901; send it as text' },
    ]);
    for (const source of ['1e400', '-1e400', '9007199254740993'])
      assert.equal((await send(`${url}/pipelines/visits/events`, `{"page":"a","n":${source}}`, headers)).status, 400, source);
    assert.equal((await send(`${url}/pipelines/visits/events`, '{"page":"a","n":9007199254740991}', headers)).status, 202);
  }
  assert.equal(mill.counts().visits?.received, 2);
});

test('in a batch only the event with such a number is refused, unless the event itself is the number', async (t) => {
  const { url, mill } = await serve(t);
  const batch = await post(`${url}/pipelines/visits/events/batch`, '{"events":[{"page":"a"},{"page":"b","id":1405478888888888901}]}');
  assert.equal(batch.status, 202);
  const { accepted, results } = (await batch.json()) as { accepted: number; results: { errors?: { path: string }[] }[] };
  assert.equal(accepted, 1);
  assert.deepEqual(
    results[1]?.errors?.map(({ path }) => path),
    ['id'],
  );
  const problem = await problemIn(await post(`${url}/pipelines/visits/events/batch`, '{"events":[{"page":"a"},1405478888888888901]}'));
  assert.deepEqual(
    problem.errors?.map(({ path }) => path),
    ['events[1]'],
  );
  assert.equal(mill.counts().visits?.received, 1);
});

test('a route that accepts no events refuses such a number', async (t) => {
  const { url } = await serve(t, { routes: (app) => void app.post('/own', async ({ body }) => body) });
  const problem = await problemIn(await post(`${url}/own`, '{"n":1405478888888888901}'));
  assert.equal(problem.code, 'MILL_INVALID_REQUEST');
  assert.deepEqual(
    problem.errors?.map(({ path }) => path),
    ['n'],
  );
  assert.equal((await problemIn(await post(`${url}/own`, '1405478888888888901'))).status, 400);
});

test('a pipeline that takes such numbers as text gets their digits, one by one and in batches', async (t) => {
  const seen: unknown[] = [];
  const orders = pipeline('orders', {
    event: z.object({ id: z.union([z.number(), z.string()]) }),
    inexactNumbers: 'text',
    id: ({ id }) => String(id),
    handle: ({ id }) => void seen.push(id),
  });
  const mill = await millrace({ store: memory(), pipelines: [orders] }).start();
  const server = await createServer({ mill, systems: [], log: pino({ level: 'silent' }) });
  t.after(() => server.stop(1_000));
  const url = `${await server.listen({ host: '127.0.0.1', port: 0 })}/pipelines/orders/events`;
  const ids = ['1405478888888888901', '1405478888888888902', '7'];
  for (const id of ids.slice(0, 2)) assert.deepEqual(await (await post(url, `{"id":${id}}`)).json(), { id, status: 'accepted' });
  assert.deepEqual(await (await post(url, `{"id":${ids[0]}}`)).json(), { id: ids[0], status: 'duplicate' });
  const batch = await post(`${url}/batch`, `{"events":[${ids.map((id) => `{"id":${id}}`).join(',')}]}`);
  const { results } = (await batch.json()) as { results: { status: string }[] };
  assert.deepEqual(
    results.map(({ status }) => status),
    ['duplicate', 'duplicate', 'accepted'],
  );
  await mill.idle(10_000);
  assert.deepEqual(seen, ['1405478888888888901', '1405478888888888902', 7]);
});

test('a byte order mark before a body is not part of it', async (t) => {
  const { url } = await serve(t);
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    assert.equal((await send(`${url}/pipelines/visits/events`, '\uFEFF{"page":"a"}', headers)).status, 202);
    assert.equal((await send(`${url}/pipelines/visits/events`, '\uFEFF\uFEFF{"page":"a"}', headers)).status, 400);
    assert.equal((await send(`${url}/pipelines/visits/events`, '\uFEFF', headers)).status, 400);
  }
});

/** Posts a text with a length, or in chunks, which go through Fastify. */
function send(url: string, text: string, headers: Record<string, string>): Promise<Response> {
  if (headers['transfer-encoding'] === undefined) return post(url, text);
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
  return fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
}

test('every route refuses a compressed body, and the answer says what is accepted', async (t) => {
  const { url, mill } = await serve(t, {
    routes(app) {
      ingestRoute(app, '/take', {}, async ({ body }) => ({ body }));
      app.post('/things', async ({ body }) => ({ body }));
    },
  });
  const body = gzipSync('{"page":"a"}');
  for (const path of ['/pipelines/visits/events', '/pipelines/visits/events/', '/pipelines/visits/events/batch', '/take', '/things']) {
    for (const encoding of ['gzip', 'GZIP', 'br', 'identity, gzip', 'x']) {
      const response = await fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-encoding': encoding } });
      assert.equal((await problemIn(response)).code, 'MILL_UNSUPPORTED_ENCODING', `${path} ${encoding}`);
      assert.equal(response.headers.get('accept-encoding'), 'identity');
    }
    for (const encoding of ['Identity', '']) {
      const response = await fetch(`${url}${path}`, { method: 'POST', body: '{"page":"a"}', headers: { 'content-encoding': encoding } });
      assert.notEqual(response.status, 415, `${path} ${encoding}`);
    }
  }
  assert.equal(mill.counts().visits?.received, 4);
});
