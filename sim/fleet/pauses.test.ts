import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { type Noted, stalls, standstills } from './pauses.ts';

suite('how long a fault kept work from continuing', () => {
  const frozen: Noted = { fault: 'freeze', at: 1_000, pid: 1, partitions: ['steps 0'], backAt: 6_000 };

  test('until another process’s first turn', async () => {
    const [found] = await standstills(
      rowsOf([
        { at: 3_000, pid: 1 },
        { at: 4_000, pid: 2 },
      ]),
      [frozen],
    );
    assert.equal(found?.allMs, 3_000);
  });

  test('until the first turn of the process that regained its partition after coming back', async () => {
    const [found] = await standstills(
      rowsOf([
        { at: 6_100, pid: 1 },
        { at: 40_000, pid: 2 },
      ]),
      [frozen],
    );
    assert.equal(found?.allMs, 5_100);
  });

  test('with no work for more than half a minute are a stall', async () => {
    const found = await standstills(
      rowsOf([
        { at: 900, pid: 1 },
        { at: 31_500, pid: 1 },
      ]),
      [frozen],
    );
    assert.deepEqual(stalls(found), ['after freeze, 0 s after the first one, steps 0 had no turn for 30500 ms']);
  });

  test('for the database, counted from when it was back', async () => {
    const [found] = await standstills(
      rowsOf([
        { at: 1_100, pid: 1 },
        { at: 5_000, pid: 1 },
      ]),
      [{ fault: 'restart-fast', at: 1_000, pid: 0, partitions: [], backAt: 4_000 }],
    );
    assert.equal(found?.allMs, 1_000);
  });
});

/** Answers like a database in which one key had these turns. */
function rowsOf(turns: readonly { at: number; pid: number }[]) {
  const own = { pipeline: 'steps', key: 'a' };
  return (sql: string) =>
    Promise.resolve(sql.includes('FROM millrace_keys') ? [{ ...own, slice: 0 }] : turns.map((turn) => ({ ...own, ...turn })));
}
