import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { crash } from './harness.ts';

async function survives(context: TestContext, seed: number, powerCuts: number): Promise<void> {
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

test('all systems keep their promises through kills and a power cut (promises 1 to 8)', (context) => survives(context, 444, 1));

test('so they do under a load that nobody has seen before', (context) => {
  const seed = randomInt(2 ** 31);
  context.diagnostic(`--seed ${seed}`);
  return survives(context, seed, 1);
});
