import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareText } from './text-order.ts';

test('texts are in the order of their UTF-8 bytes', () => {
  const inOrder = ['', ' ', 'A', 'a', 'a ', 'aa', 'z', 'é', 'ж', '\uff61', '🚀', '🚀a'];
  assert.deepEqual(inOrder.toReversed().sort(compareText), inOrder);
});

test('texts that UTF-8 cannot tell apart are not equal', () => {
  assert.equal(compareText('\ud800', '\ud800'), 0);
  assert.ok(compareText('\ud800', '\ud801') * compareText('\ud801', '\ud800') < 0);
});
