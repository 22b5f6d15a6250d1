import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { until } from '../../test/until.ts';
import { pipeline } from '../pipeline/pipeline.ts';
import { onEveryStore } from './promises/fixture.test.ts';

const acts = ['nothing', 'remember', 'forget', 'arm', 'deliver', 'fail', 'take long'] as const;

/** Each event says what its turn leaves behind. */
function deeds(long: Promise<void>) {
  return pipeline('deeds', {
    event: z.object({ key: z.string(), act: z.enum(acts) }),
    key: ({ key }) => key,
    state: z.object({ is: z.string() }),
    retry: { attempts: 1 },
    onGiveUp: 'skip',
    timers: { alarm: () => undefined },
    deliver: { shop: { to: { call: async () => ({ result: 'delivered' }) }, retry: { backoff: '1h' } } },
    handle({ act }, _state, turn) {
      if (act === 'remember') return { is: 'here' };
      if (act === 'forget') return null;
      if (act === 'arm') turn.timers.set('alarm', { after: '1h' });
      if (act === 'deliver') turn.deliver('shop', 1);
      if (act === 'fail') throw new Error('no');
      return act === 'take long' ? long.then(() => undefined) : undefined;
    },
  });
}

onEveryStore('knowledge of a key', ({ testMill }) => {
  test('a key is known by its state, timers, deliveries and dead letters, and by nothing that is over', async () => {
    const t = await testMill({ pipelines: [deeds(Promise.resolve())], answer: () => ({ result: 'failed', reason: 'closed' }) });
    for (const act of acts) await t.ingest('deeds', { key: act, act });
    await t.ingest('deeds', { key: 'forget', act: 'remember' });
    await t.ingest('deeds', { key: 'forget', act: 'forget' });
    await t.drain();
    const known = async () => {
      const verdicts = await Promise.all([...acts, 'nobody'].map(async (key) => ((await t.mill.knows('deeds', key)) ? [key] : [])));
      return verdicts.flat();
    };
    assert.deepEqual(await known(), ['remember', 'arm', 'deliver', 'fail']);
    await t.crash();
    assert.deepEqual(await known(), ['remember', 'arm', 'deliver', 'fail']);
    await t.stop();
  });

  test('a key still to be notified of an outcome is known by that alone', async () => {
    const calls = pipeline('calls', {
      event: z.object({ key: z.string() }),
      key: ({ key }) => key,
      deliver: { shop: { to: { call: async () => ({ result: 'delivered' }) }, outcome: () => undefined } },
      handle: ({ key }, _state, turn) => turn.deliver('shop', key),
    });
    const answered = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [calls], answer: () => answered.promise.then(() => ({ result: 'delivered' })) });
    await t.ingest('calls', { key: 'a' });
    await until(() => t.calls.length > 0);
    await t.mill.pause('calls');
    answered.resolve();
    await until(() => t.mill.counts().calls?.delivered !== 0);
    assert.deepEqual([await t.mill.knows('calls', 'a'), t.mill.counts().calls?.deliveries], [true, 0]);
    await t.mill.resume('calls');
    await t.drain();
    assert.equal(await t.mill.knows('calls', 'a'), false);
    await t.stop();
  });

  test('a key whose turn is under way is known', async () => {
    const long = Promise.withResolvers<void>();
    const t = await testMill({ pipelines: [deeds(long.promise)] });
    await t.ingest('deeds', { key: 'busy', act: 'take long' });
    const known = t.mill.knows('deeds', 'busy', { waitMs: 50 });
    t.clock.turnToNextAlarm(t.clock.now() + 50);
    long.resolve();
    assert.equal(await known, true);
    await t.drain();
    assert.equal(await t.mill.knows('deeds', 'busy'), false);
    await t.stop();
  });
});
