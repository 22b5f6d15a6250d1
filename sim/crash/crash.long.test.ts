import { randomInt } from 'node:crypto';
import test from 'node:test';
import { survives } from './survives.fixture.test.ts';

test('all systems keep their promises through kills and a power cut, under a fresh random load', (context) => {
  const seed = randomInt(2 ** 31);
  context.diagnostic(`--seed ${seed}`);
  return survives(context, seed, 1);
});
