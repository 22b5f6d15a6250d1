import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { post, problemIn, serve } from './fixture.test.ts';

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

test('a body that is not JSON is refused, and the answer says where it goes wrong', async (t) => {
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

test('a route that wants a body refuses a request without one', async (t) => {
  const { url } = await serve(t);
  for (const body of ['', 'null']) {
    const problem = await problemIn(await post(`${url}/pipelines/visits/events`, body));
    assert.equal(problem.status, 400);
    assert.equal(problem.code, 'MILL_NOT_JSON');
  }
});

test('a body of 1 MiB is read, and one byte more is refused with 413', async (t) => {
  const { url } = await serve(t, { routes: (app) => void app.post('/sizes', async ({ body }) => ({ length: String(body).length })) });
  const mebibyte = JSON.stringify('x'.repeat(1024 * 1024 - 2));
  const tooLarge = JSON.stringify('x'.repeat(1024 * 1024 - 1));
  assert.equal((await post(`${url}/sizes`, mebibyte)).status, 200);
  assert.equal((await problemIn(await post(`${url}/sizes`, tooLarge))).code, 'MILL_BODY_TOO_LARGE');
});

test('a body that is too large is refused when it comes in chunks', async (t) => {
  const { url } = await serve(t);
  const body = new Blob(['x'.repeat(3 * 1024 * 1024)]).stream();
  const problem = await problemIn(await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body, duplex: 'half' }));
  assert.equal(problem.status, 413);
});

test('after a body that was too large the connection is good for the next request', async (t) => {
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

test('a client that goes away in the middle of its body harms nobody', async (t) => {
  const { url } = await serve(t);
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
    socket.end('POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"page":');
  });
  socket.resume().on('close', () => resolve());
  await closed;
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});

/** Sends the text and resolves with all that came back, once the server has closed the connection. */
function exchange(url: string, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let received = '';
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
  socket.setEncoding('utf8').on('data', (chunk) => (received += chunk));
  socket.on('error', reject).on('close', () => resolve(received));
  return promise;
}
