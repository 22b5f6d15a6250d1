import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failing, isCode, onEveryStore, steps, stepsOf, upTo } from './fixture.test.ts';
import { Fleet } from './fleet.fixture.test.ts';

const by = { who: 'ann', reason: 'wait for finance' };

onEveryStore('an operator parks and resumes a key', ({ testMill }) => {
  for (const numbered of [false, true]) {
    const kind = numbered ? 'a numbered key' : 'a key';

    test(`${kind} that is parked holds its events, even after a crash, and proceeds in order when it is resumed`, async () => {
      const t = await testMill({ pipelines: [steps({}, { numbered })] });
      await t.ingest('steps', { key: 'a', n: 1 });
      await t.drain();
      await t.mill.parkKey('steps', 'a', by);
      for (const n of [2, 3]) await t.ingest('steps', { key: 'a', n });
      await t.ingest('steps', { key: 'b', n: 1 });
      await t.drain();
      assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b')], [[1], [1]]);
      assert.deepEqual(
        (await t.mill.keys('steps', ['a', 'b'])).map(({ status, pending }) => [status, pending]),
        [
          ['parked', 2],
          ['open', 0],
        ],
      );
      await assert.rejects(t.mill.parkKey('steps', 'a', by), isCode('MILL_CONFLICT'));
      await t.crash();
      await t.advance('1s');
      await t.ingest('steps', { key: 'a', n: 4 });
      await t.drain();
      assert.equal(t.mill.counts().steps?.parked, 1);
      assert.deepEqual(await stepsOf(t, 'a'), [1]);
      await t.mill.resumeKey('steps', 'a', { who: 'bob' });
      await t.drain();
      assert.deepEqual(await stepsOf(t, 'a'), upTo(4));
      assert.equal(t.mill.counts().steps?.parked, 0);
      await assert.rejects(t.mill.resumeKey('steps', 'a'), isCode('MILL_CONFLICT'));
      const audit = await t.mill.audit({ key: 'a' });
      assert.deepEqual(
        audit.map(({ action, who, reason }) => [action, who, reason]),
        [
          ['resume key', 'bob', null],
          ['park key', 'ann', 'wait for finance'],
        ],
      );
      await t.stop();
    });
  }

  test('a key is parked once its turn under way has ended, or while it waits for a retry', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let isMended = false;
    const t = await testMill({
      pipelines: [
        steps({
          attempt: ({ key }) => {
            if (key === 'b') return isMended ? undefined : failing();
            begun.resolve();
            return promise;
          },
        }),
      ],
    });
    for (const n of [1, 2]) await t.ingest('steps', { key: 'a', n });
    await begun.promise;
    const parked = t.mill.parkKey('steps', 'a', by);
    resolve();
    await parked;
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1]);
    for (const n of [1, 2]) await t.ingest('steps', { key: 'b', n });
    await t.drain();
    await t.mill.parkKey('steps', 'b', by);
    await t.advance('1m');
    isMended = true;
    assert.deepEqual(await stepsOf(t, 'b'), []);
    for (const key of ['a', 'b']) await t.mill.resumeKey('steps', key, by);
    await t.advance('1m');
    assert.deepEqual([await stepsOf(t, 'a'), await stepsOf(t, 'b')], [upTo(2), upTo(2)]);
    await t.stop();
  });

  test('a key of a paused pipeline is parked, and stays so when the pipeline resumes or waiting events are discarded', async () => {
    const t = await testMill({ pipelines: [steps()] });
    await t.mill.pause('steps');
    for (const n of [1, 2]) await t.ingest('steps', { key: 'a', n });
    await t.mill.parkKey('steps', 'a', by);
    await t.mill.resume('steps');
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), []);
    await t.mill.pause('steps');
    assert.equal(await t.mill.discardEvents('steps'), 2);
    await t.mill.resume('steps');
    await t.ingest('steps', { key: 'a', n: 3 });
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), []);
    await t.mill.resumeKey('steps', 'a', by);
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [3]);
    await t.stop();
  });

  test('a numbered key skips its missing numbers, and a dead letter and the audit say which', async () => {
    const t = await testMill({ pipelines: [steps({}, { numbered: true })] });
    for (const n of [1, 4, 5, 7]) await t.ingest('steps', { key: 'a', n });
    await t.drain();
    await t.mill.skipGap('steps', 'a', by);
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 5]);
    const [letter] = await t.mill.deadLetters();
    assert.ok(letter?.kind === 'gap');
    assert.deepEqual([letter.numbers, letter.reason], [{ from: 2, to: 3 }, 'numbers 2 to 3 were skipped by an operator']);
    const [entry] = await t.mill.audit({ key: 'a' });
    assert.deepEqual([entry?.action, entry?.subject, entry?.reason], ['skip gap', '2-3', 'wait for finance']);
    await t.mill.skipGap('steps', 'a', by);
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'a'), [1, 4, 5, 7]);
    await assert.rejects(t.mill.skipGap('steps', 'a', by), isCode('MILL_CONFLICT'));
    await assert.rejects(t.mill.skipGap('steps', 'nobody', by), isCode('MILL_CONFLICT'));
    await t.stop();
  });
});

test('another engine of a fleet has the owner park and resume a key, and the next owner finds it parked', async () => {
  const fleet = new Fleet();
  const first = await fleet.start();
  const second = await fleet.start();
  const during = async (call: Promise<unknown>) => {
    call.catch(() => undefined);
    await fleet.pass(1_000);
    return call;
  };
  await during(second.mill.parkKey('steps', 'a', by));
  await first.mill.ingest('steps', { key: 'a', n: 1 });
  await fleet.pass(1_000);
  await during(first.mill.stop());
  await fleet.pass(10_000);
  assert.deepEqual([first.attempts, second.attempts], [[], []]);
  const third = await fleet.start();
  await during(third.mill.resumeKey('steps', 'a', by));
  await fleet.pass(1_000);
  assert.deepEqual(second.attempts, [1]);
  await Promise.all([second.mill.stop(), third.mill.stop()]);
});
