import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test from 'node:test';
import { Webhook } from 'standardwebhooks';
import { MillraceError } from '../errors.ts';
import type { Answer } from '../pipeline/endpoint.ts';
import { version } from '../version.ts';
import { callOf, receive, receiveRaw, resolver, transport, unhurried } from './fixture.test.ts';
import { http } from './http.ts';
import type { HttpOptions } from './http-options.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

function reasonOf(answer: Answer): string {
  return 'reason' in answer ? `${answer.result}: ${answer.reason}` : answer.result;
}

test('a call is one POST of the payload with its id, and with only the necessary headers', async (context) => {
  const shop = await receive(context);
  const to = transport(context, { url: `${shop.url}/hooks?token=t#x` });
  assert.deepEqual(await to.call(callOf(), unhurried), { result: 'delivered', answer: { status: 204, body: '' } });
  assert.deepEqual(shop.received, [
    {
      method: 'POST',
      path: '/hooks?token=t',
      headers: {
        host: `127.0.0.1:${shop.port}`,
        connection: 'keep-alive',
        'content-type': 'application/json',
        'idempotency-key': 'order.paid/1',
        'user-agent': `millrace/${version}`,
        'content-length': '21',
      },
      body: '{"type":"order.paid"}',
    },
  ]);
});

test('method, headers, body, the URL’s credentials and the trace are sent', async (context) => {
  const shop = await receive(context);
  const url = shop.url.replace('//', '//me:p%40ss@');
  const to = transport(context, { url, method: 'PUT', headers: { 'X-Shop': 'one' }, body: ({ key }) => JSON.stringify({ key }) });
  await to.call(callOf({ traceparent }), unhurried);
  const [request] = shop.received;
  assert.deepEqual([request?.method, request?.body], ['PUT', '{"key":"k"}']);
  assert.equal(request?.headers['x-shop'], 'one');
  assert.equal(request?.headers.traceparent, traceparent);
  assert.equal(request?.headers.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`);
});

test('an explicit authorization takes precedence over the URL’s credentials', async (context) => {
  const shop = await receive(context);
  const to = transport(context, { url: shop.url.replace('//', '//me:x@'), headers: { Authorization: 'Bearer b' } });
  await to.call(callOf(), unhurried);
  assert.equal(shop.received[0]?.headers.authorization, 'Bearer b');
});

test('a signed call passes the reference library’s verification, at every attempt', async (context) => {
  const shop = await receive(context);
  const to = transport(context, { url: shop.url, secret });
  for (const attempt of [1, 2]) await to.call(callOf({ attempt }), unhurried);
  for (const { headers, body } of shop.received) {
    assert.equal(headers['webhook-id'], 'order.paid/1');
    const signed = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
    );
    assert.deepEqual(new Webhook(secret).verify(body, signed), { type: 'order.paid' });
  }
  assert.equal(shop.received.length, 2);
});

test('the signature covers the body exactly as sent, not the payload it was made from', async (context) => {
  const shop = await receive(context);
  const to = transport(context, { url: shop.url, secret, body: ({ key }) => ` {"Key": "${key} Ä"}\n` });
  await to.call(callOf(), unhurried);
  const [request] = shop.received;
  const signed = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(request?.headers[name])]),
  );
  assert.deepEqual(new Webhook(secret).verify(request?.body ?? '', signed), { Key: 'k Ä' });
});

test('connections are reused', async (context) => {
  const shop = await receive(context, (response) => response.end('thanks'));
  const to = transport(context, { url: shop.url });
  for (let call = 0; call < 5; call++) await to.call(callOf(), unhurried);
  assert.equal(shop.received.length, 5);
  assert.ok(shop.connections() < 5);
});

test('a closed transport can be opened again', async (context) => {
  const shop = await receive(context);
  const to = transport(context, { url: shop.url });
  for (let life = 0; life < 2; life++) {
    assert.equal((await to.call(callOf(), unhurried)).result, 'delivered');
    await to.close?.();
    await to.close?.();
  }
});

test('a judge decides what an answer means', async (context) => {
  const shop = await receive(context, (response) => response.writeHead(409, { 'x-why': ['a', 'b'] }).end('known already'));
  const judge: HttpOptions['judge'] = ({ status, headers, body }) => ({ result: 'delivered', answer: [status, headers['x-why'], body] });
  const answer = await transport(context, { url: shop.url, judge }).call(callOf(), unhurried);
  assert.deepEqual(answer, { result: 'delivered', answer: [409, 'a, b', 'known already'] });
});

test('a server’s Retry-After is passed on', async (context) => {
  const shop = await receive(context, (response) => response.writeHead(429, { 'retry-after': '30' }).end('slow down'));
  assert.deepEqual(await transport(context, { url: shop.url }).call(callOf(), unhurried), {
    result: 'failed',
    reason: 'status 429',
    retryAfterMs: 30_000,
    answer: { status: 429, body: 'slow down' },
  });
});

test('no more than 64 KiB of a body are read, however long it is', { timeout: 20_000 }, async (context) => {
  let isOver: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    isOver = resolve;
  });
  const endless = await receive(context, (response) => {
    response.writeHead(200);
    // The first byte shifts all characters by one, so the limit cuts the last one in two.
    response.write('x');
    const write = (): boolean => response.destroyed || (response.write('é'.repeat(10_000)) && write());
    response.on('drain', write);
    response.on('close', () => isOver?.());
    write();
  });
  const answer = await transport(context, { url: endless.url }).call(callOf(), unhurried);
  const body = `x${'é'.repeat(32 * 1024 - 1)}`;
  assert.deepEqual(answer, { result: 'delivered', answer: { status: 200, body, bodyFault: 'is longer than 64 KiB' } });
  await ended;
});

test('an abort before the answer ends the call immediately', { timeout: 20_000 }, async (context) => {
  const abort = new AbortController();
  const silent = await receive(context, () => setImmediate(() => abort.abort()));
  const answer = await transport(context, { url: silent.url }).call(callOf(), abort.signal);
  assert.deepEqual(answer, { result: 'failed', reason: `timed out (${silent.url})`, isUnanswered: true });
});

test('a call whose signal has already aborted is not made', async (context) => {
  const shop = await receive(context);
  const answer = await transport(context, { url: shop.url }).call(callOf(), AbortSignal.abort());
  assert.deepEqual([answer.result, shop.connections()], ['failed', 0]);
});

test('failures say what happened and where, without secrets', async (context) => {
  const closing = await receiveRaw(context, (socket) => socket.destroy());
  const garbage = await receiveRaw(context, (socket) => socket.once('data', () => socket.end('this is no HTTP\r\n\r\n')));
  const nobody = await receive(context);
  const free = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => free.once('listening', resolve));
  const address = free.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await new Promise((resolve) => free.close(resolve));

  const failures: readonly [url: string, reason: RegExp][] = [
    [`http://127.0.0.1:${port}`, /^failed: connect ECONNREFUSED \(http:\/\/127\.0\.0\.1:\d+\)$/],
    [closing.url, /^failed: (other side closed|read ECONNRESET|write EPIPE) \(http:\/\/127\.0\.0\.1:\d+\)$/],
    [garbage.url, /^failed: .*(HTTP|protocol|Parse).* \(http:\/\/127\.0\.0\.1:\d+\)$/i],
    [nobody.url.replace('http:', 'https:'), /^failed: (wrong version number|write EPROTO) \(https:\/\/127\.0\.0\.1:\d+\)$/],
  ];
  for (const [base, reason] of failures) {
    const url = `${base.replace('//', '//me:hush@')}/hush?token=hush`;
    const answer = await transport(context, { url, headers: { authorization: 'hush' }, secret }).call(callOf(), unhurried);
    assert.match(reasonOf(answer), reason);
    assert.doesNotMatch(reasonOf(answer), /hush/);
  }
});

