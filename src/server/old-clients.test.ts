import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onOneConnection, serve } from './fixture.test.ts';

const poison = '{"page":""}';
const requests: readonly (readonly [line: string, status: number, body?: string])[] = [
  ['GET /ping', 200],
  ['HEAD /ping', 200],
  ['GET /health', 200],
  ['GET /', 200],
  ['GET /docs', 200],
  ['GET /swagger', 302],
  ['GET /nowhere', 404],
  ['HEAD /nowhere', 404],
  ['GET /%', 400],
  ['PUT /ping', 405, ''],
  ['POST /pipelines/visits/events', 202, '{"page":"a"}'],
  ['POST /pipelines/visits/events', 400, poison],
  ['POST /pipelines/visits/events/', 202, '{"page":"a"}'],
  ['POST /pipelines/visits/events/', 400, poison],
  ['POST /pipelines/visits/events/', 400, '{'],
  ['POST /pipelines/visits/events/', 400, ''],
  ['POST /pipelines/visits/events', 413, `"${'x'.repeat(1024 * 1024)}"`],
  ['POST /dead-letters/nobody/redrive', 404, ''],
];

/** An HTTP/1.0 request like ApacheBench's. */
function ofOld(line: string, body?: string): string {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  return `${line} HTTP/1.0\r\nConnection: Keep-Alive\r\n${length}\r\n${body ?? ''}`;
}

test('an HTTP/1.0 client keeps its connection, whatever the answer', async (t) => {
  const { url } = await serve(t);
  for (const [line, status, body] of requests) {
    // The second answer shows that the first left the connection open.
    const [answer] = await onOneConnection(url, [ofOld(line, body), ofOld('GET /ping')]);
    assert.match(answer ?? '', new RegExp(`^HTTP/1.1 ${status} `), line);
    assert.match(answer ?? '', /^connection: keep-alive\r$/im, `${line} ${status}`);
    assert.match(answer ?? '', /^keep-alive: timeout=75\r$/im, `${line} ${status}`);
  }
});

test('an HTTP/1.0 client that does not ask to keep its connection has it closed', async (t) => {
  const { url } = await serve(t);
  for (const [line, status, body] of requests) {
    const request = ofOld(line, body).replace('Connection: Keep-Alive\r\n', '');
    const [answer] = await onOneConnection(url, [request]);
    assert.match(answer ?? '', new RegExp(`^HTTP/1.1 ${status} [^]*^connection: close\r$`, 'im'), line);
    await assert.rejects(onOneConnection(url, [request, request]), Error, line);
  }
});

test('a client refused because the server is stopping has its connection closed', async (t) => {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { url, server } = await serve(t, {
    routes(app) {
      app.get('/slow', async () => {
        entered.resolve();
        await release.promise;
        return {};
      });
    },
  });
  const slow = fetch(`${url}/slow`);
  await entered.promise;
  const stopped = server.stop(10_000);
  const [refused] = await onOneConnection(url, [ofOld('GET /pipelines')]);
  assert.match(refused ?? '', /^HTTP\/1.1 503 /);
  assert.match(refused ?? '', /^connection: close\r$/im);
  release.resolve();
  assert.equal((await slow).status, 200);
  await stopped;
});
