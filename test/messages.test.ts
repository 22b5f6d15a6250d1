import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import test, { type TestContext } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { Program, temporaryFolder } from './program.ts';
import { RedisServer, withoutRedis } from './redis-server.ts';

interface ProviderRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The row's id. */
  readonly id: string;
  readonly content: string;
  /** In milliseconds, on the provider's own clock. */
  readonly at: number;
}

type Answer = (response: ServerResponse, request: ProviderRequest) => void;

const accept: Answer = (response, { id }) => {
  response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ message: 'Accepted', messageId: `m-${id}` }));
};

/** A provider on the loopback that answers as instructed, and remembers the requests. */
class Provider {
  answer: Answer = accept;
  readonly requests: ProviderRequest[] = [];
  readonly #server = createServer(async (request, response) => {
    const { method, url: path, headers } = request;
    const body = await text(request);
    const { content } = z.object({ content: z.string() }).parse(JSON.parse(body));
    const taken = { method, path, headers, body, id: String(headers['idempotency-key']), content, at: performance.now() };
    this.requests.push(taken);
    this.#onRequest();
    this.answer(response, taken);
  });
  #onRequest = () => {};

  static async start(context: TestContext): Promise<Provider> {
    const provider = new Provider();
    provider.#server.listen(0, '127.0.0.1');
    await once(provider.#server, 'listening');
    context.after(() => {
      provider.#server.closeAllConnections();
      provider.#server.close();
    });
    return provider;
  }

  get url(): string {
    const address = this.#server.address();
    assert.ok(typeof address === 'object' && address !== null);
    return `http://127.0.0.1:${address.port}/sms/send?account=7`;
  }

  /** Resolves once it has had this many requests. */
  async asked(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onRequest = () => {
      if (this.requests.length >= count) resolve();
    };
    this.#onRequest();
    await promise;
  }
}

function serveMessages(context: TestContext, folder: string, environment: Readonly<Record<string, string>> = {}): Program {
  return new Program(context, ['serve', 'messages', '--port', '0', '--database', './mill.db'], { folder, environment });
}

const Message = z.strictObject({
  id: z.string(),
  to: z.string(),
  content: z.string(),
  status: z.string(),
  messageId: z.string().nullable(),
  sentAt: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  attempts: z.int().optional(),
  reason: z.string().optional(),
});
const List = z.object({ items: z.array(Message), total: z.int() });

async function get<S extends z.ZodType>(schema: S, url: string): Promise<z.infer<S>> {
  return schema.parse(await (await fetch(url)).json());
}

async function submit(url: string, content: string) {
  const answer = await fetch(`${url}/messages/pending`, { method: 'POST', body: JSON.stringify({ to: '+905551111111', content }) });
  assert.equal(answer.status, 201);
  return Message.parse(await answer.json());
}

/** Resolves once nothing is pending. */
async function nothingPending(url: string): Promise<void> {
  while ((await get(List, `${url}/messages/pending`)).total > 0);
}

