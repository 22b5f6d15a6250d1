import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dice } from './contract/dice.ts';
import { kinds, Player } from './differential/player.fixture.test.ts';
import { sideBySide } from './differential/side-by-side.fixture.test.ts';
import { memory } from './memory/memory-store.ts';
import { sqlite } from './sqlite/sqlite-store.ts';
import type { Store } from './store.ts';

/** Every store there is, each made in an empty folder. The first is what the others are compared with. */
const stores: readonly [Make, ...Make[]] = [() => memory(), (folder) => sqlite(join(folder, 'test.db'))];

type Make = (folder: string) => Store;

const runs = 5;
const stepsMin = 100;
const stepsMax = 400;

for (let seed = 1; seed <= runs; seed += 1) {
  test(`every store answers a random sequence of calls as the others do (seed ${seed})`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
    const [first, ...others] = stores;
    const store = sideBySide(`seed ${seed}`, [first(folder), ...others.map((make) => make(folder))]);
    try {
      assert.deepEqual(await play(store, seed), [], `seed ${seed}: expected every kind to have succeeded, found these that had not`);
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  });
}

/** Plays until every kind of call and write has succeeded, and for some steps at least; answers the kinds that had not in the end. */
async function play(store: Store, seed: number): Promise<string[]> {
  const player = new Player(store, dice(seed));
  await player.start();
  const missing = () => kinds.filter((kind) => !player.seen.has(kind));
  for (let step = 1; step <= stepsMin || (step <= stepsMax && missing().length > 0); step += 1) await player.step();
  return missing();
}
