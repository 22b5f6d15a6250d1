import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commitOf, declaration, event } from '../contract/fixtures.ts';
import { storeContract } from '../contract.ts';
import { severalStores } from '../several-stores.fixture.test.ts';
import type { PartitionId, Store } from '../store.ts';
import { sharedMemory } from './memory-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const leaseMs = 3_000;

storeContract('one of several stores on one memory', {
  async create() {
    const store = sharedMemory({ leaseMs, now: () => 0 })();
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
  let now = 0;

  async function stores(count: number): Promise<[Store, Store, ...Store[]]> {
    const makeStore = sharedMemory({ partitions: 2, leaseMs, now: () => now });
    const made = Array.from({ length: count }, makeStore);
    for (const store of made) await store.open(declaration);
    return made as [Store, Store, ...Store[]];
  }

  severalStores({
    stores,
    leaseMs,
    now: () => now,
    async pass(ms) {
      now += ms;
    },
  });

  test('each hears once per call when others extend a log, but not about its own events, or after unsubscribing', async () => {
    const [one, other] = await stores(2);
    const heard: PartitionId[] = [];
    const end = other.listen({ appended: (partition) => heard.push(partition), rollChanged: () => undefined });
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

  test('each hears when another arrives, leaves, or releases a lease', async () => {
    const makeStore = sharedMemory({ leaseMs, now: () => 0 });
    const [one, other] = [makeStore(), makeStore()];
    let changes = 0;
    await one.open(declaration);
    one.listen({ appended: () => undefined, rollChanged: () => (changes += 1) });
    await other.open(declaration);
    assert.equal(changes, 0);
    await other.beat();
    assert.equal(changes, 1);
    const lease = await other.claim(visits);
    assert.equal(changes, 1);
    await lease.release();
    assert.equal(changes, 2);
    await other.close();
    assert.equal(changes, 3);
    await one.close();
    assert.equal(changes, 3);
  });
});