/** Adds rows like another program; later rows in the list are younger. */
function insert(folder: string, rows: readonly { readonly id: string; readonly to?: string; readonly content?: string }[]): void {
  const database = new DatabaseSync(join(folder, 'mill.db'), { timeout: 5_000 });
  try {
    const statement = database.prepare(
      `INSERT INTO messages (id, "to", content, created_at) VALUES (?, ?, ?, datetime('2026-01-01', '+' || ? || ' seconds'))`,
    );
    // All at once: otherwise a run of the schedule might find only some of them.
    database.exec('BEGIN IMMEDIATE');
    for (const [index, { id, to = '+90', content = id }] of rows.entries()) statement.run(id, to, content, index);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

async function command(url: string, action: string): Promise<unknown> {
  const answer = await fetch(`${url}/scheduler`, { method: 'POST', body: JSON.stringify({ action }) });
  assert.equal(answer.status, 200);
  return answer.json();
}

const Scheduler = z.object({ running: z.boolean(), inBatch: z.boolean(), interval: z.string() });

test('by default messages go to the sandbox, and the start says so', async (context) => {
  const program = serveMessages(context, temporaryFolder(context), { SCHEDULER_INTERVAL: '100ms' });
  const url = await program.listening();
  await program.printed(/SMS_PROVIDER_URL is not set: messages go to a sandbox/);
  const { id } = await submit(url, 'Hello');
  await nothingPending(url);
  const sent = await get(Message, `${url}/messages/${id}`);
  assert.equal(sent.status, 'SUCCESS');
  assert.match(sent.messageId ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const { code } = await program.kill('SIGTERM');
  assert.equal(code, 0);
});

test('whatever the provider’s answer looks like, a message it may have accepted is not sent again automatically', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  const json = (id: string) => JSON.stringify({ message: 'Accepted', messageId: `m-${id}` });
  const answers: Readonly<Record<string, Answer>> = {
    gzip: (response, { id }) => response.writeHead(202, { 'content-encoding': 'gzip' }).end(gzipSync(json(id))),
    br: (response, { id }) => response.writeHead(202, { 'content-encoding': 'br' }).end(brotliCompressSync(json(id))),
    deflate: (response, { id }) => response.writeHead(202, { 'content-encoding': 'deflate' }).end(deflateSync(json(id))),
    number: (response) => response.writeHead(202).end('{"messageId":748213377}'),
    long: (response) => response.writeHead(202).end('{"messageId":1405478888888888901}'),
    mark: (response, { id }) => response.writeHead(202).end(`\ufeff${json(id)}`),
    blank: (response) => response.writeHead(202).end('{"messageId":" "}'),
    empty: (response) => response.writeHead(204).end(),
    lie: (response, { id }) => response.writeHead(202, { 'content-encoding': 'gzip' }).end(json(id)),
    cut: (response, { id }) => response.writeHead(202, { 'content-encoding': 'gzip' }).end(gzipSync(json(id)).subarray(0, -4)),
    broken: (response) => response.writeHead(202, { 'content-length': 100 }).write('{"mess', () => response.destroy()),
    endless: (response) => response.writeHead(202).write('{"mess'),
    head: (response) => response.socket?.end('HTTP/1.1 202 Accepted\r\n'),
    big: (response) => response.writeHead(202).end(`{"x":"${'x'.repeat(70_000)}","messageId":"m"}`),
  };
  provider.answer = (response, request) => answers[request.id]?.(response, request);
  const program = serveMessages(context, folder, {
    SCHEDULER_INTERVAL: '200ms',
    MESSAGE_BATCH_SIZE: '20',
    MESSAGE_MAX_WORKERS: '20',
    MESSAGE_PER_MESSAGE_TIMEOUT: '3s',
    SMS_PROVIDER_URL: provider.url,
  });
  const url = await program.listening();
  const ids = Object.keys(answers);
  insert(
    folder,
    ids.map((id) => ({ id })),
  );
  await provider.asked(ids.length);
  await nothingPending(url);
  const found = new Map<string, string>();
  for (const id of ids) {
    const { status, messageId, reason } = await get(Message, `${url}/messages/${id}`);
    found.set(id, messageId ?? `${status} ${reason?.slice(0, 31)}`);
  }
  const unknown = 'FAILED unknown: it may have been sent:';
  assert.deepEqual(Object.fromEntries(found), {
    ...{ gzip: 'm-gzip', br: 'm-br', deflate: 'm-deflate', number: '748213377', long: '1405478888888888901', mark: 'm-mark' },
    ...{ blank: 'FAILED status 202: expected a messageI', empty: 'FAILED status 204: expected JSON, foun' },
    ...{ lie: unknown, cut: unknown, broken: unknown, endless: unknown, head: unknown, big: unknown },
  });
  assert.deepEqual(provider.requests.map(({ id }) => id).toSorted(), ids.toSorted());
  const letters = await get(z.object({ items: z.array(z.unknown()) }), `${url}/dead-letters`);
  assert.equal(letters.items.length, 8);
});

test('a batch takes the configured number, oldest first; each request is as documented', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  const program = serveMessages(context, folder, {
    SCHEDULER_INTERVAL: '1s',
    SMS_PROVIDER_URL: provider.url,
    SMS_PROVIDER_KEY: 'hush-hush',
    LOG_LEVEL: 'debug',
  });
  const url = await program.listening();
  const contents = ['one', 'İkinci "mesaj" 🚀\n\u0001', 'three', 'four', 'five'];
  insert(
    folder,
    contents.map((content, index) => ({ id: `row-${index}`, to: '+905551111111', content })),
  );
  await provider.asked(5);
  const groups = [0, 2, 4].map((from) => provider.requests.slice(from, from + 2));
  assert.deepEqual(
    groups.map((group) => group.map(({ id }) => id).sort()),
    [['row-0', 'row-1'], ['row-2', 'row-3'], ['row-4']],
  );
  const { method, path, headers, body } = provider.requests.find(({ id }) => id === 'row-1') ?? assert.fail();
  assert.deepEqual([method, path], ['POST', '/sms/send?account=7']);
  assert.equal(body, JSON.stringify({ to: '+905551111111', content: contents[1] }));
  assert.deepEqual([headers['content-type'], headers['x-ins-auth-key']], ['application/json', 'hush-hush']);
  await nothingPending(url);
  const { total, items } = await get(List, `${url}/messages/sent`);
  assert.deepEqual([total, items.map(({ messageId, id }) => messageId === `m-${id}`)], [5, Array(5).fill(true)]);
  const { stderr } = await program.kill('SIGTERM');
  assert.doesNotMatch(stderr, /hush-hush/);
});

const respond =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

/** The provider's answer, the resulting status of the message, and the number of calls if two attempts are allowed. */
const cases: Readonly<Record<string, readonly [answer: Answer, status: 'SUCCESS' | 'FAILED', requests: number]>> = {
  'accepted with 200': [respond(200, '{"messageId":"m"}'), 'SUCCESS', 1],
  'accepted with 202': [accept, 'SUCCESS', 1],
  'no id': [respond(200, '{"message":"Accepted"}'), 'FAILED', 1],
  'an empty id': [respond(200, '{"messageId":""}'), 'FAILED', 1],
  'not JSON': [respond(200, '<html>'), 'FAILED', 1],
  'no body': [respond(204), 'FAILED', 1],
  'a redirect': [respond(307, '', { location: '/elsewhere' }), 'FAILED', 1],
  '400': [respond(400, '{"messageId":"m"}'), 'FAILED', 1],
  '401': [respond(401), 'FAILED', 1],
  '404': [respond(404), 'FAILED', 1],
  '408': [respond(408), 'FAILED', 2],
  '429': [respond(429), 'FAILED', 2],
  '500': [respond(500), 'FAILED', 2],
  '503': [respond(503, '', { 'retry-after': '1' }), 'FAILED', 2],
  'a closed connection': [(response) => response.destroy(), 'FAILED', 2],
  'no answer': [() => {}, 'FAILED', 2],
  'an answer that does not end': [(response) => response.writeHead(200).write('{'), 'FAILED', 1],
};

test('a message’s fate is decided by the answer, or by its absence', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  provider.answer = (response, request) => cases[request.content]?.[0](response, request);
  const program = serveMessages(context, folder, {
    SCHEDULER_INTERVAL: '100ms',
    MESSAGE_BATCH_SIZE: '100',
    MESSAGE_MAX_WORKERS: '100',
    MESSAGE_MAX_ATTEMPTS: '2',
    MESSAGE_RETRY_BACKOFF: '50ms',
    MESSAGE_PER_MESSAGE_TIMEOUT: '3s',
    SMS_PROVIDER_URL: provider.url,
  });
  const url = await program.listening();
  insert(
    folder,
    Object.keys(cases).map((content, index) => ({ id: `row-${index}`, content })),
  );
  await nothingPending(url);
  const listed = await Promise.all(['sent', 'failed'].map((name) => get(List, `${url}/messages/${name}?limit=100`)));
  const found = listed.flatMap(({ items }) => items).map(({ content, status }) => [content, [status, requestsFor(content).length]]);
  assert.deepEqual(
    Object.fromEntries(found),
    Object.fromEntries(Object.entries(cases).map(([content, [, ...expected]]) => [content, expected])),
  );
  const [first, second] = requestsFor('503');
  assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= 950);
  assert.ok(provider.requests.every(({ path }) => path !== '/elsewhere'));

  function requestsFor(content: string) {
    return provider.requests.filter((request) => request.content === content);
  }
});