test('an unknown name is a failure, since it may be known later', async (context) => {
  const missing = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.example'), { code: 'ENOTFOUND', syscall: 'getaddrinfo' });
  const lookup: HttpOptions['lookup'] = (_hostname, _options, callback) => callback(missing, []);
  for (const url of [undefined, 'http://nowhere.example']) {
    const to = transport(context, { lookup, url: 'http://nowhere.example' });
    assert.equal(reasonOf(await to.call(callOf({ url }), unhurried)), 'failed: getaddrinfo ENOTFOUND (http://nowhere.example)');
  }
});

test('a redirect that is not followed goes to the judge', async (context) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const shop = await receive(context, (response) => response.writeHead(status, { location: '/elsewhere' }).end());
    const answer = await transport(context, { url: shop.url }).call(callOf(), unhurried);
    assert.equal(reasonOf(answer), `failed: status ${status}`);
    assert.equal(shop.received.length, 1);
  }
});

test('redirects that keep the method are followed as often as allowed, with the same body', async (context) => {
  const shop = await receive(context, (response, { path }) => {
    const next = { '/1': '/2', '/2': '3?x=y' }[path ?? ''];
    if (next === undefined) response.end('there');
    else response.writeHead(path === '/1' ? 307 : 308, { location: next }).end('not here');
  });
  const to = (redirects: number) => transport(context, { url: `${shop.url}/1`, redirects, headers: { 'x-shop': 'one' }, secret });
  assert.equal(reasonOf(await to(1).call(callOf(), unhurried)), 'failed: status 308');
  assert.deepEqual(await to(2).call(callOf(), unhurried), { result: 'delivered', answer: { status: 200, body: 'there' } });
  assert.deepEqual(
    shop.received.slice(2).map(({ method, path, body, headers }) => [method, path, body, headers['x-shop'], headers['webhook-id']]),
    ['/1', '/2', '/3?x=y'].map((path) => ['POST', path, '{"type":"order.paid"}', 'one', 'order.paid/1']),
  );
});

