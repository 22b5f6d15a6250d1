import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import { isCode, onEveryStore } from './fixture.test.ts';
import { Generations } from './gone.fixture.test.ts';

const Step = z.object({ key: z.string(), n: z.int(), fail: z.boolean().default(false) });
const handled: string[] = [];

/** Steps ordered by number, by arrival, or each as its own key. */
function steps(how: 'numbered' | 'keyed' | 'keyless', { attempts = 1, onGiveUp = 'skip' as 'skip' | 'park' } = {}): AnyPipeline {
  return pipeline('steps', {
    event: Step,
    ...(how !== 'keyless' && { key: ({ key }: z.infer<typeof Step>) => key }),
    ...(how === 'numbered' && { order: { by: ({ n }: z.infer<typeof Step>) => n } }),
    retry: { attempts, backoff: '1h' },
    onGiveUp,
    handle({ key, n, fail }, _state, turn) {
      if (fail && turn.attempt <= attempts) throw new Error('not today');
      handled.push(`${key} ${n}`);
    },
  }) as AnyPipeline;
}

const refused = (found: RegExp) => (error: unknown) =>
  error instanceof MillraceError && error.code === 'MILL_INVALID_DECLARATION' && found.test(error.message);

onEveryStore('promises 2 and 3: a pipeline with changed order or keys', ({ makeStore }) => {
  const waits = [
    ['numbered', 'keyed', 'a gap', /it declares no order, but/],
    ['numbered', 'keyless', 'a gap', /it declares no order, but/],
    ['keyed', 'numbered', 'a retry', /it declares order, but/],
    ['keyed', 'keyless', 'a retry', /it declares no key, but/],
    ['keyless', 'keyed', 'a retry', /it declares key, but/],
    ['keyless', 'numbered', 'a retry', /it declares order, but/],
  ] as const;
  for (const [from, to, what, found] of waits) {
    test(`${from} to ${to}: it does not start while an event waits for ${what}, and the former declaration continues`, async () => {
      const generations = new Generations(makeStore());
      const first = await generations.next([steps(from, { attempts: 2 })]);
      await first.ingest('steps', { key: 'a', n: 2, fail: true });
      await first.drain();
      await assert.rejects(generations.next([steps(to)]), refused(found));
      handled.length = 0;
      const back = await generations.next([steps(from)]);
      if (from === 'numbered') await back.ingest('steps', { key: 'a', n: 1 });
      await back.advance('2h');
      assert.deepEqual(handled, from === 'numbered' ? ['a 1'] : ['a 2']);
      await back.stop();
    });

    test(`${from} to ${to}: it starts once nothing waits`, async () => {
      const generations = new Generations(makeStore());
      const first = await generations.next([steps(from)]);
      await first.ingest('steps', { key: 'a', n: 1 });
      await first.drain();
      handled.length = 0;
      const t = await generations.next([steps(to)]);
      await t.ingest('steps', { key: 'b', n: 1 });
      await t.drain();
      assert.deepEqual(handled, ['b 1']);
      await t.stop();
    });

    test(`${from} to ${to}: an earlier dead letter is not redriven, but may be discarded`, async () => {
      const generations = new Generations(makeStore());
      const first = await generations.next([steps(from)]);
      if (from === 'numbered') await first.ingest('steps', { key: 'a', n: 1 });
      await first.ingest('steps', { key: 'a', n: 2, fail: true });
      await first.drain();
      const t = await generations.next([steps(to)]);
      const [letter] = await t.deadLetters();
      const isRefused = (error: Error) => isCode('MILL_CONFLICT')(error) && found.test(error.message);
      await assert.rejects(t.mill.redrive(letter?.id ?? ''), isRefused);
      await t.mill.discard(letter?.id ?? '');
      assert.deepEqual(await t.deadLetters(), []);
      await t.stop();
    });
  }

  test('a parked key prevents a change of its pipeline’s order', async () => {
    const generations = new Generations(makeStore());
    const first = await generations.next([steps('keyed', { onGiveUp: 'park' })]);
    await first.ingest('steps', { key: 'a', n: 1, fail: true });
    await first.drain();
    await assert.rejects(generations.next([steps('numbered')]), refused(/it declares order, but/));
    const back = await generations.next([steps('keyed', { onGiveUp: 'park' })]);
    await back.mill.discard((await back.deadLetters())[0]?.id ?? '');
    const t = await generations.next([steps('numbered')]);
    await t.stop();
  });
});

onEveryStore('promise 8: a pipeline whose keys would be looked up in other partitions', ({ makeStore }) => {
  const counting = (hasSchedule: boolean, name = 'counting') =>
    pipeline(name, {
      event: Step,
      key: ({ key }) => key,
      state: z.object({ n: z.int() }),
      ...(hasSchedule && { schedule: { every: '1h', source: () => [] } }),
      handle: ({ n }, state) => ({ n: (state?.n ?? 0) + n }),
    }) as AnyPipeline;

  for (const [hadSchedule, found] of [
    [false, /^pipeline counting: its keys were stored with no schedule; it now declares one\. /],
    [true, /^pipeline counting: its keys were stored with a schedule; it now declares none\. /],
  ] as const) {
    test(`a schedule that is ${hadSchedule ? 'removed' : 'added'}: it does not start, and the former declaration continues`, async () => {
      const store = makeStore();
      const generations = new Generations(store);
      const first = await generations.next([counting(hadSchedule)]);
      await first.ingest('counting', { key: 'a', n: 2 });
      await first.drain();
      const changed = generations.next([counting(!hadSchedule)]);
      if (store.partitions === 1) {
        assert.deepEqual(await (await changed).state('counting', 'a'), { n: 2 });
      } else await assert.rejects(changed, refused(found));
      const back = await generations.next([counting(hadSchedule)]);
      await back.ingest('counting', { key: 'a', n: 3 });
      assert.deepEqual(await back.state('counting', 'a'), { n: 5 });
      await back.stop();
    });
  }

  test('it starts if nothing is stored yet', async () => {
    const generations = new Generations(makeStore());
    for (const hasSchedule of [false, true, false]) await generations.next([counting(hasSchedule)]);
    const t = await generations.next([counting(true)]);
    await t.ingest('counting', { key: 'a', n: 1 });
    assert.deepEqual(await t.state('counting', 'a'), { n: 1 });
    await t.stop();
  });
});
