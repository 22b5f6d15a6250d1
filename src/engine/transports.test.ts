import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import type { Transport } from '../pipeline/endpoint.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { memory } from '../store/memory/memory-store.ts';
import { recordingLog } from './log.fixture.test.ts';
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

test('a transport that fails to close keeps nothing else from being closed', async () => {
  const store = memory();
  const close = () => {
    throw new Error('stuck');
  };
  const { log, lines } = recordingLog();
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

test('a start that a transport fails can be made again', async () => {
  let isBroken = true;
  const open = () => {
    if (isBroken) throw new Error('no wire');
  };
  const { log, lines } = recordingLog();
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