test('a missing provider costs attempts; the last makes a dead letter, and a redrive sends', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  provider.answer = (response) => response.destroy();
  const program = serveMessages(context, folder, {
    SCHEDULER_INTERVAL: '100ms',
    MESSAGE_MAX_ATTEMPTS: '2',
    MESSAGE_RETRY_BACKOFF: '0',
    SMS_PROVIDER_URL: provider.url,
  });
  const url = await program.listening();
  const { id } = await submit(url, 'Hello');
  await nothingPending(url);
  assert.equal((await get(Message, `${url}/messages/${id}`)).status, 'FAILED');
  const letters = await get(z.object({ items: z.array(z.object({ id: z.string() })) }), `${url}/dead-letters`);
  assert.equal(letters.items.length, 1);
  provider.answer = accept;
  const redriven = await fetch(`${url}/dead-letters/${letters.items[0]?.id}/redrive`, { method: 'POST' });
  assert.ok(redriven.ok, String(redriven.status));
  await nothingPending(url);
  assert.equal((await get(Message, `${url}/messages/${id}`)).status, 'SUCCESS');
  assert.equal(provider.requests.length, 3);
});

test('kill -9, five times: every message is sent, and only messages under way may be sent twice', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  provider.answer = (response, request) => setTimeout(accept, 50, response, request);
  const environment = {
    SCHEDULER_INTERVAL: '50ms',
    MESSAGE_BATCH_SIZE: '20',
    MESSAGE_MAX_WORKERS: '10',
    SMS_PROVIDER_URL: provider.url,
  };
  let program = serveMessages(context, folder, environment);
  await program.listening();
  insert(
    folder,
    Array.from({ length: 200 }, (_, index) => ({ id: `row-${index}` })),
  );
  for (const count of [15, 45, 75, 105, 135]) {
    await provider.asked(count);
    await program.kill('SIGKILL');
    program = serveMessages(context, folder, environment);
    await program.listening();
  }
  const url = await program.listening();
  await nothingPending(url);
  assert.equal((await get(List, `${url}/messages/sent`)).total, 200);
  assert.equal(new Set(provider.requests.map(({ id }) => id)).size, 200);
  const repeated = provider.requests.length - 200;
  assert.ok(repeated <= 5 * 10, `${repeated} repeated`);
});

