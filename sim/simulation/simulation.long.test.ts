import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenOf } from './programs.fixture.test.ts';

const steps = 40;

test('300 random programs of fixed seeds keep every promise under faults', async () => {
  assert.equal(await brokenOf(1, 300, { steps }), '');
});

test('300 random programs that nobody has run before keep every promise under faults', async (context) => {
  const first = Math.floor(Math.random() * 2 ** 31) + 1;
  context.diagnostic(`seeds from ${first}`);
  assert.equal(await brokenOf(first, 300, { steps }), '');
});
