import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cloneWhole } from './clone.ts';

class Money {
  #amount = 5;
  toJSON(): number {
    return this.#amount;
  }
}
class Odd extends Error {}

test('what a schema may take is copied with all that it is', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const value of [new Date(0), new Map([[{ a: 1 }, new Set([7n])]]), new Uint8Array(2), [undefined], new TypeError('no'), cycle]) {
    const clone = cloneWhole(value);
    assert.deepEqual(clone, value);
    assert.notEqual(clone, value);
  }
});

test('an instance of a class that would come out as another is refused by its name, wherever it stands', () => {
  for (const value of [new Money(), [new Money()], { a: { b: new Money() } }, new Map([[1, new Money()]]), new Set([new Money()])])
    assert.throws(() => cloneWhole(value), /an instance of Money/);
  assert.throws(() => cloneWhole(new Odd()), /an instance of Odd/);
});
