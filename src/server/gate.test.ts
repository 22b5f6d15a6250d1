import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { exchange, post, problemIn, serve } from './fixture.test.ts';

test('an unknown path is 404', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/nowhere', '/pipelines/visits/nowhere', '/docs/static/nowhere.css', '//pipelines']) {
    assert.equal((await problemIn(await fetch(`${url}${path}`))).code, 'MILL_NOT_FOUND', path);
  }
});

/** Routes with parameters beside routes without. */
function nestedRoutes(app: FastifyInstance): void {
  app.get('/things/:id', () => 'one');
  app.put('/things/:id', () => 'put');
  app.get('/things/first', () => 'first');
  app.post('/things/batch', () => 'batch');
}

const wrongMethods = [
  { method: 'DELETE', path: '/pipelines', allow: 'GET, HEAD' },
  { method: 'OPTIONS', path: '/ping/', allow: 'GET, HEAD' },
  { method: 'PROPFIND', path: '/ping?x=1', allow: 'GET, HEAD' },
  { method: 'GET', path: '/pipelines/visits/events', allow: 'POST' },
  { method: 'PUT', path: '/pipelines/visits/keys/a%2Fb', allow: 'GET, HEAD' },
  { method: 'POST', path: '/docs', allow: 'GET, HEAD' },
];

test('a wrong method on a known path is answered 405 with the allowed methods', async (t) => {
  const { url } = await serve(t);
  for (const { method, path, allow } of wrongMethods) {
    const response = await fetch(`${url}${path}`, { method });
    assert.equal(response.headers.get('allow'), allow, path);
    assert.equal((await problemIn(response)).code, 'MILL_METHOD_NOT_ALLOWED');
  }
});

test('a path declared without parameters has only its own methods, whatever route with parameters it would match', async (t) => {
  const { url } = await serve(t, { routes: nestedRoutes });
  for (const [method, path, allow] of [
    ['GET', '/things/batch', 'POST'],
    ['HEAD', '/things/batch/?x=1', 'POST'],
    ['DELETE', '/things/batch', 'POST'],
    ['PUT', '/things/first', 'GET, HEAD'],
    ['GET', '/dead-letters/redrive', 'POST'],
  ] as const) {
    const response = await fetch(`${url}${path}`, { method });
    assert.deepEqual([response.status, response.headers.get('allow')], [405, allow], `${method} ${path}`);
    await response.arrayBuffer();
  }
  for (const [method, path, answer] of [
    ['GET', '/things/batches', 'one'],
    ['GET', '/things/first', 'first'],
    ['PUT', '/things/second', 'put'],
    ['POST', '/things/batch', 'batch'],
  ] as const) {
    assert.equal(await (await fetch(`${url}${path}`, { method })).text(), answer, `${method} ${path}`);
  }
});

test('a route with a wildcard serves what no other route does, also at paths that are declared without parameters', async (t) => {
  const routes = (app: FastifyInstance) => {
    nestedRoutes(app);
    app.get('/*', () => 'app');
    app.options('*', () => 'preflight');
    app.post('/login', () => 'login');
  };
  const { url } = await serve(t, { routes });
  for (const [method, path, answer] of [
    ['GET', '/login', 'app'],
    ['POST', '/login', 'login'],
    ['OPTIONS', '/login', 'preflight'],
    ['OPTIONS', '/things/batch', 'preflight'],
    ['GET', '/things/second', 'one'],
  ] as const) {
    assert.equal(await (await fetch(`${url}${path}`, { method })).text(), answer, `${method} ${path}`);
  }
  assert.equal((await fetch(`${url}/things/batch`)).status, 405);
});

test('a wrong method is refused before the body is read', async (t) => {
  const { url } = await serve(t);
  const { promise: answered, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
    socket.write('POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
  });
  socket.once('data', (chunk) => resolve(String(chunk)));
  assert.match(await answered, /^HTTP\/1.1 405 /);
  socket.destroy();
});

test('a trailing slash makes no difference', async (t) => {
  const { url } = await serve(t);
  assert.equal((await fetch(`${url}/pipelines/`)).status, 200);
});

test('HEAD answers like GET, without a body', async (t) => {
  const { url } = await serve(t);
  const response = await fetch(`${url}/ping`, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(await response.text(), '');
});

test('a path that is not percent-encoded UTF-8 is refused', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/pipelines/visits/keys/%E0%A4%A', '/%']) {
    const problem = await problemIn(await fetch(`${url}${path}`));
    assert.equal(problem.status, 400);
    assert.equal(problem.code, 'MILL_INVALID_REQUEST');
  }
});

test('the longest key fits into a path, and a longer one is 404', async (t) => {
  const { url } = await serve(t);
  const longest = '語'.repeat(512);
  await post(`${url}/pipelines/visits/events`, { page: longest });
  assert.equal((await fetch(`${url}/pipelines/visits/keys/${encodeURIComponent(longest)}`)).status, 200);
  assert.equal((await problemIn(await fetch(`${url}/pipelines/visits/keys/${'k'.repeat(5_000)}`))).code, 'MILL_NOT_FOUND');
});

const malformed = { status: 400, detail: 'expected a well-formed HTTP/1.1 request' };

const host = 'Host: expected the name of the server once, as HTTP/1.1 requires';
const notHttp = [
  { text: 'garbage\r\n\r\n', ...malformed },
  { text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ...malformed },
  { text: 'POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', ...malformed },
  { text: 'POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n', ...malformed },
  {
    text: `GET /ping HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
    status: 431,
    detail: 'expected a URL and headers of at most 16384 bytes together, found more',
  },
  { text: 'GET /ping HTTP/1.1\r\n\r\n', status: 400, detail: `${host}, found none` },
  { text: 'GET /ping HTTP/1.1\r\nHost: x\r\nHOST: x\r\n\r\n', status: 400, detail: `${host}, found 2 lines` },
  { text: 'GET /ping HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n', status: 400, detail: `${host}, found 2 lines` },
  {
    text: 'POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nHost: x\r\nContent-Length: 12\r\n\r\n{"page":"/"}',
    status: 400,
    detail: `${host}, found 2 lines`,
  },
];

test('a request that is not valid HTTP is answered and its connection closed, and the server continues', async (t) => {
  const { url } = await serve(t);
  for (const { text, status, detail } of notHttp) {
    const answer = await exchange(url, text);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*application/problem\\+json`), text.slice(0, 20));
    assert.equal(JSON.parse(answer.slice(answer.indexOf('{'))).detail, detail);
  }
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});
