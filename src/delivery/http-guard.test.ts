import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Answer } from '../pipeline/endpoint.ts';
import { callOf, type Receiver, receive, resolver, transport, unhurried } from './fixture.test.ts';

function assertRefused(answer: Answer, reason: RegExp): void {
  assert.equal(answer.result, 'refused');
  assert.match('reason' in answer ? String(answer.reason) : '', reason);
}

function assertUntouched(...receivers: readonly Receiver[]): void {
  for (const { connections } of receivers) assert.equal(connections(), 0);
}

/** A server on all addresses of the machine, so that only the guard can stop a call. */
function receiveAnywhere(context: TestContext): Promise<Receiver> {
  return receive(context, undefined, '::');
}

const spellings = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '%31%32%37.0.0.1',
  '１２７.0.0.1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[::]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  'localhost',
  'inside.example',
  'inside.example.',
  'LOCALHOST',
];

for (const host of spellings) {
  test(`http://${host} from data is refused, and no connection is made`, async (context) => {
    const inside = await receiveAnywhere(context);
    const isName = host.startsWith('inside');
    const to = transport(context, isName ? { lookup: resolver(() => ['127.0.0.1']) } : {});
    const answer = await to.call(callOf({ url: `http://${host}:${inside.port}/` }), unhurried);
    assertRefused(answer, /^expected an Internet address, found .* \((loopback|unspecified|reserved)\)$/);
    assertUntouched(inside);
  });
}

for (const host of [
  '169.254.169.254',
  '10.0.0.1',
  '192.168.0.1',
  '172.16.0.1',
  '100.64.0.1',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '255.255.255.255',
])
  for (const protocol of ['http', 'https']) {
    test(`${protocol}://${host} from data is refused`, async (context) => {
      assertRefused(await transport(context).call(callOf({ url: `${protocol}://${host}/` }), unhurried), /^expected an Internet address/);
    });
  }

test('the same address is called if the operator configured it, in whatever notation', async (context) => {
  for (const host of ['127.0.0.1', '127.1', 'localhost', '[::1]']) {
    const inside = await receiveAnywhere(context);
    const to = transport(context, { url: `http://${host}:${inside.port}` });
    assert.equal((await to.call(callOf(), unhurried)).result, 'delivered', host);
  }
});

test('a configured address remains closed to data, even over an existing connection', async (context) => {
  const inside = await receive(context);
  const to = transport(context, { url: inside.url });
  assert.equal((await to.call(callOf(), unhurried)).result, 'delivered');
  assertRefused(await to.call(callOf({ url: inside.url }), unhurried), /127\.0\.0\.1 \(loopback\)$/);
  assert.deepEqual([inside.received.length, inside.connections()], [1, 1]);
});

test('a name that resolves to private addresses is refused', async (context) => {
  const inside = await receiveAnywhere(context);
  for (const addresses of [['127.0.0.1'], ['::1'], ['10.0.0.1', '127.0.0.1'], ['::ffff:127.0.0.1']]) {
    const to = transport(context, { lookup: resolver(() => addresses) });
    const answer = await to.call(callOf({ url: `http://shop.example:${inside.port}` }), unhurried);
    assertRefused(answer, /^expected an Internet address, found \S+ for shop\.example \((loopback|private)\)$/);
  }
  assertUntouched(inside);
});

test('if a name has private and other addresses, only the others are called', async (context) => {
  const inside = await receive(context, undefined, '127.0.0.1');
  const outside = await receive(context, undefined, '127.0.0.2', inside.port);
  const lookup = resolver(() => ['127.0.0.1', '127.0.0.2']);
  const to = transport(context, { lookup, allow: ['127.0.0.2'] });
  assert.equal((await to.call(callOf({ url: `http://shop.example:${inside.port}` }), unhurried)).result, 'delivered');
  assert.equal(outside.received.length, 1);
  assertUntouched(inside);
});

test('changing a name’s answer gains nothing: the answer that was checked is the one used', async (context) => {
  const inside = await receive(context, undefined, '127.0.0.1');
  const outside = await receive(context, undefined, '127.0.0.2', inside.port);
  const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1'];
  const to = transport(context, { lookup: resolver(() => [answers.shift() ?? '127.0.0.1']), allow: ['127.0.0.2'] });
  const url = `http://shop.example:${inside.port}`;
  assert.equal((await to.call(callOf({ url }), unhurried)).result, 'delivered');
  assert.equal(answers.length, 2);
  await to.close?.();
  assertRefused(await to.call(callOf({ url }), unhurried), /127\.0\.0\.1 for shop\.example \(loopback\)$/);
  assert.equal(outside.received.length, 1);
  assertUntouched(inside);
});

test('a name without addresses is a failure', async (context) => {
  const answer = await transport(context, { lookup: resolver(() => []) }).call(callOf({ url: 'http://shop.example' }), unhurried);
  assert.deepEqual(answer, { result: 'failed', reason: 'shop.example has no address (http://shop.example)', isUnanswered: true });
});

test('a redirect from a public server to a private one is not followed', async (context) => {
  const inside = await receiveAnywhere(context);
  for (const host of ['127.0.0.1', '[::1]', 'localhost', '2130706433', 'inside.example']) {
    const location = `http://${host}:${inside.port}/`;
    const outside = await receive(context, (response) => response.writeHead(307, { location }).end(), '127.0.0.2');
    const lookup = resolver((name) => [name === 'shop.example' ? '127.0.0.2' : '127.0.0.1']);
    const to = transport(context, { lookup, allow: ['127.0.0.2'], redirects: 5 });
    const answer = await to.call(callOf({ url: `http://shop.example:${outside.port}` }), unhurried);
    assertRefused(answer, /\(loopback\)$/);
    assert.equal(outside.received.length, 1);
  }
  assertUntouched(inside);
});

test('a configured server cannot redirect to a private one outside its origin either, but can within it', async (context) => {
  const inside = await receive(context);
  const shop = await receive(context, (response, { path }) => {
    if (path === '/there') response.end();
    else response.writeHead(308, { location: path === '/out' ? inside.url : '/there' }).end();
  });
  const call = (path: string) => transport(context, { url: `${shop.url}${path}`, redirects: 1 }).call(callOf(), unhurried);
  assertRefused(await call('/out'), /127\.0\.0\.1 \(loopback\)$/);
  assertUntouched(inside);
  assert.equal((await call('/in')).result, 'delivered');
});

test('a redirect to anything but HTTP is refused', async (context) => {
  const shop = await receive(context, (response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end());
  const answer = await transport(context, { url: shop.url, redirects: 1 }).call(callOf(), unhurried);
  assert.deepEqual(answer, {
    result: 'refused',
    reason: `expected an http or https URL, found one of file: (redirected by ${shop.url})`,
  });
});
