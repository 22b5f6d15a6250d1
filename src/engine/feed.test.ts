import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory } from '../store/memory/memory-store.ts';
import type { Store } from '../store/store.ts';
import { Feed } from './feed.ts';
import { Memory } from './memory.ts';

const partition = { pipeline: 'visits', slice: 0 };
const bound = 3;

/** A log of events that were not announced to the feed, as after a start. */
async function feedOf(events: number, memoryBytes = 1024 * 1024): Promise<{ readonly store: Store; readonly feed: Feed }> {
  const store = memory();
  await store.open({ pipelines: [{ name: 'visits', numbered: false }], tables: [] });
  await append(store, events);
  return { store, feed: new Feed(store, partition, { cursor: 0, head: events }, { events: bound, memory: new Memory(memoryBytes) }) };
}

function append(store: Store, events: number) {
  const event = { partition, key: 'a', id: '', knownSince: null, number: null, acceptedAt: 0, body: '1', traceparent: null, origin: null };
  return store.append(Array.from({ length: events }, () => event));
}

async function positionsOf(feed: Feed, limit: number): Promise<readonly number[]> {
  return (await feed.take(limit)).map(({ position }) => position);
}

test('a log read ahead is handed out once and in order', async () => {
  const { feed } = await feedOf(7);
  const taken = [];
  for (let take = 0; take < 4; take += 1) taken.push(await positionsOf(feed, 2));
  assert.deepEqual(taken, [[1, 2], [3, 4], [5, 6], [7]]);
});

test('events read ahead and then announced are handed out once', async () => {
  const { store, feed } = await feedOf(5);
  assert.deepEqual(await positionsOf(feed, 2), [1, 2]);
  feed.offer(await store.read(partition, 2, 3));
  await append(store, 1);
  // Beyond the limit: announced, but not kept.
  feed.offer(await store.read(partition, 5, 1));
  assert.deepEqual(await positionsOf(feed, 9), [3, 4, 5]);
  assert.deepEqual(await positionsOf(feed, 9), [6]);
});

test('a failed read-ahead fails whoever takes next, and nobody else', async () => {
  const { store, feed } = await feedOf(5);
  const read = store.read.bind(store);
  let reads = 0;
  store.read = async (...parameters) => {
    reads += 1;
    if (reads === 2) throw new Error('the disk is gone');
    return read(...parameters);
  };
  assert.deepEqual(await positionsOf(feed, 2), [1, 2]);
  await assert.rejects(feed.take(2), /the disk is gone/);
});

test('the store is not asked for more than is known to be there', async () => {
  const { store, feed } = await feedOf(5);
  const read = store.read.bind(store);
  const limits: number[] = [];
  store.read = async (...parameters) => {
    limits.push(parameters[2]);
    return read(...parameters);
  };
  assert.deepEqual(await positionsOf(feed, 3), [1, 2, 3]);
  assert.deepEqual(await positionsOf(feed, 3), [4, 5]);
  assert.deepEqual(limits, [3, 2]);
});
