import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commitOf, declaration, event, statuses } from '../contract/fixtures.ts';
import { storeContract } from '../contract.ts';
import type { PartitionId, Store } from '../store.ts';
import { sharedMemory } from './memory-store.ts';

const visits = { pipeline: 'visits', slice: 0 };

storeContract('one of several stores on one memory', {
  async create() {
    const store = sharedMemory({ leaseMs: 3_000, now: () => 0 })();
    return {
      async open(...[declared]: Parameters<Store['open']>) {
        await store.open(declared);
        return store;
      },
      dispose: () => store.close(),
    };
  },
});

describe('several stores on one memory', () => {
  /** Two that are open, and the time that leases go by. */
  async function both() {
    const time = { now: 0 };
    const makeStore = sharedMemory({ leaseMs: 3_000, now: () => time.now });
    const stores = [makeStore(), makeStore()] as const;
    for (const store of stores) await store.open(declaration);
    return { time, one: stores[0], other: stores[1] };
  }

  test('what one appends, sends, writes and remembers is there for the other', async () => {
    const { one, other } = await both();
    await one.append([event(visits, 'a')]);
    const lease = await one.claim(visits);
    await lease.commit(commitOf({ cursor: 1, sends: [event(visits, 'b')], keys: [{ key: 'a', state: null, next: null, parked: true }] }));
    assert.deepEqual(
      (await other.read(visits, 0, 10)).map(({ key }) => key),
      ['a', 'b'],
    );
    assert.equal((await other.load(visits, ['a']))[0]?.parked, true);
    assert.deepEqual(statuses(await other.append([event(visits, 'c')])), ['accepted']);
  });

  test('a lease keeps the others out until it is released', async () => {
    const { one, other } = await both();
    const lease = await one.claim(visits);
    await assert.rejects(other.claim(visits), { code: 'MILL_STORE_LEASED' });
    await other.claim({ pipeline: 'orders', slice: 0 });
    await lease.release();
    const next = await other.claim(visits);
    await assert.rejects(lease.commit(commitOf({})), { code: 'MILL_STORE_FENCED' });
    await next.commit(commitOf({}));
  });

  test('a lease that is not renewed runs out; until another claim it may go on, and from then on it is over', async () => {
    const { time, one, other } = await both();
    const lease = await one.claim(visits);
    time.now = 2_000;
    await lease.renew();
    time.now = 4_999;
    await assert.rejects(other.claim(visits), { code: 'MILL_STORE_LEASED' });
    time.now = 5_000;
    await lease.commit(commitOf({}));
    await other.claim(visits);
    await assert.rejects(lease.renew(), { code: 'MILL_STORE_FENCED' });
    await assert.rejects(lease.commit(commitOf({})), { code: 'MILL_STORE_FENCED' });
    await assert.rejects(one.claim(visits), { code: 'MILL_STORE_LEASED' });
  });

  test('each hears of what others have brought into a log, once of a call, and nothing of its own or once it has ended that', async () => {
    const { one, other } = await both();
    const heard: PartitionId[] = [];
    const end = other.listen((partition) => heard.push(partition));
    await one.append([event(visits, 'a'), event(visits, 'b')]);
    await other.append([event(visits, 'c')]);
    assert.deepEqual(heard, [visits]);
    const lease = await one.claim({ pipeline: 'orders', slice: 0 });
    await lease.commit(commitOf({ sends: [event(visits, 'd')] }));
    assert.deepEqual(heard, [visits, visits]);
    end();
    await one.append([event(visits, 'e')]);
    assert.equal(heard.length, 2);
  });
});
