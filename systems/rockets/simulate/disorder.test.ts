import assert from 'node:assert/strict';
import test from 'node:test';
import { randomOf } from '../../shared/random.ts';
import { countWithRepeats, disorder } from './disorder.ts';

const items = Array.from({ length: 1000 }, (_, index) => ({ index }));

const run = (repeats: number, hat: number, seed = 1) =>
  Array.from(disorder({ items: items.values(), count: 1000, repeats, hat, random: randomOf(seed, 0) }), ({ index }) => index);

test('every item occurs, and the given share of them occurs again', () => {
  const given = run(0.1, 300);
  assert.equal(given.length, 1100);
  assert.equal(countWithRepeats(1000, 0.1), 1100);
  assert.equal(new Set(given).size, 1000);
});

test('with a share of 1 every item occurs twice on average, with 0 each once', () => {
  assert.equal(run(1, 300).length, 2000);
  assert.deepEqual(
    run(0, 300).toSorted((a, b) => a - b),
    items.map(({ index }) => index),
  );
});

test('the items are out of order, but none comes much too early', () => {
  const given = run(0, 30);
  assert.notDeepEqual(
    given,
    given.toSorted((a, b) => a - b),
  );
  assert.ok(given.every((index, place) => index <= place + 30));
});

test('a hat of 0 keeps the order', () => {
  assert.deepEqual(
    run(0, 0),
    items.map(({ index }) => index),
  );
});

test('the same random numbers give the same disorder, and others another', () => {
  assert.deepEqual(run(0.1, 300, 7), run(0.1, 300, 7));
  assert.notDeepEqual(run(0.1, 300, 7), run(0.1, 300, 8));
});
