import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import test from 'node:test';
import { request } from 'undici';
import { type AddressGuard, AddressRefused } from './address-guard.ts';
import { connections } from './connections.ts';
import { callOf, receive, receiveRaw, transport, unhurried } from './fixture.test.ts';

test('the address at the other end is checked once more before the first byte is written', async (context) => {
  for (const protocol of ['http', 'https']) {
    let bytes = 0;
    const closed = Promise.withResolvers<void>();
    const server = await receiveRaw(context, (socket) => {
      socket.on('data', (chunk) => {
        bytes += chunk.length;
      });
      socket.on('close', () => closed.resolve());
    });
    const judged: string[] = [];
    // Allows the first address and refuses all later ones, as if the connection had gone elsewhere.
    const guard: AddressGuard = { faultOf: (address) => (judged.push(address) === 1 ? undefined : 'moved') };
    const { dispatcher, close } = connections({ guard, lookup: undefined });
    context.after(close);
    const url = `${protocol}://127.0.0.1:${server.port}`;
    await assert.rejects(request(url, { dispatcher, method: 'POST', body: 'secret' }), AddressRefused);
    await closed.promise;
    assert.deepEqual([judged, server.connections(), bytes], [['127.0.0.1', '127.0.0.1'], 1, 0]);
  }
});

test('behind the guard a call uses TLS if the URL says so', async (context) => {
  const plain = await receive(context);
  const url = plain.url.replace('http:', 'https:');
  const answer = await transport(context, { allow: ['127.0.0.1'] }).call(callOf({ url }), unhurried);
  assert.match('reason' in answer ? String(answer.reason) : '', /^(wrong version number|write EPROTO) \(https:/);
  assert.equal(plain.received.length, 0);
});

test('closing does not wait for connections still being made', { timeout: 5_000 }, async (context) => {
  for (const url of [undefined, 'http://slow.example']) {
    const asked = Promise.withResolvers<void>();
    const to = transport(context, { url: 'http://slow.example', lookup: () => asked.resolve() });
    const abort = new AbortController();
    const answer = to.call(callOf({ url }), abort.signal);
    await asked.promise;
    abort.abort();
    assert.deepEqual(await answer, { result: 'failed', reason: 'timed out (http://slow.example)', isUnanswered: true });
    await to.close?.();
  }
});

test('few connections to addresses from data are kept, whatever the other sides allow', { timeout: 30_000 }, async (context) => {
  const open = new Set<Socket>();
  const closed = Promise.withResolvers<void>();
  const server = createServer((asked, response) => {
    asked.resume().on('end', () => response.writeHead(204, { 'keep-alive': 'timeout=86400' }).end());
  });
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      if (open.size === 0) closed.resolve();
    });
  });
  await once(server.listen(0), 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const to = transport(context, { allow: ['127.0.0.0/8'] });
  for (let host = 1; host <= 200; host += 1) {
    const { result } = await to.call(callOf({ url: `http://127.0.1.${host}:${port}/` }), unhurried);
    assert.equal(result, 'delivered');
  }
  assert.ok(open.size > 0 && open.size <= 66, `${open.size} connections`);
  await closed.promise;
});