test('redirects that would change the method, or lead nowhere, are treated as answers', async (context) => {
  for (const headers of [{}, { location: 'http://' }]) {
    const shop = await receive(context, (response) => response.writeHead(307, headers).end());
    assert.equal(reasonOf(await transport(context, { url: shop.url, redirects: 5 }).call(callOf(), unhurried)), 'failed: status 307');
  }
  const shop = await receive(context, (response) => response.writeHead(302, { location: '/' }).end());
  assert.equal(reasonOf(await transport(context, { url: shop.url, redirects: 5 }).call(callOf(), unhurried)), 'failed: status 302');
  assert.equal(shop.received.length, 1);
});

test('custom headers and credentials are not sent to another origin', async (context) => {
  const other = await receive(context);
  const shop = await receive(context, (response) => response.writeHead(307, { location: `${other.url}/there` }).end());
  const to = transport(context, {
    url: shop.url.replace('//', '//me:x@'),
    headers: { 'x-shop': 'one', cookie: 'c' },
    redirects: 1,
    allow: ['127.0.0.1'],
    secret,
  });
  assert.equal((await to.call(callOf(), unhurried)).result, 'delivered');
  assert.ok(shop.received[0]?.headers.authorization);
  assert.deepEqual(
    ['authorization', 'cookie', 'x-shop', 'idempotency-key'].map((name) => other.received[0]?.headers[name]),
    [undefined, undefined, undefined, 'order.paid/1'],
  );
});

test('headers for the transport’s server are not sent with a delivery to another address', async (context) => {
  const [shop, other] = [await receive(context), await receive(context)];
  const options = { headers: { authorization: 'Bearer b' }, allow: ['127.0.0.1'] };
  const both = transport(context, { ...options, url: shop.url });
  await both.call(callOf(), unhurried);
  await both.call(callOf({ url: other.url }), unhurried);
  await transport(context, options).call(callOf({ url: other.url }), unhurried);
  assert.equal(shop.received[0]?.headers.authorization, 'Bearer b');
  assert.deepEqual(
    other.received.map(({ headers }) => headers.authorization),
    [undefined, 'Bearer b'],
  );
});

test('calls that can never succeed are refused', async (context) => {
  const to = transport(context, { lookup: resolver(() => assert.fail('expected no look-up')) });
  const refused: readonly [string | undefined, string][] = [
    [undefined, 'refused: neither the endpoint nor the delivery has a url; give one of them a url'],
    ['', 'refused: expected an http or https URL, found a text that is not a URL'],
    ['/hooks', 'refused: expected an http or https URL, found a text that is not a URL'],
    ['http://', 'refused: expected an http or https URL, found a text that is not a URL'],
    ['ftp://example.org', 'refused: expected an http or https URL, found one of ftp:'],
    ['file:///etc/passwd', 'refused: expected an http or https URL, found one of file:'],
    ['javascript:alert(1)', 'refused: expected an http or https URL, found one of javascript:'],
  ];
  for (const [url, reason] of refused) assert.equal(reasonOf(await to.call(callOf({ url }), unhurried)), reason);
  for (const id of ['', ' 1', 'größe', 'a\nb'])
    assert.match(
      reasonOf(await to.call(callOf({ id, url: 'http://example.org' }), unhurried)),
      /^refused: expected an id of printable ASCII/,
    );
});

const bad: readonly [HttpOptions, string][] = [
  [{ url: 'shop.example' }, 'http: url: expected an http or https URL, found a text that is not a URL'],
  [{ url: 'ws://shop.example/hush' }, 'http: url: expected an http or https URL, found one of ws:'],
  [{ redirects: -1 }, 'http: redirects: expected an integer of at least 0, found -1'],
  [{ headers: { 'Content-Type': 'hush' } }, 'http: headers: the transport sets this header itself: content-type'],
  [{ headers: { 'Webhook-Id': 'hush' } }, 'http: headers: the transport sets this header itself: webhook-id'],
  [{ headers: { 'a b': 'hush' } }, 'http: headers: expected header names, found "a b"'],
  [
    { headers: { authorization: 'hush\r\nx: y' } },
    'http: headers: expected a valid header value for authorization, found one that is not shown',
  ],
  [{ secret: 'hush' }, 'http: secret: expected whsec_ followed by 24 to 64 bytes in base64, found a value that is not shown'],
  [{ secret: [secret, 'hush'] }, 'http: secret: expected whsec_ followed by 24 to 64 bytes in base64, found a value that is not shown'],
  [{ allow: ['hush'] }, 'http: allow: expected addresses or ranges such as 10.1.0.0/16 or fd00::/8, found "hush"'],
  [{ url: 'http://a', circuit: { failures: 0 } }, 'http: circuit.failures: expected an integer of at least 1, found 0'],
  [
    { url: 'http://a', circuit: { resetAfter: 0 } },
    'http: circuit.resetAfter: expected a duration of whole milliseconds, at least 1, found 0',
  ],
  [
    { url: 'http://a', circuit: { resetAfter: '2s', resetAfterMax: '1s' } },
    'http: circuit.resetAfterMax: expected no less than resetAfter (2000 ms), found 1000 ms',
  ],
];

