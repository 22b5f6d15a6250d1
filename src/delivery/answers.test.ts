import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import test from 'node:test';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { callOf, receive, receiveRaw, transport, unhurried } from './fixture.test.ts';
import type { HttpOptions } from './http-options.ts';
import type { Judge } from './response.ts';

/** Answers with everything the judge received. */
const judge: Judge = ({ headers: _, ...rest }) => ({ result: 'delivered', answer: rest });

const plain = '{"messageId":"m-1","text":"Ünïcode ✓"}';
const gzipped = gzipSync(plain);

interface Sent {
  readonly encoding?: string;
  readonly type?: string;
  readonly body: string | Buffer;
}

/** Returns the input of a judge when a server answers 202 with this body. */
async function judged(context: test.TestContext, { encoding, type, body }: Sent) {
  const headers = { ...(encoding !== undefined && { 'content-encoding': encoding }), ...(type !== undefined && { 'content-type': type }) };
  const shop = await receive(context, (response) => response.writeHead(202, headers).end(body));
  const answer = await transport(context, { url: shop.url, judge }).call(callOf(), unhurried);
  assert.equal(answer.result, 'delivered');
  const { status, ...rest } = answer.answer as { readonly status: number; readonly body: string; readonly bodyFault?: string };
  assert.equal(status, 202);
  return rest;
}

const withCheckOfNothing = Buffer.concat([gzipped.subarray(0, -8), Buffer.alloc(8)]);

const whole: readonly [what: string, sent: Sent][] = [
  ['gzip', { encoding: 'gzip', body: gzipped }],
  ['x-gzip', { encoding: 'x-gzip', body: gzipped }],
  ['gzip in capitals', { encoding: 'GZIP', body: gzipped }],
  ['gzip in two members', { encoding: 'gzip', body: Buffer.concat([gzipSync(plain.slice(0, 9)), gzipSync(plain.slice(9))]) }],
  ['deflate as the RFC has it', { encoding: 'deflate', body: deflateSync(plain) }],
  ['deflate without the wrapping of zlib', { encoding: 'deflate', body: deflateRawSync(plain) }],
  ['br', { encoding: 'br', body: brotliCompressSync(plain) }],
  ['zstd', { encoding: 'zstd', body: zstdCompressSync(plain) }],
  ['gzip and then br', { encoding: 'gzip, br', body: brotliCompressSync(gzipped) }],
  ['gzip twice', { encoding: 'gzip,gzip', body: gzipSync(gzipped) }],
  ['identity', { encoding: 'identity', body: plain }],
  ['gzip after identity', { encoding: 'identity, gzip', body: gzipped }],
  ['an encoding without a name', { encoding: ' , ', body: plain }],
  ['a byte order mark', { body: `\ufeff${plain}` }],
  ['a byte order mark in gzip', { encoding: 'gzip', body: gzipSync(`\ufeff${plain}`) }],
  ['UTF-8 by its name', { type: 'application/json; charset="UTF-8"', body: plain }],
  ['UTF-16, which its mark shows', { type: 'application/json;charset=utf-16', body: bigEndian(`\ufeff${plain}`) }],
  ['UTF-16LE, which its header says', { type: 'text/plain; Charset = utf-16le', body: Buffer.from(plain, 'utf16le') }],
  ['UTF-16BE, which its header says', { type: 'text/plain; charset=utf-16be', body: bigEndian(plain) }],
  ['a mark that knows better than the header', { type: 'text/plain; charset=latin1', body: `\ufeff${plain}` }],
  ['an encoding of characters that nobody knows', { type: 'text/plain; charset=martian', body: plain }],
];

function bigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

for (const [what, sent] of whole) {
  test(`an answer is read: ${what}`, async (context) => {
    assert.deepEqual(await judged(context, sent), { body: plain });
  });
}

test('an answer in Latin 1 is decoded as its header says', async (context) => {
  const sent = { type: 'application/json; charset=ISO-8859-1', body: Buffer.from('{"text":"grün"}', 'latin1') };
  assert.deepEqual(await judged(context, sent), { body: '{"text":"grün"}' });
});

test('an empty body is empty in every encoding', async (context) => {
  for (const encoding of ['gzip', 'br', 'deflate', 'zstd', 'gzip, br', 'martian'])
    assert.deepEqual(await judged(context, { encoding, body: '' }), { body: '' });
});

