import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import type { OutgoingCall } from '../../src/index.ts';
import { RedisServer, withoutRedis } from '../../test/redis-server.ts';
import { RedisCache, type RedisPlace } from './cache.ts';

const now = Date.UTC(2026, 10, 21, 10);
const sentAt = new Date(now - 1000).toISOString();

function callFor(messageId: string, at: string = sentAt): OutgoingCall {
  return {
    id: 'row',
    pipeline: 'messages',
    endpoint: 'cache',
    key: 'row',
    body: JSON.stringify({ messageId, sentAt: at }),
    url: undefined,
    attempt: 1,
    askedAt: now,
    traceparent: undefined,
  };
}

/** A cache and its log; `logged` resolves when it logs a matching line. */
async function openCache(context: TestContext, place: Partial<RedisPlace> & Pick<RedisPlace, 'port'>) {
  const lines: string[] = [];
  let onLine = () => {};
  const write = (fields: object, message: string) => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
    onLine();
  };
  const cache = new RedisCache({ host: '127.0.0.1', ...place }, () => now);
  await cache.open({ info: write, warn: write });
  context.after(() => cache.close());
  const logged = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      onLine = () => {
        if (lines.some((line) => pattern.test(line))) resolve();
      };
      onLine();
    });
  /** Repeats a call until it is not postponed, as the engine does. */
  const delivered = async (call: OutgoingCall) => {
    for (;;) {
      const answer = await cache.call(call);
      if (answer.result !== 'postponed') return answer;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { cache, lines, logged, delivered };
}

async function client(context: TestContext, options: { readonly port: number; readonly password?: string; readonly db?: number }) {
  const redis = new Redis({ host: '127.0.0.1', lazyConnect: true, ...options });
  context.after(() => redis.disconnect());
  await redis.connect();
  return redis;
}

test('a sent message is noted for a day', { skip: withoutRedis }, async (context) => {
  const { port } = await RedisServer.make(context);
  const { delivered, lines } = await openCache(context, { port, db: 3 });
  assert.deepEqual(await delivered(callFor('ü-1')), { result: 'delivered' });
  const redis = await client(context, { port, db: 3 });
  assert.equal(await redis.get('sent_messages:ü-1'), sentAt);
  const life = await redis.ttl('sent_messages:ü-1');
  assert.ok(life > 86_390 && life <= 86_400, String(life));
  assert.deepEqual(lines, []);
});

test('while Redis is unavailable notes are postponed; its loss and return are logged once each', {
  skip: withoutRedis,
}, async (context) => {
  const server = await RedisServer.make(context, { start: false });
  const { cache, lines, logged, delivered } = await openCache(context, { port: server.port });
  await logged(/unavailable/);
  for (const id of ['one', 'two']) assert.equal((await cache.call(callFor(id))).result, 'postponed');
  await server.start();
  await logged(/back/);
  await delivered(callFor('one'));
  await server.kill();
  assert.equal((await cache.call(callFor('two'))).result, 'postponed');
  await server.start();
  await delivered(callFor('two'));
  assert.equal(await (await client(context, server)).get('sent_messages:two'), sentAt);
  assert.deepEqual(
    lines.map((line) => /unavailable|back/.exec(line)?.[0]),
    ['unavailable', 'back', 'unavailable', 'back'],
  );
});

test('the password opens Redis and is never logged; a wrong one is treated like an unavailable Redis', {
  skip: withoutRedis,
}, async (context) => {
  const { port } = await RedisServer.make(context, { password: 'hush-hush' });
  const { delivered, lines } = await openCache(context, { port, password: 'hush-hush' });
  assert.deepEqual(await delivered(callFor('one')), { result: 'delivered' });
  assert.deepEqual(lines, []);
  for (const place of [{ password: 'not-the-one' }, {}]) {
    const other = await openCache(context, { port, ...place });
    await other.logged(/unavailable/);
    assert.equal((await other.cache.call(callFor('two'))).result, 'postponed');
    assert.doesNotMatch(other.lines.join(), /not-the-one/);
    assert.equal(other.lines.length, 1);
  }
});

test('notes refused by Redis are postponed too, and the reason is logged once', { skip: withoutRedis }, async (context) => {
  const { port } = await RedisServer.make(context);
  const { cache, delivered, lines } = await openCache(context, { port });
  await delivered(callFor('one'));
  const redis = await client(context, { port });
  await redis.config('SET', 'maxmemory', '1');
  for (const id of ['two', 'three']) assert.equal((await cache.call(callFor(id))).result, 'postponed');
  await redis.config('SET', 'maxmemory', '0');
  assert.deepEqual(await cache.call(callFor('two')), { result: 'delivered' });
  assert.match(lines.join('\n'), /^Redis is unavailable.*OOM.*\nRedis is back.*$/);
});

test('an expired entry is dropped, with or without Redis', async (context) => {
  const { cache } = await openCache(context, { port: 1 });
  assert.deepEqual(await cache.call(callFor('old', new Date(now - 86_400_000).toISOString())), { result: 'delivered' });
  assert.equal((await cache.call(callFor('young', new Date(now - 86_399_999).toISOString()))).result, 'postponed');
});

/** Opens a cache, closes it while its client loads, and ends unless something keeps the process alive. */
const closesEarly = `
import { RedisCache } from '${new URL('cache.ts', import.meta.url)}';
const cache = new RedisCache({ host: '127.0.0.1', port: 1 });
const opening = cache.open({ info() {}, warn() {} });
cache.close();
await opening;
`;

test('a cache closed while opening does not keep the process alive', async () => {
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', closesEarly], { timeout: 20_000 });
});
