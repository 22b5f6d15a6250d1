import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { exchange, post, problemIn, serve } from './fixture.test.ts';

test('an unknown path is 404', async (t) => {
  const { url } = await serve(t);
  for (const path of ['/nowhere', '/pipelines/visits/nowhere', '/docs/static/nowhere.css', '//pipelines']) {
    assert.equal((await problemIn(await fetch(`${url}${path}`))).code, 'MILL_NOT_FOUND', path);
  }
});

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

const notHttp = [
  { text: 'garbage\r\n\r\n', status: 400 },
  { text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: 400 },
  { text: 'POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', status: 400 },
  { text: 'POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n', status: 400 },
  { text: `GET /ping HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`, status: 431 },
];

test('data that is not HTTP is answered and its connection closed, and the server continues', async (t) => {
  const { url } = await serve(t);
  for (const { text, status } of notHttp) {
    assert.match(await exchange(url, text), new RegExp(`^HTTP/1.1 ${status} [^]*application/problem\\+json`), text.slice(0, 20));
  }
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});
