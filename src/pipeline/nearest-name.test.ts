import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearest-name.ts';

const known = ['limit', 'cursor', 'user_id', 'to'];

test('a name that is mistyped is near the one that was meant', () => {
  assert.equal(nearestName('limt', known), 'limit');
  assert.equal(nearestName('Limit', known), 'limit');
  assert.equal(nearestName('userId', known), 'user_id');
  assert.equal(nearestName('crusor', known), 'cursor');
});

test('a name that has little to do with any is near none', () => {
  for (const found of ['x', 'page', 'sort', '', '__proto__']) assert.equal(nearestName(found, known), undefined, found);
  assert.equal(nearestName('limit', []), undefined);
});
