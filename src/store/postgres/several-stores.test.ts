import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { PostgresServer, withoutPostgres } from '../../../test/postgres-server.ts';
import { declaration, event } from '../contract/fixtures.ts';
import { severalStores } from '../several-stores.fixture.test.ts';
import type { PartitionId, Store } from '../store.ts';
import type { PostgresOptions } from './postgres-options.ts';
import { postgres } from './postgres-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };
const leaseMs = 60_000;

describe('several stores on one database', { skip: withoutPostgres }, () => {
  let server: PostgresServer;
  /** The schema of the most recently opened stores. */
  let schema: string;
  const open: Store[] = [];
  before(async () => {
    server = await PostgresServer.start();
  });
  after(async () => {
    await Promise.all(open.map((store) => store.close()));
    await server.stop();
  });

  /** Opens this many stores, each as if in its own process. */
  async function stores(count: number, options: PostgresOptions = {}): Promise<[Store, Store, ...Store[]]> {
    schema = await server.createSchema();
    const made = Array.from({ length: count }, () => postgres(server.url('postgres'), { partitions: 2, leaseMs, schema, ...options }));
    await Promise.all(made.map((store) => store.open(declaration)));
    open.push(...made);
    return made as [Store, Store, ...Store[]];
  }

  /** Lets time pass for all leases. */
  const pass = (ms: number) => server.query(`UPDATE ${schema}.millrace_processes SET until = until - ${ms}`);

  severalStores({ stores, leaseMs, pass, now: () => Date.now() });

  test('all of them create the tables at once, and one of them succeeds', async () => {
    const [one, other] = await stores(6);
    await one.append([event(visits, 'a')]);
    assert.equal((await other.read(visits, 0, 10)).length, 1);
  });

  test('the owner hears that another store extended its log, and nobody else does', async () => {
    const [owner, other, third] = await stores(3);
    assert.ok(third);
    const lease = await owner.claim(visits);
    const heard = listening(owner);
    const strangers = listening(third);
    await untilHeard(heard, () => other.append([event(visits, 'a')]));
    await owner.append([event(visits, 'own')]);
    await lease.release();
    const last = await third.claim(visits);
    await untilHeard(strangers, () => other.append([event(visits, 'b'), event(visits, 'c')]));
    assert.ok(heard.partitions.every(({ pipeline, slice }) => pipeline === 'visits' && slice === 0));
    const own = listening(other);
    strangers.partitions.length = 0;
    await untilHeard(strangers, () => other.append([event(visits, 'd')]));
    assert.deepEqual(own.partitions, []);
    await last.release();
  });

  test('each hears when another arrives, releases a lease, or leaves', async () => {
    const [one, other] = await stores(2);
    await one.beat();
    const heard = new EventTarget();
    let isNew = false;
    one.listen({
      appended: () => undefined,
      rollChanged() {
        isNew = true;
        heard.dispatchEvent(new Event('changed'));
      },
    });
    const changed = async (change: () => Promise<unknown>) => {
      isNew = false;
      await change();
      if (!isNew) await once(heard, 'changed');
    };
    // Repeats until it listens: nobody is notified twice.
    while (!isNew) {
      await other.close();
      await other.open(declaration);
      await Promise.all([one.beat(), other.beat()]);
    }
    const lease = await other.claim(visits);
    await changed(() => lease.release());
    await changed(() => other.close());
    await changed(async () => {
      await other.open(declaration);
      await other.claim(visits);
    });
  });

  test('behind a pooler, without notifications, the owner looks by itself', async () => {
    const [owner, other] = await stores(2, { pooled: true });
    await owner.claim(visits);
    await owner.claim(rockets);
    const heard = listening(owner);
    const strangers = listening(other);
    for (let round = 1; round <= 3; round += 1) {
      heard.partitions.length = 0;
      await untilHeard(heard, () => other.append([event(visits, 'a')]));
      assert.deepEqual(heard.partitions[0], visits);
    }
    assert.deepEqual(strangers.partitions, []);
  });

  test('only the notification lost with its connection is missed, and later ones are heard', async () => {
    const [owner, other] = await stores(2);
    await owner.claim(visits);
    const heard = listening(owner);
    await untilHeard(heard, () => other.append([event(visits, 'a')]));
    await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'");
    heard.partitions.length = 0;
    await untilHeard(heard, () => other.append([event(visits, 'b')]));
  });

  test('a pipeline that another process declares is not deleted', async () => {
    const [one, other] = await stores(2);
    await one.claim(visits);
    await other.close();
    await other.open({ pipelines: declaration.pipelines.filter(({ name }) => name !== 'visits'), tables: [] });
    await assert.rejects(other.forget('visits'), { code: 'MILL_CONFLICT', message: /declares it/ });
    await one.close();
    await other.forget('visits');
  });
});

function listening(store: Store) {
  const heard = { partitions: [] as PartitionId[], events: new EventTarget() };
  store.listen({
    appended(partition) {
      heard.partitions.push(partition);
      heard.events.dispatchEvent(new Event('heard'));
    },
    rollChanged: () => undefined,
  });
  return heard;
}

/** Repeats until it is heard: the listening connection may not exist yet. */
async function untilHeard({ partitions, events }: ReturnType<typeof listening>, append: () => Promise<unknown>): Promise<void> {
  while (partitions.length === 0) {
    const heard = once(events, 'heard');
    await append();
    await Promise.race([heard, wait(100)]);
  }
}
