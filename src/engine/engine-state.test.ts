import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MillraceError } from '../errors.ts';
import { EngineState } from './engine-state.ts';
import { silentLogger } from './logger.ts';

const made = () => new EngineState(silentLogger);
const broken = () => new MillraceError('MILL_STORE_CORRUPT', 'the file is damaged');

describe('the state of an engine', () => {
  test('accepts orders only while it works', () => {
    const state = made();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is not started' });
    state.start();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is not started' });
    state.work();
    state.checkWorking();
    state.stop();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is stopping' });
  });

  test('starts once, and again after a failed start', () => {
    const state = made();
    state.start();
    assert.throws(() => state.start(), { code: 'MILL_CONFLICT' });
    state.giveUpStart();
    state.start();
    state.work();
    assert.equal(state.isWorking, true);
  });

  test('stays stopped even if the start was about to finish', () => {
    const state = made();
    state.start();
    state.stop();
    state.work();
    assert.deepEqual([state.isWorking, state.isStopping], [false, true]);
  });

  test('reports the first failure to every caller, even during a start or a stop', async () => {
    for (const before of [[], ['start'], ['start', 'work'], ['stop']] as const) {
      const state = made();
      for (const move of before) state[move]();
      state.fail(broken());
      state.fail(new MillraceError('MILL_INTERNAL', 'a later one'));
      state.work();
      state.stop();
      assert.throws(() => state.checkWorking(), { code: 'MILL_STORE_CORRUPT', message: 'the file is damaged' });
      await assert.rejects(state.stopped, { code: 'MILL_STORE_CORRUPT' });
    }
  });
});
