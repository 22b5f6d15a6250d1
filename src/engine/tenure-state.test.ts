import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TenureState } from './tenure-state.ts';

function made() {
  const failures: unknown[] = [];
  return { state: new TenureState((error) => failures.push(error)), failures };
}

describe('the state of a tenure', () => {
  test('fails once, even while it ends, and never works again', () => {
    const { state, failures } = made();
    assert.equal(state.isWorking, true);
    state.end();
    assert.deepEqual([state.isWorking, state.hasFailed], [false, false]);
    state.fail('the first');
    state.fail('the second');
    state.end();
    assert.deepEqual([state.isWorking, state.hasFailed, failures], [false, true, ['the first']]);
  });

  test('receives errors thrown where nobody waits for a failure', () => {
    const { state, failures } = made();
    state.guard(() => undefined);
    assert.equal(state.isWorking, true);
    state.guard(() => {
      throw new TypeError('broken');
    });
    assert.deepEqual([state.hasFailed, failures.map(String)], [true, ['TypeError: broken']]);
  });

  test('ends waits that can no longer be fulfilled', async () => {
    const { state } = made();
    const waited = state.until(() => false);
    state.end();
    state.changed();
    await waited;
    await state.until(() => false);
  });
});
