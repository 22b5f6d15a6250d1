import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
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

/** A request whose body comes in short of its last byte. */
const unfinished = (path: string, bytes: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${' '.repeat(bytes - 1)}`;

test('bodies that have begun to come in take up so many bytes: beyond that one is answered 503, and all others are served', async (t) => {
  const { url } = await serve(t, { http: { ...httpLimits, bodiesBytes: 300 * kilo } });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => dial(t, url)));
  const answers: string[] = [];
  for (const socket of sockets) {
    socket.once('data', (bytes) => answers.push(String(bytes)));
    // By the way past Fastify, and through it.
    socket.write(unfinished(answers.length % 2 === 0 ? '/pipelines/visits/events' : '/pipelines/visits/events?', 100 * kilo));
  }
  while (answers.length < 2) await setImmediate();
  for (const answer of answers) assert.match(answer, /^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*MILL_MEMORY_FULL/i);
  const whole = await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: '{"page":"a"}' });
  assert.equal(whole.status, 202);
  const large = await fetch(`${url}/pipelines/visits/events/batch`, { method: 'POST', body: ' '.repeat(200 * kilo) });
  assert.equal(large.status, 503);
  // Two have gone: there is room for another.
  for (const socket of sockets) socket.destroy();
  const room = async () =>
    (await fetch(`${url}/pipelines/visits/events`, { method: 'POST', body: `{"page":"b"}${' '.repeat(200 * kilo)}` })).status;
  while ((await room()) !== 202) await setImmediate();
});

test('a connection whose body was refused goes on with the next request', async (t) => {
  const { url } = await serve(t, { http: { ...httpLimits, bodiesBytes: 50 * kilo } });
  const socket = await dial(t, url);
  socket.write(unfinished('/pipelines/visits/events', 100 * kilo));
  assert.equal(await statusOf(socket), '503');
  socket.write(' GET /ping HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await statusOf(socket), '200');
});

test('the body that has been coming in for long is refused before one that comes in now', (t) => {
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

test('a client that reads nothing of its answer is closed', async (t) => {
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
  // It had nothing to read, and so it stays.
  other.write('GET /leaf HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.equal(await statusOf(other), '200');
});

test('a client that reads slowly gets all of its answer', async (t) => {
  const { url } = await library(t, { answerTimeoutMs: 1_500, timeoutCheckMs: 20 });
  const socket = await dial(t, url);
  socket.write('GET /book HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    socket.pause();
    // In all for longer than nothing may be read.
    setTimeout(() => socket.resume(), 15);
  });
  await once(socket, 'close');
  assert.ok(bytes > 8_000_000, `${bytes}`);
});

test('answers that wait to be read take up so many bytes: beyond that further ones are 503, and small ones are answered', async (t) => {
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
  while ((await fetch(`${url}/book`)).status !== 200) await setImmediate();
});

test('the answer that has waited longest makes room, once it has waited for long', async (t) => {
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
  assert.throws(() => answers.checkRoom(60 * kilo), /expected fewer answers to wait/);
  answers.checkRoom(kilo);
  now = 5_000;
  answers.checkRoom(60 * kilo);
  assert.deepEqual([old.socket.destroyed, young.socket.destroyed, answers.bytes], [true, false, 30 * kilo]);
  young.made.emit('close');
  assert.equal(answers.bytes, 0);
  // One answer may be larger than all that there is room for.
  answers.checkRoom(1_000 * kilo);
});

test('a client that pipelines far more than it reads is closed, one that pipelines some is answered in order', async (t) => {
  const { url } = await serve(t);
  const some = await dial(t, url);
  some.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(30));
  let text = '';
  some.on('data', (bytes) => {
    text += bytes;
  });
  while (text.split('{"pong":true}').length < 31) await setImmediate();
  const many = await dial(t, url);
  many.resume();
  many.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000));
  await once(many, 'close');
  assert.equal((await fetch(`${url}/ping`)).status, 200);
});
