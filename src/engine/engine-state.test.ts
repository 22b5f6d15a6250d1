import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MillraceError } from '../errors.ts';
import { EngineState } from './engine-state.ts';
import { silentLogger } from './logger.ts';

const made = () => new EngineState(silentLogger);
const broken = () => new MillraceError('MILL_STORE_CORRUPT', 'the file is damaged');

describe('the state of an engine', () => {
  test('takes orders only while it works', () => {
    const state = made();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is not started' });
    state.start();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is not started' });
    state.work();
    state.checkWorking();
    state.stop();
    assert.throws(() => state.checkWorking(), { code: 'MILL_STOPPING', message: 'the engine is stopping' });
  });

  test('starts once, and once more after a start that has failed', () => {
    const state = made();
    state.start();
    assert.throws(() => state.start(), { code: 'MILL_CONFLICT' });
    state.giveUpStart();
    state.start();
    state.work();
    assert.equal(state.isWorking, true);
  });

  test('stays stopped, although the start was about to end', () => {
    const state = made();
    state.start();
    state.stop();
    state.work();
    assert.deepEqual([state.isWorking, state.isStopping], [false, true]);
  });

  test('says the first failure to every caller, during a start and a stop too', async () => {
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
