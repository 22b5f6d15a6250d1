import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { signalOf } from './client-signal.ts';
import { post, serve } from './fixture.test.ts';

test('the signal of a request with a body does not abort while its client waits', async (t) => {
  const signals: AbortSignal[] = [];
  const { url } = await serve(t, {
    routes: (app, mill) =>
      void app.post('/look', async (_request, reply) => {
        await setImmediate();
        const signal = signalOf(reply);
        signals.push(signal);
        assert.equal(signalOf(reply), signal);
        const before = await mill.keys('visits', ['/'], { signal });
        await setImmediate();
        return mill.keys('visits', [...before.map(({ key }) => key)], { signal });
      }),
  });
  for (const body of [{ page: '/' }, { page: 'x'.repeat(500_000) }]) assert.equal((await post(`${url}/look`, body)).status, 200);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, false],
  );
});

test('when a client leaves, the signals of all its requests abort, including those whose answers wait for their turn', async (t) => {
  const signals: AbortSignal[] = [];
  const arrived = Promise.withResolvers<void>();
  const { url } = await serve(t, {
    routes: (app) => {
      app.post('/hold', async (_request, reply) => {
        signals.push(signalOf(reply));
        if (signals.length === 20) arrived.resolve();
        await new Promise((resolve) => signalOf(reply).addEventListener('abort', resolve));
      });
      app.post('/done', async (_request, reply) => {
        signals.push(signalOf(reply));
        return {};
      });
    },
  });
  const warned: Error[] = [];
  const warn = (warning: Error) => warned.push(warning);
  process.on('warning', warn);
  t.after(() => process.off('warning', warn));
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  t.after(() => socket.destroy());
  const request = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`;
  socket.write(request('/done'));
  await once(socket, 'data');
  socket.write(request('/hold').repeat(19));
  await arrived.promise;
  const [done, ...held] = signals;
  assert.ok(held.every(({ aborted }) => !aborted));
  const aborted = Promise.all(held.map((signal) => once(signal, 'abort')));
  socket.destroy();
  await aborted;
  assert.equal(done?.aborted, false, 'its answer was sent');
  assert.deepEqual(warned, []);
});

test('anything but a reply is refused', () => {
  for (const wrong of [undefined, {}, 'reply', { raw: {} }]) assert.throws(() => signalOf(wrong as never), /expected the reply of a route/);
});