const faulty: readonly [what: string, sent: Sent, fault: RegExp][] = [
  ['plain text that says it is gzip', { encoding: 'gzip', body: plain }, /^cannot be decoded as gzip \(incorrect header check\)$/],
  ['plain text that says it is br', { encoding: 'br', body: plain }, /^cannot be decoded as br \(/],
  ['plain text that says it is deflate', { encoding: 'deflate', body: plain }, /^cannot be decoded as deflate \(/],
  ['plain text that says it is zstd', { encoding: 'zstd', body: plain }, /^cannot be decoded as zstd \(/],
  ['gzip that is cut', { encoding: 'gzip', body: gzipped.subarray(0, -1) }, /^cannot be decoded as gzip \(unexpected end of file\)$/],
  ['gzip of which one byte is there', { encoding: 'gzip', body: gzipped.subarray(0, 1) }, /unexpected end of file/],
  ['gzip whose sum is wrong', { encoding: 'gzip', body: withCheckOfNothing }, /^cannot be decoded as gzip \(incorrect data check\)$/],
  ['deflate that is cut', { encoding: 'deflate', body: deflateSync(plain).subarray(0, -1) }, /unexpected end of file/],
  ['br that is cut', { encoding: 'br', body: brotliCompressSync(plain).subarray(0, -1) }, /unexpected end of file/],
  ['zstd that is cut', { encoding: 'zstd', body: zstdCompressSync(plain).subarray(0, -1) }, /unexpected end of file/],
  [
    'br with more behind it',
    { encoding: 'br', body: Buffer.concat([brotliCompressSync(plain), gzipped]) },
    /^continues after its br data$/,
  ],
  ['deflate with more behind it', { encoding: 'deflate', body: Buffer.concat([deflateSync(plain), gzipped]) }, /^continues after its/],
  ['gzip in an encoding that it is not in', { encoding: 'br, gzip', body: gzipped }, /^cannot be decoded as br/],
  [
    'an encoding that nobody knows',
    { encoding: 'martian', body: plain },
    /^has the encoding martian, expected one of br, deflate, gzip and zstd$/,
  ],
  ['more encodings than are taken off', { encoding: 'gzip,gzip,gzip,gzip', body: plain }, /^has 4 encodings, expected at most 3$/],
  ['one character too many', { body: 'x'.repeat(65_537) }, /^is longer than 64 KiB$/],
  ['one character too many, in gzip', { encoding: 'gzip', body: gzipSync('x'.repeat(65_537)) }, /^is longer than 64 KiB$/],
];

for (const [what, sent, fault] of faulty) {
  test(`an incomplete answer says why: ${what}`, async (context) => {
    const { body, bodyFault } = await judged(context, sent);
    assert.match(String(bodyFault), fault);
    const complete = sent.body.length > 65_536 || sent.encoding === 'gzip' ? 'x'.repeat(65_536) : plain;
    assert.ok(complete.startsWith(body) || plain.startsWith(body), body);
  });
}

test('a body of exactly 64 KiB is complete, even if no encoding makes it shorter', async (context) => {
  const text = Array.from({ length: 65_536 }, (_, at) => String.fromCharCode(33 + ((at * at * 7 + at * 31) % 90))).join('');
  const stored = gzipSync(text, { level: constants.Z_NO_COMPRESSION });
  assert.ok(stored.length > text.length);
  for (const sent of [{ body: text }, { encoding: 'gzip', body: stored }]) assert.deepEqual(await judged(context, sent), { body: text });
});

test('only the first 64 KiB of a decompression bomb are decoded', { timeout: 60_000 }, async (context) => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const bombs: readonly [encoding: string, body: Buffer][] = [
    ['gzip', gzipSync(zeros)],
    ['br', brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
    ['zstd', zstdCompressSync(zeros)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
  ];
  for (const [encoding, body] of bombs) {
    const before = process.memoryUsage().arrayBuffers;
    const answer = await judged(context, { encoding, body });
    assert.deepEqual([answer.body.length, answer.bodyFault], [65_536, 'is longer than 64 KiB'], encoding);
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024, encoding);
  }
});

/** Calls back when the client has the headers of the next answer. */
function onceHeadersCame(call: () => void): void {
  const came = () => {
    unsubscribe('undici:request:headers', came);
    setImmediate(call);
  };
  subscribe('undici:request:headers', came);
}

/** Faults in an answer's body, after its status has arrived. */
const breaks: readonly [what: string, (response: ServerResponse) => void][] = [
  ['the connection breaks', (response) => response.write(plain.slice(0, 9), () => response.socket?.destroy())],
  ['it is shorter than its length', (response) => response.write(plain, () => response.socket?.end())],
];

for (const [what, breakOff] of breaks) {
  test(`a webhook that answered 2xx has received the call, whatever follows: ${what}`, async (context) => {
    for (const length of [{}, { 'content-length': '1000' }]) {
      const shop = await receive(context, (response) => breakOff(response.writeHead(200, length)));
      const answer = await transport(context, { url: shop.url }).call(callOf(), unhurried);
      assert.equal(answer.result, 'delivered');
      const { status, body, bodyFault } = Object(answer.answer);
      assert.equal(status, 200);
      assert.ok(plain.startsWith(body));
      assert.match(bodyFault, /^breaks off \(.+\)$/);
    }
  });
}

const heads: readonly [what: string, head: string, status: number | undefined][] = [
  ['after the status', 'HTTP/1.1 202 Accepted\r\n', 202],
  ['in the midst of the headers', 'HTTP/1.1 200 OK\r\ncontent-type: applica', 200],
  ['after an interim answer and a status', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 202 ', 202],
  ['for more headers than a client takes', `HTTP/1.1 202 Accepted\r\nx-much: ${'x'.repeat(20_000)}\r\n\r\n{}`, 202],
  ['at a header that is none', 'HTTP/1.1 202 Accepted\r\nno header\r\n\r\n{}', 202],
  ['after the status of a refusal', 'HTTP/1.1 410 Gone\r\n', 410],
  ['before the status is whole', 'HTTP/1.1 20', undefined],
  ['after an interim answer alone', 'HTTP/1.1 103 Early Hints\r\n\r\n', undefined],
];

for (const [what, head, status] of heads) {
  test(`a call is judged by its status once that has arrived: the answer breaks off ${what}`, async (context) => {
    const shop = await receiveRaw(context, (socket) => socket.once('data', () => socket.end(head)));
    const answer = await transport(context, { url: shop.url }).call(callOf(), unhurried);
    assert.equal(answer.result, status === undefined ? 'failed' : status === 410 ? 'refused' : 'delivered');
    if (status === undefined) return;
    const { bodyFault, ...rest } = Object('answer' in answer && answer.answer);
    assert.deepEqual(rest, { status, body: '' });
    assert.match(bodyFault, /^is missing, because the headers break off \(.+\)$/);
  });
}

test('the status of an earlier call on the same connection says nothing about the next one', async (context) => {
  const shop = await receiveRaw(context, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      socket.once('data', () => socket.end());
    });
  });
  const to = transport(context, { url: shop.url });
  let delivered = 0;
  for (let calls = 0; calls < 6; calls++) if ((await to.call(callOf(), unhurried)).result === 'delivered') delivered += 1;
  assert.ok(delivered < 6);
  assert.equal(delivered, shop.connections());
});

test('a webhook whose body does not end in time has answered with its status', { timeout: 20_000 }, async (context) => {
  for (const [status, result] of [
    [200, 'delivered'],
    [410, 'refused'],
    [503, 'failed'],
  ] as const) {
    const abort = new AbortController();
    const shop = await receive(context, (response) => {
      response.writeHead(status, { 'retry-after': '7' }).write('so far');
    });
    const to = transport(context, { url: shop.url });
    onceHeadersCame(() => abort.abort());
    const answer = await to.call(callOf(), abort.signal);
    assert.equal(answer.result, result);
    assert.deepEqual('answer' in answer && answer.answer, { status, body: '', bodyFault: 'breaks off (timed out)' });
    if (answer.result === 'failed') assert.equal(answer.retryAfterMs, 7_000);
  }
});

test('the answer after an interim one counts', async (context) => {
  const shop = await receive(context, (response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.writeHead(202).end(plain);
  });
  const answer = await transport(context, { url: shop.url }).call(callOf(), unhurried);
  assert.deepEqual(answer, { result: 'delivered', answer: { status: 202, body: plain } });
});

test('a faulty body before a redirect does not prevent following it', async (context) => {
  const shop = await receive(context, (response, { path }) => {
    if (path === '/there') response.end('there');
    else response.writeHead(307, { location: '/there', 'content-encoding': 'martian' }).end('no');
  });
  const answer = await transport(context, { url: `${shop.url}/here`, redirects: 1 }).call(callOf(), unhurried);
  assert.deepEqual(answer, { result: 'delivered', answer: { status: 200, body: 'there' } });
});

test('if a judge throws, the meaning of the answer is unknown, and the call is not repeated', async (context) => {
  const shop = await receive(context, (response) => response.writeHead(202).end());
  const failing = () => {
    throw new Error('no such field');
  };
  const later = (() => Promise.reject(new Error('no such field'))) as unknown as NonNullable<HttpOptions['judge']>;
  for (const judge of [failing, later]) {
    const answer = await transport(context, { url: shop.url, judge }).call(callOf(), unhurried);
    assert.ok('cause' in answer && answer.cause instanceof Error);
    assert.match(answer.cause.stack ?? '', /no such field.*answers\.test\.ts/s, 'the log and the dead letter tell where');
    const { cause: _, ...told } = answer;
    assert.deepEqual(told, { result: 'unknown', reason: 'status 202, for which the judge failed: no such field' });
  }
});
