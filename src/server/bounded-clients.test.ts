import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../test/until.ts';
import { Answers } from './answers.ts';
import { Bodies } from './bodies.ts';
import { serve } from './fixture.test.ts';
import { httpLimits } from './http-limits.ts';

const kilo = 1_024;

/** A connection that the test ends. */
async function dial(t: TestContext, url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** The status of the next answer. */
async function statusOf(socket: Socket): Promise<string> {
  const [bytes] = await once(socket, 'data');
  return String(bytes).slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
}

/** A request whose body lacks its last byte. */
const unfinished = (path: string, bytes: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${' '.repeat(bytes - 1)}`;

test('unfinished bodies use limited memory: beyond that one is answered 503, and all others are served', async (t) => {
  const { url } = await serve(t, { http: { ...httpLimits, bodiesBytes: 300 * kilo } });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => dial(t, url)));
  const answers: string[] = [];
  for (const socket of sockets) {
    socket.once('data', (bytes) => answers.push(String(bytes)));
    // Around Fastify and through it, alternately.
    socket.write(unfinished(answers.length % 2 === 0 ? '/pipelines/visits/events' : '/pipelines/visits/events?', 100 * kilo));
  }
  await until(() => answers.length >= 2);
  for (const answer of answers) assert.match(answer, /^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*MILL_MEMORY_FULL/i);
  const whole = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"a"}' });
  assert.equal(whole.status, 202);
  const large = await fetch(`${url}/pipelines/visits/events/batch`, { method: 'POST', body: ' '.repeat(200 * kilo) });
  assert.equal(large.status, 503);
  // Two have gone: there is room for another.
  for (const socket of sockets) socket.destroy();
  const room = async () =>
    (await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: `{"page":"b"}${' '.repeat(200 * kilo)}` })).status;
  await until(async () => (await room()) === 202);
});

test('a connection whose body was refused continues with the next request', async (t) => {
  const { url } = await serve(t, { http: { ...httpLimits, bodiesBytes: 50 * kilo } });
  const socket = await dial(t, url);
  socket.write(unfinished('/pipelines/visits/events', 100 * kilo));
  assert.equal(await statusOf(socket), '503');
  socket.write(' GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await statusOf(socket), '200');
});

test('a body that has been arriving for long is refused before a recent one', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const bodies = new Bodies(100);
  const outcomes: string[] = [];
  const begin = (name: string) => {
    const request = new IncomingMessage(connect(0).on('error', () => undefined));
    request.headers = { 'content-length': '80' };
    bodies.read(request, 1_000, (error, body) => outcomes.push(`${name} ${error === null ? body?.length : 'refused'}`));
    return request;
  };
  const slow = begin('slow');
  slow.emit('data', Buffer.alloc(60));
  now = 6_000;
  const quick = begin('quick');
  quick.emit('data', Buffer.alloc(60));
  assert.deepEqual(outcomes, ['slow refused']);
  quick.emit('data', Buffer.alloc(20));
  quick.emit('end');
  assert.deepEqual(outcomes, ['slow refused', 'quick 80']);
  assert.equal(bodies.bytes, 0);
  const gone = begin('gone');
  gone.emit('data', Buffer.alloc(60));
  assert.equal(bodies.bytes, 60);
  gone.emit('close');
  assert.equal(bodies.bytes, 0);
});

/** A server with large answers whose clients may not read them. */
async function library(t: TestContext, http: Partial<typeof httpLimits>, closed?: () => void) {
  return serve(t, {
    http: { ...httpLimits, ...http },
    routes: (app) => {
      app.server.on('connection', (socket) => socket.on('close', () => closed?.()));
      app.get('/book', () => ({ text: 'x'.repeat(8_000_000) }));
      app.get('/leaf', () => ({ text: 'x' }));
    },
  });
}

test('a client that reads nothing of its answer is disconnected', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { url } = await library(t, { answerTimeoutMs: 100, timeoutCheckMs: 20 }, closed.resolve);
  const socket = await dial(t, url);
  socket.pause();
  socket.write('GET /book HTTP/1.1\r\nHost: x\r\n\r\n');
  const other = await dial(t, url);
  other.write('GET /leaf HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await statusOf(other), '200');
  await closed.promise;
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.resume();
  await once(socket, 'close');
  assert.ok(bytes < 8_000_000, 'it got no more than was on its way');
  // It had nothing to read, so it stays connected.
  other.write('GET /leaf HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await statusOf(other), '200');
});

test('a slow reader gets all of its answer', async (t) => {
  const { url } = await library(t, { answerTimeoutMs: 3_000, timeoutCheckMs: 20 });
  const socket = await dial(t, url);
  socket.write('GET /book HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    socket.pause();
    // In total this takes longer than a client may read nothing.
    setTimeout(() => socket.resume(), 40);
  });
  await once(socket, 'close');
  assert.ok(bytes > 8_000_000, `${bytes}`);
});

test('unread answers use limited memory: beyond that further large ones are 503, and small ones are answered', async (t) => {
  const { url } = await library(t, { answersBytes: 10_000_000 });
  const socket = await dial(t, url);
  socket.pause();
  socket.write('GET /book HTTP/1.1\r\nHost: x\r\n\r\n');
  let status = 200;
  while (status === 200) {
    const answer = await fetch(`${url}/book`);
    status = answer.status;
    if (status === 200) await answer.arrayBuffer();
    else {
      assert.equal(answer.headers.get('retry-after'), '1');
      assert.match(await answer.text(), /MILL_MEMORY_FULL/);
    }
  }
  assert.equal(status, 503);
  assert.equal((await fetch(`${url}/leaf`)).status, 200);
  socket.destroy();
  await until(async () => (await fetch(`${url}/book`)).status === 200);
});

test('unread streams use limited memory: beyond that connections are closed, no stream begins, and all others are answered', async (t) => {
  const piece = 'x'.repeat(1_000_000);
  const pieces = function* (count: number) {
    for (let n = 0; n < count; n += 1) yield piece;
  };
  let closed = 0;
  const { url } = await serve(t, {
    http: { ...httpLimits, answersBytes: 10_000_000 },
    routes: (app) => {
      app.server.on('connection', (socket) => socket.on('close', () => (closed += 1)));
      app.get('/stream', (_request, reply) => reply.send(Readable.from(pieces(1_000), { objectMode: false })));
      app.get('/web', (_request, reply) => reply.send(ReadableStream.from(Array.from(pieces(100), (text) => Buffer.from(text)))));
      app.get('/held', (_request, reply) => {
        const held = async function* () {
          yield* pieces(3);
          await new Promise(() => undefined);
        };
        return reply.send(Readable.from(held(), { objectMode: false }));
      });
      app.get('/large', () => 'x'.repeat(9_500_000));
      app.get('/short', (_request, reply) => reply.send(Readable.from(pieces(30), { objectMode: false })));
      app.get('/leaf', () => ({ text: 'x' }));
    },
  });
  const sockets: Socket[] = [];
  for (let n = 0; n < 20; n += 1) {
    const socket = await dial(t, url);
    socket.pause();
    socket.write(`GET ${n % 2 === 0 ? '/stream' : '/web'} HTTP/1.1\r\nHost: x\r\n\r\n`);
    sockets.push(socket);
  }
  await until(() => closed >= 10);
  assert.equal((await fetch(`${url}/leaf`)).status, 200);
  for (const socket of sockets) socket.destroy();
  // All of the memory is free again.
  for (let n = 0; n < 3; n += 1) {
    let answer = await fetch(`${url}/short`);
    while (answer.status === 503) answer = await fetch(`${url}/short`);
    assert.equal((await answer.text()).length, 30 * piece.length);
  }
  const reader = (await fetch(`${url}/held`)).body?.getReader();
  for (let bytes = 0; bytes < 3 * piece.length; ) bytes += (await reader?.read())?.value?.length ?? 0;
  const large = await fetch(`${url}/large`);
  assert.deepEqual([large.status, (await large.text()).length], [200, 9_500_000], 'all pieces that there are have been read');
  await reader?.cancel();
});

test('the answer that has waited longest makes room, once it has waited long enough', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const server: Server = createHttpServer();
  t.after(() => server.emit('close'));
  const answers = new Answers(server, { bytesMax: 100 * kilo, timeoutMs: 1_000, checkMs: 1_000 });
  const response = () => {
    const socket = connect(0).on('error', () => undefined);
    const made = new ServerResponse(new IncomingMessage(socket));
    made.assignSocket(socket);
    return { made, socket };
  };
  const [old, young] = [response(), response()];
  answers.sending(old.made, 60 * kilo);
  now = 4_000;
  answers.sending(young.made, 30 * kilo);
  assert.throws(() => answers.checkRoom(60 * kilo), /the memory for unread answers is full/);
  answers.checkRoom(kilo);
  now = 5_000;
  answers.checkRoom(60 * kilo);
  assert.deepEqual([old.socket.destroyed, young.socket.destroyed, answers.bytes], [true, false, 30 * kilo]);
  young.made.emit('close');
  assert.equal(answers.bytes, 0);
  // A single answer may exceed the total room.
  answers.checkRoom(1_000 * kilo);
});

test('pipelined requests are answered in order, however many, and only a few are processed at once', async (t) => {
  let atWork = 0;
  let most = 0;
  const { url, mill } = await serve(t, {
    routes: (app) =>
      void app.get('/work', async () => {
        atWork += 1;
        most = Math.max(most, atWork);
        await setImmediate();
        atWork -= 1;
        return { worked: true };
      }),
  });
  const socket = await dial(t, url);
  const visit = '{"page":"a"}';
  const post = `POST /pipelines/visits/events HTTP/1.1\r\nHost: x\r\nContent-Length: ${visit.length}\r\n\r\n${visit}`;
  socket.write(
    `${'GET /work HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500)}${post.repeat(500)}GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  let text = '';
  for await (const bytes of socket) text += bytes;
  const bodies = text.match(/"worked"|"accepted"|"pong"/g) ?? [];
  assert.deepEqual(bodies, [...Array(500).fill('"worked"'), ...Array(500).fill('"accepted"'), '"pong"']);
  assert.equal(mill.counts().visits?.received, 500);
  assert.ok(most <= 33, `${most} at work at once`);
});

test('a client that pipelines far more than it reads is disconnected', async (t) => {
  const release = Promise.withResolvers<void>();
  const { url } = await serve(t, { routes: (app) => void app.get('/held', () => release.promise) });
  const many = await dial(t, url);
  const closed = Promise.withResolvers<void>();
  many.on('error', () => undefined).on('close', closed.resolve);
  many.resume();
  many.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4_000));
  await closed.promise;
  release.resolve();
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});
