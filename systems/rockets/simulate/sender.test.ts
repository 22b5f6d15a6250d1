import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { sendAll } from './sender.ts';

async function serve(context: TestContext, listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/messages`);
}

test('every message is posted once and counted by its answer', async (context) => {
  const bodies: string[] = [];
  const url = await serve(context, async (request, response) => {
    const body = await text(request);
    assert.equal(request.url, '/messages');
    const known = bodies.includes(body);
    bodies.push(body);
    response.writeHead(202).end(JSON.stringify({ status: known ? 'duplicate' : 'accepted' }));
  });
  let taken = 0;
  const sent = await sendAll([{ a: 1 }, { a: 2 }, { a: 1 }], {
    urls: [url],
    senders: 1,
    pauseMs: 0,
    onTaken: () => taken++,
    onRetry: (_url, reason) => assert.fail(reason),
  });
  assert.deepEqual(bodies, ['{"a":1}', '{"a":2}', '{"a":1}']);
  assert.deepEqual([sent.accepted, sent.duplicates, sent.retries, taken, sent.latencyMicroseconds.count], [2, 1, 0, 3, 3]);
});

test('the requested number of senders work concurrently', async (context) => {
  const waiting: (() => void)[] = [];
  const url = await serve(context, (_request, response) => {
    waiting.push(() => response.writeHead(202).end('{"status":"accepted"}'));
    // Answers only once three requests are waiting.
    if (waiting.length === 3) for (const answer of waiting.splice(0)) answer();
  });
  const sent = await sendAll([{}, {}, {}, {}, {}, {}], {
    urls: [url],
    senders: 3,
    pauseMs: 0,
    onTaken: () => undefined,
    onRetry: (_url, reason) => assert.fail(reason),
  });
  assert.equal(sent.accepted, 6);
});

test('a message that is refused or gets no answer is posted again until it is accepted', async (context) => {
  let posts = 0;
  const url = await serve(context, (request, response) => {
    posts += 1;
    if (posts === 1) response.writeHead(503).end('full');
    else if (posts === 2) request.socket.destroy();
    else response.writeHead(202).end('{"status":"accepted"}');
  });
  const reasons: string[] = [];
  const sent = await sendAll([{}], {
    urls: [url],
    senders: 1,
    pauseMs: 0,
    onTaken: () => undefined,
    onRetry: (_url, reason) => reasons.push(reason),
  });
  assert.deepEqual([sent.accepted, sent.retries, posts], [1, 2, 3]);
  assert.equal(reasons[0], 'answered 503 full');
});

test('messages go to several servers in turn, and those not accepted by one go to the next', async (context) => {
  const taken: string[] = [];
  const serverOf = (name: string, isOpen: () => boolean) =>
    serve(context, (_request, response) => {
      if (isOpen()) taken.push(name);
      response.writeHead(isOpen() ? 202 : 503).end('{"status":"accepted"}');
    });
  const urls = [await serverOf('a', () => true), await serverOf('b', () => taken.length < 4), await serverOf('c', () => true)];
  const refused: URL[] = [];
  const sent = await sendAll(
    Array.from({ length: 7 }, (_, n) => ({ n })),
    { urls, senders: 1, pauseMs: 0, onTaken: () => undefined, onRetry: (url) => refused.push(url) },
  );
  assert.deepEqual([sent.accepted, sent.retries], [7, 2]);
  assert.deepEqual(taken, ['a', 'b', 'c', 'a', 'c', 'a', 'c']);
  assert.deepEqual(refused, [urls[1], urls[1]]);
});