test('a stop answers when the running batch has ended; nothing is sent afterwards, even after a restart, until a start', async (context) => {
  const folder = temporaryFolder(context);
  const provider = await Provider.start(context);
  const held: (() => void)[] = [];
  provider.answer = (response, request) => held.push(() => accept(response, request));
  const environment = { SCHEDULER_INTERVAL: '200ms', SMS_PROVIDER_URL: provider.url };
  const first = serveMessages(context, folder, environment);
  const url = await first.listening();
  insert(
    folder,
    Array.from({ length: 5 }, (_, index) => ({ id: `row-${index}` })),
  );
  await provider.asked(2);
  const events: string[] = [];
  const stopped = command(url, 'stop').then((answer) => {
    events.push('stopped');
    return answer;
  });
  assert.equal((await get(Scheduler, `${url}/scheduler`)).inBatch, true);
  events.push('released');
  for (const release of held) release();
  assert.deepEqual(await stopped, { running: false });
  assert.deepEqual(events, ['released', 'stopped']);
  assert.equal((await get(List, `${url}/messages/sent`)).total, 2);
  assert.deepEqual(await get(Scheduler, `${url}/scheduler`), { running: false, inBatch: false, interval: '200ms' });
  assert.equal((await first.kill('SIGTERM')).code, 0);

  const second = serveMessages(context, folder, environment);
  const again = await second.listening();
  assert.equal((await get(Scheduler, `${again}/scheduler`)).running, false);
  provider.answer = accept;
  // Long enough for several intervals.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(provider.requests.length, 2);
  assert.deepEqual(await command(again, 'start'), { running: true });
  await nothingPending(again);
  assert.equal(provider.requests.length, 5);
});

test('the last of 50 simultaneous starts and stops wins', async (context) => {
  const program = serveMessages(context, temporaryFolder(context), { SCHEDULER_INTERVAL: '20ms' });
  const url = await program.listening();
  for (const last of ['stop', 'start']) {
    const others = Array.from({ length: 49 }, (_, index) => command(url, index % 2 === 0 ? 'start' : 'stop'));
    await Promise.all(others);
    await command(url, last);
    await command(url, last);
    assert.equal((await get(Scheduler, `${url}/scheduler`)).running, last === 'start');
  }
});

test('Redis may disappear and return: no message waits for it, and each is noted eventually', { skip: withoutRedis }, async (context) => {
  const folder = temporaryFolder(context);
  const server = await RedisServer.make(context, { password: 'hush-hush' });
  const program = serveMessages(context, folder, {
    SCHEDULER_INTERVAL: '100ms',
    REDIS_URL: `redis://:hush-hush@127.0.0.1:${server.port}/1`,
    LOG_LEVEL: 'debug',
  });
  const url = await program.listening();
  await submit(url, 'while it is there');
  await nothingPending(url);
  await server.kill();
  await program.printed(/Redis is unavailable/);
  for (let number = 0; number < 5; number += 1) await submit(url, `while it is not, ${number}`);
  await nothingPending(url);
  const { items } = await get(List, `${url}/messages/sent`);
  assert.equal(items.length, 6);
  await server.start();
  await program.printed(/Redis is back/);
  const redis = new Redis({ port: server.port, password: 'hush-hush', db: 1 });
  context.after(() => redis.disconnect());
  // The notes from before the kill are lost with the process.
  for (const { content, messageId, sentAt } of items.filter(({ content }) => content.startsWith('while it is not'))) {
    while ((await redis.get(`sent_messages:${messageId}`)) === null);
    assert.equal(await redis.get(`sent_messages:${messageId}`), sentAt, content);
    const life = await redis.ttl(`sent_messages:${messageId}`);
    assert.ok(life > 86_300 && life <= 86_400);
  }
  const { code, stderr } = await program.kill('SIGTERM');
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /hush-hush/);
});
