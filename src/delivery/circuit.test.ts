import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import type { TransportLogger } from '../pipeline/endpoint.ts';
import type { CircuitOptions } from './circuit.ts';
import { callOf, type Received, receive, resolver, transport, unhurried } from './fixture.test.ts';

type Reply = (response: ServerResponse, request: Received) => void;

const broken: Reply = (response) => response.writeHead(503).end();
const sound: Reply = (response) => response.writeHead(204).end();

/** A transport to a server whose reply can be changed; both clocks stand still until the test moves them. */
async function serve(context: TestContext, circuit: CircuitOptions | false = { failures: 3, resetAfter: 1000, resetAfterMax: 4000 }) {
  let elapsedMs = 1_000.25;
  context.mock.method(performance, 'now', () => elapsedMs);
  context.mock.timers.enable({ apis: ['Date'], now: 7_200_000 });
  let reply = broken;
  const shop = await receive(context, (response, request) => reply(response, request));
  const to = transport(context, { url: shop.url, circuit });
  return {
    shop,
    to,
    call: (signal = unhurried) => to.call(callOf(), signal),
    fail: async (times: number) => {
      for (let failure = 0; failure < times; failure++) await to.call(callOf(), unhurried);
    },
    replyWith: (next: Reply) => {
      reply = next;
    },
    pass: (ms: number) => {
      elapsedMs += ms;
      context.mock.timers.tick(ms);
    },
    setBack: (ms: number) => context.mock.timers.setTime(Date.now() - ms),
  };
}

const postponed = (retryAfterMs: number) => ({ result: 'postponed', reason: 'the circuit is open', retryAfterMs });

test('after enough consecutive failures the circuit opens, and calls are postponed without being made', async (context) => {
  const { to, shop, call, fail, pass } = await serve(context);
  await fail(2);
  assert.equal(to.circuit, 'closed');
  await fail(1);
  assert.equal(to.circuit, 'open');
  assert.deepEqual(await call(), postponed(1000));
  pass(400);
  assert.deepEqual(await call(), postponed(600));
  assert.equal(shop.received.length, 3);
});

test('a call that returns slightly early gets a pause long enough to avoid a tight loop', async (context) => {
  const { call, fail, pass, shop } = await serve(context);
  await fail(3);
  pass(999);
  assert.deepEqual(await call(), postponed(10));
  assert.equal(shop.received.length, 3);
});

test('after the pause one call is tried, and if it succeeds the circuit closes', async (context) => {
  const { to, call, fail, pass, replyWith, shop } = await serve(context);
  await fail(3);
  replyWith(sound);
  pass(1000);
  assert.equal((await call()).result, 'delivered');
  assert.equal(to.circuit, 'closed');
  replyWith(broken);
  await fail(2);
  assert.equal(to.circuit, 'closed');
  assert.equal(shop.received.length, 6);
});

test('a pause lasts no longer when the wall clock is set back', async (context) => {
  const { to, call, fail, pass, replyWith, setBack } = await serve(context);
  await fail(3);
  setBack(3_600_000);
  assert.deepEqual(await call(), postponed(1000));
  pass(1000);
  replyWith(sound);
  assert.equal((await call()).result, 'delivered');
  assert.equal(to.circuit, 'closed');
});

test('each failed trial doubles the pause up to the maximum, and a success resets it', async (context) => {
  const { to, call, fail, pass, replyWith, shop } = await serve(context);
  await fail(3);
  for (const [pause, next] of [
    [1000, 2000],
    [2000, 4000],
    [4000, 4000],
  ] as const) {
    pass(pause);
    assert.equal((await call()).result, 'failed');
    assert.equal(to.circuit, 'open');
    assert.deepEqual(await call(), postponed(next));
  }
  replyWith(sound);
  pass(4000);
  await call();
  replyWith(broken);
  await fail(3);
  assert.deepEqual(await call(), postponed(1000));
  assert.equal(shop.received.length, 10);
});

