import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { type LookupAddress, lookup } from 'node:dns';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import test from 'node:test';
import { promisify } from 'node:util';
import { lookUpDirectly } from './look-up.ts';

/** A name server that answers as the test decides, or never. */
async function nameServer(context: test.TestContext, answer: (name: string, type: number) => Buffer | 'unknown' | 'never') {
  const socket = createSocket('udp4');
  socket.on('message', (asked: Buffer, { address, port }: RemoteInfo) => {
    const labels: string[] = [];
    let at = 12;
    for (; asked[at] !== 0; at += 1 + Number(asked[at])) labels.push(asked.subarray(at + 1, at + 1 + Number(asked[at])).toString());
    const question = asked.subarray(12, at + 5);
    const said = answer(labels.join('.'), asked.readUInt16BE(at + 1));
    if (said === 'never') return;
    const data = said === 'unknown' ? Buffer.alloc(0) : said;
    const header = Buffer.from([
      asked[0] ?? 0,
      asked[1] ?? 0,
      0x81,
      said === 'unknown' ? 0x83 : 0x80,
      0,
      1,
      0,
      data.length > 0 ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const type = data.length === 16 ? 28 : 1;
    const record = data.length === 0 ? data : Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 9, 0, data.length]), data]);
    socket.send(Buffer.concat([header, question, record]), port, address);
  });
  context.after(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return `127.0.0.1:${socket.address().port}`;
}

const all = (lookUp: LookupFunction, hostname: string, family = 0): Promise<LookupAddress[]> =>
  new Promise((resolve, reject) => {
    lookUp(hostname, { all: true, family }, (error, found) => {
      if (error === null) resolve(found as LookupAddress[]);
      else reject(error);
    });
  });

test('a name resolves to the addresses that its name servers know, of both families', async (context) => {
  const known = await nameServer(context, (_name, type) => (type === 1 ? Buffer.from([192, 0, 2, 7]) : Buffer.alloc(16, 1)));
  const lookUp = lookUpDirectly({ servers: [known] });
  const [four, six] = [
    { address: '192.0.2.7', family: 4 },
    { address: '101:101:101:101:101:101:101:101', family: 6 },
  ];
  assert.deepEqual(await all(lookUp, 'shop.example'), [four, six]);
  assert.deepEqual(await all(lookUp, 'shop.example', 6), [six]);
  assert.deepEqual(await promisify(lookUp)('shop.example', { family: 4 }), '192.0.2.7');
  const half = await nameServer(context, (_name, type) => (type === 1 ? Buffer.from([192, 0, 2, 7]) : 'unknown'));
  assert.deepEqual(await all(lookUpDirectly({ servers: [half] }), 'shop.example'), [four]);
});

test('look-ups that never end hold up no others, in this engine or in the process', { timeout: 30_000 }, async (context) => {
  let asked = 0;
  const allAsked = Promise.withResolvers<void>();
  const server = await nameServer(context, (name) => {
    if (!name.startsWith('slow')) return Buffer.from([192, 0, 2, 7]);
    asked += 1;
    if (asked === 40) allAsked.resolve();
    return 'never';
  });
  const lookUp = lookUpDirectly({ servers: [server], timeoutMs: 1_000 });
  let ended = 0;
  const slow = Array.from({ length: 20 }, (_, at) => all(lookUp, `slow-${at}.example`).finally(() => (ended += 1)));
  const settled = Promise.allSettled(slow);
  await allAsked.promise;
  assert.deepEqual(await all(lookUp, 'quick.example', 4), [{ address: '192.0.2.7', family: 4 }]);
  assert.ok((await all(lookUp, 'localhost')).length > 0);
  assert.ok((await promisify(lookup)('localhost')).address);
  assert.equal(ended, 0);
  for (const { status } of await settled) assert.equal(status, 'rejected');
});

test('a name unknown to the name servers may be known to the system', async (context) => {
  const server = await nameServer(context, () => 'unknown');
  const lookUp = lookUpDirectly({ servers: [server], timeoutMs: 1_000 });
  await assert.rejects(all(lookUp, 'nobody.invalid'), { syscall: 'getaddrinfo' });
});
