import assert from 'node:assert/strict';
import { chosen, event, numbered, own, put, refusal, rowsOf, type StoreTest } from './fixtures.ts';

/** Tests overlapping calls. */
export function overlapContract(it: StoreTest): void {
  it('overlapping batches share no position and leave no gap', async ({ store, visits }) => {
    const batches = Array.from({ length: 20 }, (_, batch) => Array.from({ length: 10 }, (_, index) => event(visits, `${batch}/${index}`)));
    const answers = await Promise.all(batches.map((batch) => store.append(batch)));
    const log = await store.read(visits, 0, 1_000);
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
    for (const [batch, judged] of answers.entries()) {
      const positions = judged.map((answer) => (answer.status === 'accepted' ? answer.position : 0));
      assert.deepEqual(
        positions,
        positions.toSorted((a, b) => a - b),
        'a batch keeps its order',
      );
      for (const [index, position] of positions.entries()) assert.equal(log[position - 1]?.key, `${batch}/${index}`);
    }
  });

  it('a reader of a position can read every one below it', async ({ store, visits }) => {
    const appends = [];
    const reads = [];
    for (let round = 0; round < 30; round += 1) {
      appends.push(store.append([event(visits, 'a'), event(visits, 'b')]));
      reads.push(store.read(visits, 0, 1_000));
      if (round % 10 === 9) await appends[round - 5];
    }
    for (const events of await Promise.all(reads)) {
      assert.deepEqual(
        events.map(({ position }) => position),
        events.map((_, index) => index + 1),
      );
    }
    await Promise.all(appends);
  });

  it('acknowledged events can be read at once', async ({ store, visits, rockets }) => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const [answer] = await store.append([event(visits, `key ${index}`)]);
        assert.equal(answer?.status, 'accepted');
        assert.equal((await store.read(visits, answer.position - 1, 1))[0]?.key, `key ${index}`);
        await store.append([numbered(rockets, `key ${index}`, 1)]);
        assert.equal((await store.load(rockets, [`key ${index}`]))[0]?.held, 1);
      }),
    );
  });

  it('only one of equal chosen ids or numbers in overlapping calls is accepted', async ({ store, visits, rockets }) => {
    const calls = Array.from({ length: 10 }, () => store.append([chosen(visits, 'a', 'one'), numbered(rockets, 'a', 1)]));
    const answers = await Promise.all(calls);
    for (const place of [0, 1]) assert.equal(answers.filter((judged) => judged[place]?.status === 'accepted').length, 1);
    assert.equal((await store.read(visits, 0, 100)).length, 1);
    assert.equal((await store.held(rockets, 'a', 0, 100)).length, 1);
  });

  it('a refused call takes nothing away from concurrent calls', async ({ store, visits, orders }) => {
    const former = await own(store, visits);
    const owner = await own(store, visits);
    const [first, refused, fenced, second, appended] = await Promise.allSettled([
      owner.commit({ rows: [put('accounts', ['a', 1, null, null, null])], sends: [event(orders, 'first')] }),
      owner.commit({ rows: [put('accounts', ['b', null, null, null, null])], sends: [event(orders, 'refused')] }),
      former.commit({ sends: [event(orders, 'fenced')] }),
      owner.commit({ rows: [put('accounts', ['c', 1, null, null, null])], sends: [event(orders, 'second')] }),
      store.append([event(orders, 'appended')]),
    ]);
    for (const call of [first, second, appended]) assert.equal(call.status, 'fulfilled');
    assert.ok(refused.status === 'rejected' && fenced.status === 'rejected');
    await refusal(Promise.reject(refused.reason), 'MILL_COMMIT_REFUSED');
    await refusal(Promise.reject(fenced.reason), 'MILL_STORE_FENCED');
    assert.deepEqual((await store.read(orders, 0, 10)).map(({ key }) => key).toSorted(), ['appended', 'first', 'second']);
    assert.deepEqual(
      (await store.read(orders, 0, 10)).map(({ position }) => position),
      [1, 2, 3],
    );
    assert.equal((await rowsOf(store, 'accounts', 'id')).length, 2);
  });

  it('a later commit is applied after an earlier one of the same owner', async ({ store, visits }) => {
    const owner = await own(store, visits);
    const versions = Array.from({ length: 20 }, (_, index) => index + 1);
    await Promise.all(
      versions.map((version) =>
        owner.commit({
          keys: [{ key: 'a', state: { json: String(version), version }, next: null, parked: false }],
          rows: [put('accounts', ['a', version, null, null, null])],
        }),
      ),
    );
    assert.equal((await store.load(visits, ['a']))[0]?.state?.json, '20');
    assert.deepEqual(await rowsOf(store, 'accounts', 'id'), [{ id: 'a', version: 20, balance: null, active: null, payload: null }]);
  });

  it('no answer precedes its call’s return', async ({ store, visits }) => {
    let hasReturned = false;
    const answered = store.append([event(visits, 'a')]).then(() => assert.ok(hasReturned));
    hasReturned = true;
    await answered;
  });
}
