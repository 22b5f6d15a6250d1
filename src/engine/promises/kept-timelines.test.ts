import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import type { TimelineItem, TimelinePage, TimelinePlace } from '../timeline-page.ts';
import { failing, type OnStore, onEveryStore, onStore, steps } from './fixture.test.ts';

/** A pipeline whose keys have a record only while they are parked: their blocks are indexed. */
const visits = (attempt: () => void = () => undefined) =>
  pipeline('visits', {
    event: z.object({ key: z.string(), n: z.int() }),
    key: ({ key }) => key,
    id: ({ n }) => String(n),
    retain: '10m',
    retry: { attempts: 1 },
    onGiveUp: 'park',
    handle: attempt,
  });

const promise = 'a timeline tells what happened for as long as it is kept';
onEveryStore(promise, declare);
onStore('mariadb in three slices', promise, declare);

function declare({ makeStore, testMill }: OnStore): void {
  test('after a crash it continues, and its pages join', async () => {
    const t = await testMill({ pipelines: [steps(), visits()] });
    for (const n of [1, 2, 3, 4]) {
      for (const pipeline of ['steps', 'visits']) await t.ingest(pipeline, { key: 'a', n });
      await t.drain();
      if (n % 2 === 0) await t.crash();
    }
    for (const name of ['steps', 'visits']) {
      const items = await itemsOf(t, name);
      const states = items.map(({ kind, attempt, commit }) => [kind, attempt, typeof commit]);
      assert.deepEqual(states, Array(4).fill(['handled', 1, 'string']));
      const commits = items.map(({ commit }) => Number(commit));
      assert.deepEqual(
        commits,
        commits.toSorted((a, b) => b - a),
      );
      assert.equal(new Set(commits).size, 4);
      assert.deepEqual(
        items.map(({ acceptedAt }) => acceptedAt),
        items.map(({ acceptedAt }) => acceptedAt).toSorted((a, b) => Number(b) - Number(a)),
      );
    }
    assert.deepEqual(
      (await itemsOf(t, 'visits')).map(({ event }) => event),
      ['4', '3', '2', '1'],
    );
    await t.stop();
  });

  test('a key that an operator reopens keeps its timeline, although nothing else is stored of it', async () => {
    let isFailing = true;
    const attempt = () => (isFailing ? failing() : undefined);
    const t = await testMill({ pipelines: [visits(attempt)] });
    await t.ingest('visits', { key: 'a', n: 1 });
    await t.drain();
    isFailing = false;
    // No turn can tell anything in the commit that reopens the key.
    await t.mill.pause('visits');
    const [letter] = await t.mill.deadLetters();
    await t.mill.redrive(letter?.id ?? '', { who: 'ann' });
    await t.crash();
    const told = async () => (await itemsOf(t, 'visits')).map(({ kind }) => kind).toSorted();
    assert.deepEqual(await told(), ['failed', 'gave-up', 'operator']);
    await t.mill.resume('visits');
    await t.drain();
    assert.deepEqual(await told(), ['failed', 'gave-up', 'handled', 'operator']);
    await t.stop();
  });

  test('what is older than the retention is gone, its index too, and the last page says so', async () => {
    const store = makeStore();
    const t = await testMill({ store, pipelines: [steps({}, { retain: '10m' }), visits()] });
    const visit = async (n: number) => {
      for (const pipeline of ['steps', 'visits']) await t.ingest(pipeline, { key: 'a', n });
      await t.drain();
    };
    for (const n of [1, 2]) await visit(n);
    const prunedBefore = t.clock.now() + 60_000;
    await t.advance('8m');
    for (const n of [3, 4]) await visit(n);
    await t.advance('4m');
    for (const name of ['steps', 'visits']) {
      const pages = await pagesOf(t, name);
      assert.deepEqual(
        pages.map(({ items }) => items.map(({ kind }) => kind)).filter((kinds) => kinds.length > 0),
        [['handled'], ['handled']],
      );
      const last = pages.at(-1);
      assert.equal(last?.next, undefined);
      // The last block that is left names the one before, and an index forgets with its blocks.
      if (name === 'steps') assert.ok(Number(last?.prunedBefore) < prunedBefore);
    }
    assert.equal((await indexed(store)).length, 2);
    await t.advance('12m');
    for (const name of ['steps', 'visits']) assert.deepEqual(await itemsOf(t, name), []);
    assert.deepEqual(await indexed(store), []);
    await t.stop();
  });
}

async function pagesOf(t: TestMill, name: string): Promise<readonly TimelinePage[]> {
  const pages: TimelinePage[] = [];
  let place: TimelinePlace | undefined;
  do {
    const page = await t.mill.timeline(name, 'a', { limit: 1, place });
    pages.push(page);
    place = page.next;
  } while (place !== undefined);
  return pages;
}

/** Returns all items of a key, which pages of one commit each and a single page tell alike. */
async function itemsOf(t: TestMill, name: string): Promise<readonly TimelineItem[]> {
  const { items, next } = await t.mill.timeline(name, 'a', { limit: 100 });
  assert.equal(next, undefined);
  const paged = (await pagesOf(t, name)).flatMap((page) => page.items);
  assert.deepEqual(
    paged.map(({ id }) => id),
    items.map(({ id }) => id),
  );
  return items;
}

/** Returns the blocks of the key that the index of the visits names. */
async function indexed(store: Store): Promise<readonly number[]> {
  const slices = Array.from({ length: store.partitions }, (_, slice) => ({ pipeline: 'visits', slice }));
  const all = { before: Number.MAX_SAFE_INTEGER, limit: 100 };
  return (await Promise.all(slices.map((partition) => store.blocksOfKey(partition, 'a', all)))).flat();
}
