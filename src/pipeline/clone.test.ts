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

test('a value that a schema may accept is copied completely', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const value of [new Date(0), new Map([[{ a: 1 }, new Set([7n])]]), new Uint8Array(2), [undefined], new TypeError('no'), cycle]) {
    const clone = cloneWhole(value);
    assert.deepEqual(clone, value);
    assert.notEqual(clone, value);
  }
});

test('a class instance that would lose its class is refused by name, wherever it is', () => {
  for (const value of [new Money(), [new Money()], { a: { b: new Money() } }, new Map([[1, new Money()]]), new Set([new Money()])])
    assert.throws(() => cloneWhole(value), /an instance of Money/);
  assert.throws(() => cloneWhole(new Odd()), /an instance of Odd/);
});