test('during a trial all other calls are postponed briefly', async (context) => {
  const { to, call, fail, pass, replyWith, shop } = await serve(context);
  await fail(3);
  pass(1000);
  const tried = new Promise<ServerResponse>((resolve) => replyWith(resolve));
  const probe = call();
  const response = await tried;
  assert.equal(to.circuit, 'half-open');
  assert.deepEqual(await Promise.all([call(), call()]), [postponed(100), postponed(100)]);
  assert.equal(shop.received.length, 4);
  replyWith(sound);
  response.writeHead(204).end();
  assert.equal((await probe).result, 'delivered');
  assert.deepEqual([(await call()).result, to.circuit], ['delivered', 'closed']);
});

test('only one of many calls after the pause is tried', async (context) => {
  const { call, fail, pass, shop } = await serve(context);
  await fail(3);
  pass(1000);
  const answers = await Promise.all(Array.from({ length: 10 }, () => call()));
  assert.deepEqual(answers.map(({ result }) => result).sort(), ['failed', ...Array(9).fill('postponed')]);
  assert.equal(shop.received.length, 4);
});

test('a success in between restarts the count', async (context) => {
  const { to, fail, call, replyWith } = await serve(context);
  await fail(2);
  replyWith(sound);
  await call();
  replyWith(broken);
  await fail(2);
  assert.equal(to.circuit, 'closed');
});

test('refusals by the server do not count against it', async (context) => {
  const { to, fail, replyWith } = await serve(context, { failures: 1 });
  for (const status of [301, 400, 401, 404, 408, 410, 429]) {
    replyWith((response) => response.writeHead(status).end());
    await fail(1);
    assert.equal(to.circuit, 'closed', String(status));
  }
});

test('time-outs and missing connections count', { timeout: 20_000 }, async (context) => {
  const abort = new AbortController();
  const slow = await serve(context, { failures: 1 });
  slow.replyWith(() => abort.abort());
  assert.equal((await slow.call(abort.signal)).result, 'failed');
  assert.equal(slow.to.circuit, 'open');

  const away = transport(context, {
    url: 'http://nowhere.example',
    circuit: { failures: 1 },
    lookup: (_hostname, _options, callback) => callback(new Error('no such name'), []),
  });
  assert.equal((await away.call(callOf(), unhurried)).result, 'failed');
  assert.equal(away.circuit, 'open');
});

test('calls to addresses from data have no circuit, and bypass an open one', async (context) => {
  const { shop } = await serve(context);
  const to = transport(context, {
    url: shop.url,
    circuit: { failures: 1 },
    lookup: resolver(() => ['127.0.0.1']),
    allow: ['127.0.0.1'],
  });
  for (let call = 0; call < 3; call++) assert.equal((await to.call(callOf({ url: shop.url }), unhurried)).result, 'failed');
  assert.equal(to.circuit, 'closed');
  await to.call(callOf(), unhurried);
  assert.equal(to.circuit, 'open');
  assert.equal((await to.call(callOf({ url: shop.url }), unhurried)).result, 'failed');
});

test('without a circuit every call is made', async (context) => {
  const { to, fail, shop } = await serve(context, false);
  await fail(50);
  assert.deepEqual([to.circuit, shop.received.length], ['closed', 50]);
});

test('changes are logged, without secrets', async (context) => {
  const { shop, pass } = await serve(context);
  const lines: unknown[] = [];
  const log: TransportLogger = {
    info: (fields, message) => lines.push(['info', fields, message]),
    warn: (fields, message) => lines.push(['warn', fields, message]),
  };
  const url = `${shop.url.replace('//', '//me:hush@')}/hush`;
  const to = transport(context, { url, circuit: { failures: 2 }, judge: () => ({ result: 'delivered' }) });
  await to.open?.(log);
  for (let call = 0; call < 2; call++) await to.call(callOf(), unhurried);
  pass(1000);
  await to.call(callOf(), unhurried);
  const server = shop.url;
  assert.deepEqual(lines, [['warn', { server, reason: 'status 503' }, 'circuit open: calls are postponed']]);
});
