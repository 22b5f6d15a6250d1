import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { crash } from './harness.ts';

/** Kills the systems under load and cuts their power; fails if any system broke a promise. */
export async function survives(context: TestContext, seed: number, powerCuts: number): Promise<void> {
  const { signal } = context;
  const { broken, folder, tally } = await crash({
    rounds: 3,
    groupSize: 3,
    powerCuts,
    seed,
    signal,
    progress: (line) => context.diagnostic(line),
  });
  for (const line of tally.lines()) context.diagnostic(line);
  assert.deepEqual(broken, [], `--seed ${seed}; the files are in ${folder}`);
  assert.equal(tally.rounds, 3);
}
