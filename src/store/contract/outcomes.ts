import assert from 'node:assert/strict';
import type { CausePlace } from '../store.ts';
import { causeNames, disarm, event, outcome, own, type StoreTest, timer, told } from './fixtures.ts';

/** By moment; within a moment by key, and a key's outcomes before its timers. */
const inOrder = [
  outcome('z', '1', 5),
  outcome('a', '1', 10, { endpoint: 'fax' }),
  outcome('a', '1', 10),
  outcome('a', '2', 10),
  timer('a', 'alarm', 10),
  timer('a', 'mail', 10),
  outcome('b', '1', 10),
  timer('b', 'alarm', 10),
  outcome('a', '3', 11),
  timer('a', 'later', 12),
];

/** Tests outcomes: kept until their keys have been notified, and read among the timers in order of moments. */
export function outcomesContract(it: StoreTest): void {
  it('an outcome is kept with its delivery, its moment and its notification', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const kept = outcome('ключ', 'a/b “1”\n', 7, {
      endpoint: 'fax',
      data: '{ "é": [1.50] }',
      attempts: 3,
      retryAt: Number.MAX_SAFE_INTEGER,
    });
    await owner.commit({ outcomes: [kept] });
    assert.deepEqual(await store.dueCauses(visits, 7, 10), [kept]);
    const [record] = await store.load(visits, ['ключ']);
    assert.deepEqual([record?.outcomes, record?.timers], [[kept], []]);
  });

  it('an outcome replaces the previous one of its key, endpoint and id', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const others = [outcome('b', '1', 1), outcome('a', '2', 2), outcome('a', '1', 3, { endpoint: 'fax' })];
    await owner.commit({ outcomes: [outcome('a', '1', 10), ...others] });
    const newer = outcome('a', '1', 4, { data: '{"newer":true}' });
    await owner.commit({ outcomes: [newer] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [...others, newer]);
  });

  it('an outcome is gone once its key has been notified, and nothing else is', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const others = [outcome('b', '1', 1), outcome('a', '2', 2), outcome('a', '1', 3, { endpoint: 'fax' })];
    await owner.commit({ outcomes: [outcome('a', '1', 10), ...others], timers: [timer('a', 'mail', 4)] });
    await owner.commit({ outcomes: [told('a', '1'), told('nobody', '1'), told('a', 'mail')] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [...others, timer('a', 'mail', 4)]);
  });

  it('within a commit the last change to an outcome counts', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ outcomes: [outcome('a', '1', 10), told('a', '1'), told('b', '1'), outcome('b', '1', 20)] });
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [outcome('b', '1', 20)]);
  });

  it('an outcome and a timer with the same names are independent', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const timers = ['mail', '1', 'mail/1', 'outcome/mail/1'].map((name) => timer('a', name, 10));
    const outcomes = [outcome('a', '1', 10), outcome('a', '', 10)];
    await owner.commit({ timers, outcomes });
    await owner.commit({ timers: [disarm('a', 'mail'), disarm('a', 'mail/1')], outcomes: [told('a', '')] });
    assert.deepEqual(causeNames(await store.dueCauses(visits, 10, 10)), ['mail/1', '1', 'outcome/mail/1']);
    const [record] = await store.load(visits, ['a']);
    assert.deepEqual(record?.outcomes, [outcome('a', '1', 10)]);
    assert.deepEqual(record?.timers, [timer('a', '1', 10), timer('a', 'outcome/mail/1', 10)]);
  });

  it('names and ids may be as long as keys, and those with equal beginnings are distinguished', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const long = '€'.repeat(511);
    const outcomes = ['1', '2'].map((end) => outcome(`${long}${end}`, `${long}${end}`, 10));
    const timers = ['1', '2'].map((end) => timer(`${long}1`, `${long}${end}`, 10));
    await owner.commit({ outcomes, timers });
    const [first, second] = outcomes;
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual(await store.dueCauses(visits, 10, 10), [first, ...timers, second]);
    assert.deepEqual(await store.dueCauses(visits, 10, 1, { after: first }), timers.slice(0, 1));
    await owner.commit({ outcomes: [{ ...first, dueAt: null }] });
    assert.deepEqual(await store.dueCauses(visits, 10, 10), [...timers, second]);
  });

  it('outcomes and timers are listed in one order, soonest first, and a list can continue after any place', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const timers = inOrder.toReversed().flatMap((cause) => (cause.kind === 'timer' ? [cause] : []));
    const outcomes = inOrder.toReversed().flatMap((cause) => (cause.kind === 'outcome' ? [cause] : []));
    await owner.commit({ timers, outcomes });
    assert.deepEqual(await store.dueCauses(visits, 100, 20), inOrder);
    assert.deepEqual(await store.dueCauses(visits, 10, 20), inOrder.slice(0, 8));
    assert.deepEqual(await store.dueCauses(visits, 100, 3), inOrder.slice(0, 3));
    for (const [at, after] of inOrder.entries()) {
      assert.deepEqual(await store.dueCauses(visits, 100, 20, { after }), inOrder.slice(at + 1));
      assert.deepEqual(await store.dueCauses(visits, 100, 2, { after }), inOrder.slice(at + 1, at + 3));
    }
    const before: CausePlace = { kind: 'outcome', key: '', endpoint: '', id: '', dueAt: 10 };
    assert.deepEqual(await store.dueCauses(visits, 10, 20, { after: before }), inOrder.slice(1, 8));
  });

  it('the soonest later moment may be that of an outcome or a timer', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ timers: [timer('a', 'wake', 20)], outcomes: [outcome('a', '1', 10), outcome('a', '2', 30)] });
    const next = await Promise.all([0, 10, 20, 30].map((after) => store.nextCauseDue(visits, after)));
    assert.deepEqual(next, [10, 20, 30, null]);
  });

  it('outcomes survive a reopening, each partition with its own', async ({ store, visits, orders, reopen }) => {
    await (await own(store, visits)).commit({ outcomes: [outcome('a', '1', 10)] });
    await (await own(store, orders)).commit({ outcomes: [told('a', '1'), outcome('a', '2', 10)] });
    const again = await reopen();
    assert.deepEqual(await again.dueCauses(visits, 10, 10), [outcome('a', '1', 10)]);
    assert.deepEqual((await again.load(orders, ['a']))[0]?.outcomes, [outcome('a', '2', 10)]);
  });

  it('a record and a list end by the contents of outcomes', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const data = '"éé"';
    await owner.commit({ outcomes: ['a', 'b', 'c'].map((key, at) => outcome(key, '1', at, { data })) });
    const keys = async (charactersMax: number) => (await store.dueCauses(visits, 10, 10, { charactersMax })).map(({ key }) => key);
    assert.deepEqual(await keys(4), ['a']);
    assert.deepEqual(await keys(5), ['a', 'b']);
    assert.equal((await store.load(visits, ['a', 'b', 'c'], { charactersMax: 5 })).length, 2);
  });

  it('an outcome in a refused commit is not kept', async ({ store, visits }) => {
    const owner = await own(store, visits);
    await owner.commit({ outcomes: [outcome('a', '1', 10)] });
    await store.append([event(visits, 'a')]);
    for (const moment of [2 ** 53, 0.5, Number.NaN]) {
      const refused = owner.commit({ cursor: 1, outcomes: [told('a', '1'), outcome('a', '2', moment)] });
      await assert.rejects(refused, { code: 'MILL_COMMIT_REFUSED' });
    }
    assert.deepEqual(await store.dueCauses(visits, 100, 10), [outcome('a', '1', 10)]);
  });
}
