import assert from 'node:assert/strict';
import { declaration, refusal, type StoreTest } from './fixtures.ts';

/** Tests pipelines that an operator has paused. */
export function pausesContract(it: StoreTest): void {
  it('a paused pipeline stays paused across a reopening, until it is resumed', async ({ store, reopen }) => {
    const pausedAfter = async () => {
      const present = await reopen();
      await present.close();
      return (await present.open(declaration)).paused;
    };
    assert.deepEqual(await pausedAfter(), []);
    for (const pipeline of ['orders', 'visits', 'visits']) await store.setPaused(pipeline, true);
    await store.setPaused('rockets', false);
    assert.deepEqual(new Set(await pausedAfter()), new Set(['visits', 'orders']));
    await store.setPaused('visits', false);
    assert.deepEqual(await pausedAfter(), ['orders']);
  });

  it('only declared pipelines are named, and a deleted one is not paused', async ({ store }) => {
    await store.setPaused('orders', true);
    await store.close();
    const without = { ...declaration, pipelines: declaration.pipelines.filter(({ name }) => name !== 'orders') };
    assert.deepEqual((await store.open(without)).paused, []);
    await store.close();
    assert.deepEqual((await store.open(declaration)).paused, ['orders']);
    await store.close();
    await store.open(without);
    await store.forget('orders');
    await store.close();
    assert.deepEqual((await store.open(declaration)).paused, []);
    await refusal(store.setPaused('nobody', true), 'MILL_INTERNAL');
  });
}
