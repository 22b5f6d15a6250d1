import assert from 'node:assert/strict';
import test from 'node:test';
import { integerFrom, randomOf } from './random.ts';

const first = (seed: number, stream: number) => {
  const random = randomOf(seed, stream);
  return Array.from({ length: 5 }, random);
};

test('the seed and the stream determine the numbers', () => {
  assert.deepEqual(first(444, 1), first(444, 1));
  const others = [first(445, 1), first(444, 2), first(444 + 2 ** 32, 1)].map((numbers) => numbers[0]);
  assert.equal(new Set([first(444, 1)[0], ...others]).size, 4);
});

test('the numbers are spread evenly over the whole range', () => {
  const random = randomOf(0, 0);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) {
    const number = integerFrom(random, 0, 9);
    counts[number] = (counts[number] ?? 0) + 1;
  }
  assert.ok(
    counts.every((count) => count > 850 && count < 1150),
    counts.join(' '),
  );
});
