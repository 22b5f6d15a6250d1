import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternOf, reasonHash } from './reason-pattern.ts';

const patterns: Readonly<Record<string, string>> = {
  'order "shoes" of ord_7: 503': 'order ‹name› of ‹id›: ‹number›',
  "can't find 'a b' or `c`": "can't find ‹name› or ‹name›",
  'connect ECONNREFUSED 127.0.0.1:8080': 'connect ECONNREFUSED ‹number›',
  'key 01939f8e-4c1f-7d0e-8a44-0f6f7b0d8c55 is gone': 'key ‹id› is gone',
  'commit deadbeef00 of cafe': 'commit ‹id› of cafe',
  'numbers 4 to 7 did not arrive within 1000 ms': 'numbers ‹number› to ‹number› did not arrive within ‹number› ms',
  'the provider is away': 'the provider is away',
};

for (const [reason, pattern] of Object.entries(patterns)) {
  test(`the reason ${reason} has the pattern ${pattern}`, () => {
    assert.equal(patternOf(reason), pattern);
    assert.equal(patternOf(pattern), pattern, 'a pattern is its own pattern');
    assert.equal(reasonHash(pattern), reasonHash(reason));
  });
}

test('different reasons have different hashes', () => {
  assert.notEqual(reasonHash('the provider is away'), reasonHash('the provider is back'));
});
