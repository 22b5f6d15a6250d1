import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Transport } from '../pipeline/endpoint.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { recordingLogger } from './logger.fixture.test.ts';
import { millrace } from './mill.ts';

const Thing = z.object({ name: z.string() });

/** A pipeline with two endpoints that share a transport. */
function calling(to: Transport) {
  return pipeline('calling', {
    event: Thing,
    deliver: { first: { to }, second: { to } },
    handle: (thing, _state, turn) => turn.deliver('first', thing),
  });
}

const call = async () => ({ result: 'delivered' }) as const;

test('a transport is opened before the first call and closed after the last, once each', async () => {
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const called = Promise.withResolvers<void>();
  const to: Transport = {
    open: tell('open'),
    call: async () => {
      told.push('call');
      called.resolve();
      return call();
    },
    close: tell('close'),
  };
  const mill = await millrace({ store: memory(), pipelines: [calling(to)] }).start();
  await mill.ingest('calling', { name: 'a' });
  await called.promise;
  await mill.stop();
  assert.deepEqual(told, ['open', 'call', 'close']);
});

test('a transport that fails to close prevents nothing else from being closed', async () => {
  const store = memory();
  const close = () => {
    throw new Error('stuck');
  };
  const { log, lines } = recordingLogger();
  const mill = await millrace({ store, pipelines: [calling({ call, close })], log }).start();
  await mill.stop();
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['a transport failed to close'],
  );
  assert.match(String(lines[0]?.fields.stack), /^Error: stuck\n {4}at .*transports\.test\.ts/);
  const next = await millrace({ store, pipelines: [calling({ call })] }).start();
  await next.stop();
});

test('a start that failed because of a transport can be repeated', async () => {
  let isBroken = true;
  const open = () => {
    if (isBroken) throw new Error('no wire');
  };
  const { log, lines } = recordingLogger();
  const mill = millrace({ store: memory(), pipelines: [calling({ open, call })], log });
  await assert.rejects(mill.start(), { message: 'no wire' });
  assert.match(String(lines[0]?.fields.stack), /^Error: no wire\n {4}at .*transports\.test\.ts/);
  isBroken = false;
  await mill.start();
  assert.equal((await mill.ingest('calling', { name: 'a' })).status, 'accepted');
  assert.equal(await mill.idle(5_000), true);
  assert.equal(mill.counts().calling?.delivered, 1);
  await mill.stop();
});

test('a stop does not wait for a transport that never opens', async () => {
  const opening = Promise.withResolvers<void>();
  const open = () => {
    opening.resolve();
    return new Promise<void>(() => undefined);
  };
  const store = memory();
  const mill = millrace({ store, pipelines: [calling({ call, open })] });
  const started = assert.rejects(mill.start(), { code: 'MILL_STOPPING' });
  await opening.promise;
  await mill.stop();
  await started;
  const next = await millrace({ store, pipelines: [calling({ call })] }).start();
  await next.stop();
});

test('a stop waits five seconds for a transport that does not close, and says so', async () => {
  const { log, lines } = recordingLogger();
  const closing = Promise.withResolvers<void>();
  const close = () => {
    closing.resolve();
    return new Promise<void>(() => undefined);
  };
  const clock = new VirtualClock(0);
  const mill = await millrace({ store: memory(), pipelines: [calling({ call, close })], clock, log }).start();
  const stopped = mill.stop();
  await closing.promise;
  clock.turnToNextAlarm(5_000);
  await stopped;
  assert.deepEqual(
    lines.map(({ message, fields }) => [message, fields]),
    [['a transport did not close in time, and is abandoned', { timeoutMs: 5_000 }]],
  );
});
