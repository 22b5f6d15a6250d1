import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { type CommitCall, onEveryStore, withCalls } from '../promises/fixture.test.ts';
import { Generations } from '../promises/gone.fixture.test.ts';
import { forgetSchedule } from './forget-schedule.ts';

/** Its schedule runs every ten minutes and brings no events. */
function scheduled(name: string, isScheduled = true): AnyPipeline {
  return pipeline(name, {
    event: z.object({}),
    handle: () => undefined,
    ...(isScheduled && { schedule: { every: '10m', source: () => [] } }),
  }) as AnyPipeline;
}

const sentence = 'a stored schedule belongs to a pipeline that no longer declares one';

onEveryStore('promises 5 and 9: removed schedules', ({ makeStore }) => {
  for (const [how, without] of [
    ['is gone with its pipeline', [scheduled('other')]],
    ['is gone from its pipeline', [scheduled('post', false), scheduled('other')]],
    ['is gone, and so is every other', [scheduled('post', false), scheduled('other', false)]],
  ] as const) {
    test(`a schedule that ${how} is reported at the start, and continues once it is declared again`, async () => {
      const generations = new Generations(makeStore());
      await generations.next([scheduled('post'), scheduled('other')]);
      const t = await generations.next(without);
      const isOtherGone = without.every(({ schedule }) => schedule === undefined);
      const gone = isOtherGone ? ['other', 'post'] : ['post'];
      assert.deepEqual(
        t.mill.leftovers(),
        gone.map((pipeline) => ({ gone: 'schedule', pipeline })),
      );
      assert.deepEqual(
        generations.warnings,
        gone.map((pipeline) => ({ pipeline, message: sentence })),
      );
      await t.advance('25m');
      assert.deepEqual(await t.deadLetters(), []);
      const back = await generations.next([scheduled('post'), scheduled('other')]);
      const { status, lastRunAt, nextRunAt } = await back.mill.schedule('post').status();
      assert.deepEqual([status, lastRunAt, nextRunAt], ['running', back.clock.now(), back.clock.now() + 300_000]);
      assert.deepEqual(back.mill.leftovers(), []);
      await back.stop();
    });
  }

  test('a stop holds for a schedule that was removed meanwhile', async () => {
    const generations = new Generations(makeStore());
    await (await generations.next([scheduled('post')])).mill.schedule('post').stop();
    await generations.next([scheduled('other')]);
    const back = await generations.next([scheduled('post')]);
    await back.advance('1h');
    assert.deepEqual((await back.mill.schedule('post').status()).lastRunAt, null);
    await back.stop();
  });

  test('a pause that ends while its schedule is removed is over when it is declared again, and any other one continues', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([scheduled('short'), scheduled('long')]);
    await first.mill.schedule('short').pause({ for: '1m' });
    await first.mill.schedule('long').pause({ for: '1h' });
    const t = await generations.next([scheduled('other')]);
    await t.advance('2m');
    const back = await generations.next([scheduled('short'), scheduled('long')]);
    await back.drain();
    assert.equal((await back.mill.schedule('short').status()).status, 'running');
    assert.equal((await back.mill.schedule('long').status()).status, 'paused');
    await back.advance('58m');
    assert.equal((await back.mill.schedule('long').status()).status, 'running');
    await back.stop();
  });

  for (const [action, expected] of [
    ['stop', 'stopped'],
    ['pause', 'paused'],
  ] as const) {
    test(`a ${action} that was accepted but not carried out before its schedule was removed holds when it is declared again`, async () => {
      const generations = new Generations(makeStore());
      let isCut = false;
      const commit: CommitCall = async (work, lease) => {
        if (isCut) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'as the test asked for');
        return lease.commit(work);
      };
      const first = await generations.next([scheduled('post'), scheduled('other')], { store: withCalls(generations.store, { commit }) });
      isCut = true;
      // A stop is answered once it is carried out, which never happens here.
      const command = first.mill.schedule('post')[action]();
      command.catch(() => undefined);
      await first.deadLetters();
      await generations.next([scheduled('other')]);
      const back = await generations.next([scheduled('post')]);
      assert.equal((await back.mill.schedule('post').status()).status, expected);
      await back.stop();
    });
  }

  test('a deleted schedule starts afresh, and no other schedule changes', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([scheduled('post'), scheduled('other')]);
    for (const name of ['post', 'other']) await first.mill.schedule(name).stop();
    await first.stop();
    await forgetSchedule(generations.store, 'post');
    const t = await generations.next([scheduled('post'), scheduled('other')]);
    assert.equal((await t.mill.schedule('post').status()).status, 'running');
    assert.equal((await t.mill.schedule('other').status()).status, 'stopped');
    await t.stop();
  });
});
