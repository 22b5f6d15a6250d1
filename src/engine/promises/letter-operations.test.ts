import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestMill } from '../../testing/test-mill.ts';
import { failing, isCode, onEveryStore, steps, stepsOf } from './fixture.test.ts';
import { Fleet } from './fleet.fixture.test.ts';

const by = { who: 'ann', reason: 'it is back' };

onEveryStore('an action on many dead letters is applied to each of them once', ({ testMill }) => {
  /** Permanently failed events of this many keys, and a switch that lets them succeed. */
  async function withLetters(keys: number) {
    const made = { isMended: false };
    const declared = steps({ attempt: () => (made.isMended ? undefined : failing()) }, { attempts: 1, onGiveUp: 'skip' });
    const t = await testMill({ pipelines: [declared] });
    for (let n = 0; n < keys; n += 1) await t.ingest('steps', { key: `k${n}`, n });
    await t.drain();
    return { t, made };
  }

  test('a redrive of a filter begins after a moment, redrives the matching letters, and reports its progress', async () => {
    const { t, made } = await withLetters(5);
    made.isMended = true;
    const filter = { pipeline: 'steps', kind: 'event', reason: 'not today' } as const;
    assert.equal(await t.mill.countDeadLetters(filter), 5);
    const asked = await t.mill.operate({ action: 'redrive', filter, startAfterMs: 2_000 }, by);
    assert.deepEqual([asked.state, asked.matched, asked.startsAt - asked.askedAt, asked.who], ['starting', 0, 2_000, 'ann']);
    await t.advance('1s');
    assert.equal((await t.mill.deadLetters()).length, 5);
    await t.advance('2s');
    const [found] = await t.mill.operations({ id: asked.id });
    assert.deepEqual(
      [found?.state, found?.matched, found?.done, found?.refused, found?.left, found?.failedAgain],
      ['ended', 5, 5, 0, 0, 0],
    );
    assert.deepEqual(await t.mill.deadLetters(), []);
    for (let n = 0; n < 5; n += 1) assert.deepEqual(await stepsOf(t, `k${n}`), [n]);
    const [entry] = await t.mill.audit();
    assert.deepEqual([entry?.action, entry?.subject, entry?.reason], ['redrive letters', asked.id, 'it is back']);
    await t.stop();
  });

  test('renewed failures are counted, and not redriven by the same operation', async () => {
    const { t } = await withLetters(3);
    const { id } = await t.mill.operate({ action: 'redrive', filter: { pipeline: 'steps' }, startAfterMs: 0 }, by);
    await t.advance('5s');
    const [found] = await t.mill.operations({ id });
    assert.deepEqual([found?.state, found?.matched, found?.done, found?.failedAgain], ['ended', 3, 3, 3]);
    assert.equal((await t.mill.deadLetters()).length, 3);
    await t.stop();
  });

  test('an operation can be undone until it begins, and stopped until it ends', async () => {
    const { t } = await withLetters(2);
    const { id } = await t.mill.operate({ action: 'discard', filter: { pipeline: 'steps' } }, by);
    const undone = await t.mill.undoOperation(id, by);
    assert.equal(undone.state, 'undone');
    await t.advance('10s');
    assert.equal((await t.mill.deadLetters()).length, 2);
    await assert.rejects(t.mill.undoOperation(id), isCode('MILL_CONFLICT'));
    await assert.rejects(t.mill.stopOperation(id), isCode('MILL_CONFLICT'));
    await assert.rejects(t.mill.undoOperation('none'), isCode('MILL_NOT_FOUND'));
    const next = await t.mill.operate({ action: 'discard', filter: { pipeline: 'steps', key: 'k1' }, startAfterMs: 0 }, by);
    await t.advance('1s');
    assert.deepEqual(
      (await t.mill.deadLetters()).map(({ key }) => key),
      ['k0'],
    );
    await assert.rejects(t.mill.undoOperation(next.id), isCode('MILL_CONFLICT'));
    await t.stop();
  });

  test('an operation continues after a restart, with the letters that existed when it began', async () => {
    const { t, made } = await withLetters(4);
    const { id } = await t.mill.operate({ action: 'redrive', filter: { pipeline: 'steps' }, startAfterMs: 60_000 }, by);
    await t.crash();
    made.isMended = true;
    await t.advance('2m');
    const [found] = await t.mill.operations({ id });
    assert.deepEqual([found?.state, found?.matched, found?.done], ['ended', 4, 4]);
    for (let n = 0; n < 4; n += 1) assert.deepEqual(await stepsOf(t, `k${n}`), [n]);
    await t.stop();
  });

  test('named letters are resolved at once, one by one', async () => {
    const { t, made } = await withLetters(3);
    made.isMended = true;
    const ids = await lettersOf(t);
    assert.deepEqual(await t.mill.redriveLetters([...ids.slice(0, 2), 'none', ids[0] ?? ''], by), { matched: 2, resolved: 2 });
    assert.deepEqual(await t.mill.discardLetters(ids, by), { matched: 1, resolved: 1 });
    assert.deepEqual(await lettersOf(t), []);
    await t.drain();
    assert.deepEqual(await stepsOf(t, 'k1'), [1]);
    assert.deepEqual(await stepsOf(t, 'k2'), []);
    await t.stop();
  });

  test('dead letters are grouped by the common pattern of their reasons', async () => {
    const { t } = await withLetters(3);
    const [group, ...others] = await t.mill.deadLetterGroups({ since: t.clock.now() - 60_000, limit: 10 });
    assert.deepEqual(others, []);
    assert.deepEqual([group?.pipeline, group?.kind, group?.reason, group?.count], ['steps', 'event', 'not today', 3]);
    await t.stop();
  });
});

async function lettersOf(t: TestMill): Promise<readonly string[]> {
  return (await t.mill.deadLetters()).map(({ id }) => id);
}

test('an operation is carried out once in a fleet, whoever takes it on, and continues when its engine dies', async () => {
  const fleet = new Fleet(3);
  let isMended = false;
  const start = () => fleet.start(undefined, [], () => (isMended ? undefined : failing()));
  const first = await start();
  const second = await start();
  for (let n = 0; n < 12; n += 1) await first.mill.ingest('steps', { key: `k${n}`, n });
  await fleet.pass(20_000);
  assert.equal(await second.mill.countDeadLetters({}), 12);
  isMended = true;
  const { id } = await second.mill.operate({ action: 'redrive', filter: { pipeline: 'steps' }, startAfterMs: 5_000 }, by);
  const third = await start();
  await fleet.pass(1_000);
  await first.mill.stop();
  await fleet.pass(30_000);
  const [found] = await third.mill.operations({ id });
  assert.deepEqual([found?.state, found?.matched, found?.done, found?.refused], ['ended', 12, 12, 0]);
  const again = [...first.attempts, ...second.attempts, ...third.attempts];
  for (let n = 0; n < 12; n += 1)
    assert.equal(again.filter((one) => one === n).length, 4, 'three attempts that failed, and one that did not');
  await Promise.all([second.mill.stop(), third.mill.stop()]);
});
