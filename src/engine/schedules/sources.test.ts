import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { until } from '../../../test/until.ts';
import { onEveryStore } from '../promises/fixture.test.ts';
import { add, counts, done, jobsPipeline, letterOf, letters, originOf, startAt } from './jobs.fixture.test.ts';

const reasons = {
  long: 'pipeline work: what: expected a short word',
  throw: 'event: not today',
  fail: 'not today',
} as const;

onEveryStore('a source of rows', ({ testMill }) => {
  for (const [what, reason] of Object.entries(reasons)) {
    test(`rows that ${what} keep no later row from the same run, and are one dead letter each, with reason, key and origin`, async () => {
      const { pipelines, seen } = jobsPipeline();
      const t = await testMill({ pipelines });
      await add(t, what, what, what, 'good', 'good');
      await t.advance('1m');
      assert.deepEqual(await done(t), [4, 5]);
      const expected = [`1: ${reason}`, `2: ${reason}`, `3: ${reason}`];
      assert.deepEqual(await letters(t), expected);
      const letter = await letterOf(t, 1);
      const isFailed = what === 'fail';
      assert.deepEqual([letter.kind, letter.attempts], isFailed ? ['event', 1] : ['origin', 0]);
      assert.deepEqual([originOf(letter), letter.failedAt], ['{"table":"jobs","key":{"id":1}}', startAt + 60_000]);
      await t.advance('10m');
      await t.crash();
      await t.advance('10m');
      assert.deepEqual(await letters(t), expected, 'no further run takes them');
      assert.deepEqual(seen, isFailed ? [1, 2, 3, 4, 5] : [4, 5]);
      assert.equal((await t.mill.schedule('work').status()).lastFailure, null);
      assert.equal(counts(t).deadLetters, 3);
      await t.stop();
    });
  }

  test('two permanently failing rows are two dead letters after any number of runs, even if skipped', async () => {
    for (const onGiveUp of ['skip', 'park'] as const) {
      const { pipelines } = jobsPipeline({ pipeline: { onGiveUp } });
      const t = await testMill({ pipelines });
      await add(t, 'fail', 'fail', 'good');
      await t.advance('28m');
      assert.deepEqual(await letters(t), ['1: not today', '2: not today']);
      assert.deepEqual(await done(t), [3]);
      await t.stop();
    }
  });

  test('a rejected row is taken once more after a redrive or a discard, but by no run before that', async () => {
    const { pipelines, seen, world } = jobsPipeline();
    const t = await testMill({ pipelines });
    await add(t, 'long', 'throw', 'long', 'throw');
    await t.advance('5m');
    const before = { received: 0, processed: 0, failed: 0, deadLetters: 4, rejected: 2 };
    assert.deepEqual(counts(t), before);
    await t.mill.redrive((await letterOf(t, 1)).id);
    await t.mill.discard((await letterOf(t, 2)).id);
    assert.deepEqual(await letters(t), [`3: ${reasons.long}`, `4: ${reasons.throw}`]);
    await t.advance('2m');
    assert.equal((await letters(t)).length, 4, 'they are no better than before');
    world.isMended = true;
    await t.advance('2m');
    assert.deepEqual(seen, []);
    for (const id of [1, 4]) await t.mill.redrive((await letterOf(t, id)).id);
    for (const id of [2, 3]) await t.mill.discard((await letterOf(t, id)).id);
    await t.advance('5m');
    assert.deepEqual(seen.toSorted(), [1, 2, 3, 4]);
    assert.deepEqual(await done(t), [1, 2, 3, 4]);
    assert.deepEqual(counts(t), { received: 4, processed: 4, failed: 0, deadLetters: 0, rejected: 3 });
    await t.stop();
  });

  test('a row’s dead letter is redriven once, and if it fails again there is still only one', async () => {
    for (const onGiveUp of ['skip', 'park'] as const) {
      const { pipelines, seen, world } = jobsPipeline({ pipeline: { onGiveUp } });
      const t = await testMill({ pipelines });
      await add(t, 'fail');
      await t.advance('3m');
      await t.mill.redrive((await letterOf(t, 1)).id);
      await t.advance('3m');
      assert.deepEqual([seen, await letters(t)], [[1, 1], ['1: not today']]);
      world.isMended = true;
      await t.mill.redrive((await letterOf(t, 1)).id);
      await t.advance('3m');
      assert.deepEqual([seen, await letters(t), await done(t)], [[1, 1, 1], [], [1]]);
      await t.stop();
    }
  });

  test('a row whose event waits for a retry is not taken again, not even after a crash', async () => {
    const { pipelines, seen, world } = jobsPipeline({ pipeline: { retry: { attempts: 2, backoff: '10m', maxBackoff: '10m', jitter: 0 } } });
    const t = await testMill({ pipelines });
    await add(t, 'fail', 'fail', 'good', 'good', 'good');
    await t.advance('2m');
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    await t.crash();
    await t.advance('8m');
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    world.isMended = true;
    await t.advance('5m');
    // Both retries are due, and their keys need not wait for each other.
    assert.deepEqual(
      [seen.slice(0, 5), seen.slice(5).sort()],
      [
        [1, 2, 3, 4, 5],
        [1, 2],
      ],
    );
    assert.deepEqual(counts(t).deadLetters, 0);
    await t.stop();
  });

  test('a crash between taking a row and the end of its run takes no row twice', async () => {
    let begun = 0;
    let isHanging = true;
    const handle = () => {
      begun += 1;
      return isHanging ? new Promise<void>(() => {}) : Promise.resolve();
    };
    const { pipelines } = jobsPipeline({ handle });
    const t = await testMill({ pipelines });
    await add(t, 'good', 'good', 'good');
    await t.advance('1m');
    await until(() => begun === 2);
    isHanging = false;
    await t.crash();
    await t.advance('2m');
    assert.equal(begun, 5, 'two were repeated, of one event each');
    assert.deepEqual(await done(t), [1, 2, 3]);
    assert.deepEqual(counts(t).received, 3);
    await t.stop();
  });

  test('a failed commit neither loses a rejected row nor duplicates its dead letter', async () => {
    const { pipelines } = jobsPipeline();
    const t = await testMill({ pipelines, crashBeforeCommit: true });
    await add(t, 'long', 'throw', 'fail', 'long', 'good', 'good');
    const expected = [`1: ${reasons.long}`, `2: ${reasons.throw}`, `3: ${reasons.fail}`, `4: ${reasons.long}`];
    await t.advance('1m');
    assert.deepEqual(await letters(t), expected);
    await t.advance('5m');
    assert.deepEqual(await letters(t), expected);
    assert.deepEqual(await done(t), [5, 6]);
    assert.equal(counts(t).deadLetters, 4);
    await t.stop();
  });

  test('a run in which every row fails ends after a hundred, and the next one continues after them', async () => {
    const { pipelines, seen } = jobsPipeline({ schedule: { batch: 1 } });
    const t = await testMill({ pipelines });
    await add(t, ...Array.from({ length: 150 }, () => 'fail'), 'good');
    await t.advance('1m');
    assert.equal(seen.length, 101);
    assert.deepEqual(await done(t), []);
    await t.advance('1m');
    assert.equal(seen.length, 151);
    assert.deepEqual(await done(t), [151]);
    await t.stop();
  });

  test('five hundred rows that yield no event do not hold up the one behind them, with a batch of one', async () => {
    const { pipelines } = jobsPipeline({ schedule: { batch: 1 } });
    const t = await testMill({ pipelines });
    await add(t, ...Array.from({ length: 500 }, (_, at) => (at % 2 === 0 ? 'long' : 'throw')), 'good');
    await t.advance('1m');
    assert.deepEqual(await done(t), [501]);
    assert.equal(counts(t).deadLetters, 500);
    assert.equal((await letters(t)).length, 500);
    await t.stop();
  });

  test('rows of a parked key wait behind it and pass their places on', async () => {
    const { pipelines, seen, world } = jobsPipeline({ pipeline: { key: ({ key }) => key, onGiveUp: 'park' } });
    const t = await testMill({ pipelines });
    await t.ingestBatch('writer', [
      ...[1, 2, 3, 4].map((id) => ({ id, key: 'a', what: id === 1 ? 'fail' : 'good' })),
      ...[5, 6].map((id) => ({ id, key: 'b' })),
    ]);
    await t.advance('1m');
    assert.deepEqual(await done(t), [5, 6]);
    await t.advance('3m');
    assert.equal((await t.key('work', 'a')).pending, 4, 'each of them waits once');
    world.isMended = true;
    await t.mill.redrive((await letterOf(t, 1)).id);
    await t.advance('1m');
    assert.deepEqual(await done(t), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(
      seen.filter((id) => id < 5),
      [1, 1, 2, 3, 4],
    );
    await t.stop();
  });

  test('rows of one key have their turns in row order', async () => {
    const handle = () => setImmediate();
    const { pipelines, seen } = jobsPipeline({ pipeline: { key: ({ key }) => key }, schedule: { batch: 10 }, handle });
    const t = await testMill({ pipelines });
    await add(t, ...Array.from({ length: 10 }, () => 'good'));
    await t.advance('1m');
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await t.stop();
  });
});