/** The value of an unset environment variable. */
const unset: readonly (readonly [options: object, message: string])[] = [
  [{ secret: undefined }, 'secret: expected a secret to sign with, found nothing.'],
  [{ secret: null }, 'secret: expected a secret to sign with, found null.'],
  [{ secret: '' }, 'secret: expected a secret to sign with, found an empty text.'],
  [{ secret: [] }, 'secret: expected a secret to sign with, found an empty array.'],
  [{ secret: [secret, undefined] }, 'secret[1]: expected a secret to sign with, found nothing.'],
  [{ secret: [secret, ''] }, 'secret[1]: expected a secret to sign with, found an empty text.'],
  [{ headers: { authorization: undefined } }, 'headers: expected a value for authorization, found none.'],
  [{ headers: { 'x-tenant': undefined } }, 'headers: expected a value for x-tenant, found none.'],
  [{ headers: { authorization: `Bearer ${undefined}` } }, 'headers: expected a value for authorization, found none.'],
  [{ headers: { Authorization: '' } }, 'headers: expected a value for Authorization, found none.'],
  [{ headers: { authorization: 'Bearer ' } }, 'headers: expected a value for authorization, found none.'],
  [{ headers: { 'x-api-key': '' } }, 'headers: expected a value for x-api-key, found none.'],
];

for (const [options, message] of unset) {
  test(`an undefined or empty secret is refused with a remedy: ${message}`, () => {
    assert.throws(
      () => http({ url: 'https://shop.example', ...options } as HttpOptions),
      (error) => {
        assert.ok(error instanceof MillraceError);
        assert.equal(error.code, 'MILL_INVALID_DECLARATION');
        assert.ok(error.message.startsWith(`http: ${message} Is an environment variable unset? To send `), error.message);
        assert.match(error.message, /leave (the option|it) out\.$/);
        return true;
      },
    );
  });
}

test('without the option calls are unsigned, and a header without credentials may be empty', async (context) => {
  const shop = await receive(context);
  await transport(context, { url: shop.url, headers: { 'x-note': '' } }).call(callOf(), unhurried);
  assert.equal(shop.received[0]?.headers['webhook-signature'], undefined);
  assert.equal(shop.received[0]?.headers['x-note'], '');
});

/** Options that a program without a compiler may pass. */
const wrong: readonly (readonly [options: unknown, message: string])[] = [
  [{ signingSecret: secret }, 'http: signingSecret is no option; did you mean secret?'],
  [{ signingSecret: undefined }, 'http: signingSecret is no option; did you mean secret?'],
  [{ circuit: { failure: 1 } }, 'http: circuit.failure is no option; did you mean failures?'],
  [{ circuit: true }, 'http: circuit: expected false or an object of options (failures, resetAfter, resetAfterMax), found true'],
  [
    { headers: new Headers({ authorization: 'hush' }) },
    'http: headers: expected an object of headers, such as { authorization: … }, found an instance of Headers',
  ],
  [
    { secret: 5 },
    'http: secret: expected a secret to sign with, found a number. Is an environment variable unset? To send unsigned, leave the option out.',
  ],
  [{ method: 'hush' }, 'http: method: expected POST or PUT, found "hush"'],
  [{ url: new URL('https://hush.example') }, 'http: url: expected an http or https URL as text, found an instance of URL'],
  [
    { url: undefined },
    'http: url: expected an http or https URL as text, found nothing. Is an environment variable unset? If each delivery has its own url, leave the option out.',
  ],
  [{ judge: 'hush' }, 'http: judge: expected a function, found "hush"'],
  ['https://hush.example', 'http: expected an object of options, such as { url }, found a text'],
];

for (const [options, message] of wrong) {
  test(`wrong options from untyped callers are refused by name: ${message}`, () => {
    assert.throws(() => http(options as HttpOptions), { code: 'MILL_INVALID_DECLARATION', message });
  });
}

for (const [options, message] of bad) {
  test(`an impossible declaration is refused: ${message}`, () => {
    assert.throws(
      () => http(options),
      (error) => {
        assert.ok(error instanceof MillraceError);
        assert.deepEqual([error.code, error.message], ['MILL_INVALID_DECLARATION', message]);
        return true;
      },
    );
  });
}
