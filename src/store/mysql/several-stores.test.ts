import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { MariadbServer, withoutMariadb } from '../../../test/mariadb-server.ts';
import { declaration, event } from '../contract/fixtures.ts';
import { severalStores } from '../several-stores.fixture.test.ts';
import type { PartitionId, Store } from '../store.ts';
import { mysql } from './mysql-store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };
const leaseMs = 60_000;

describe('several stores on one MariaDB database', { skip: withoutMariadb }, () => {
  let server: MariadbServer;
  /** The database of the most recently opened stores. */
  let database: string;
  const open: Store[] = [];
  before(async () => {
    server = await MariadbServer.start();
  });
  after(async () => {
    await Promise.all(open.map((store) => store.close()));
    await server.stop();
  });

  /** Opens this many stores, each as if in its own process. */
  async function stores(count: number): Promise<[Store, Store, ...Store[]]> {
    const url = await server.createDatabase();
    database = new URL(url).pathname.slice(1);
    const made = Array.from({ length: count }, () => mysql(url, { partitions: 2, leaseMs }));
    await Promise.all(made.map((store) => store.open(declaration)));
    open.push(...made);
    return made as [Store, Store, ...Store[]];
  }

  /** Lets time pass for all leases. */
  const pass = (ms: number) => server.query(`UPDATE millrace_processes SET until = until - ${ms}`, database);

  severalStores({ stores, leaseMs, pass, now: () => Date.now(), isUntold: true });

  test('all of them create the tables at once, and one of them succeeds', async () => {
    const [one, other] = await stores(6);
    await one.append([event(visits, 'a')]);
    assert.equal((await other.read(visits, 0, 10)).length, 1);
  });

  test('the owner finds events that another store added to its log, and nobody else is notified', async () => {
    const [owner, other] = await stores(2);
    await owner.claim(visits);
    await owner.claim(rockets);
    const [heard, strangers] = [listening(owner), listening(other)];
    for (let round = 1; round <= 3; round += 1) {
      heard.partitions.length = 0;
      const isHeard = once(heard.events, 'heard');
      await other.append([event(visits, 'a')]);
      await isHeard;
      assert.deepEqual(heard.partitions[0], visits);
    }
    assert.deepEqual(strangers.partitions, []);
  });

  test('an owner’s own events are not looked for', async () => {
    const [owner, other] = await stores(2);
    await owner.claim(visits);
    await owner.claim(rockets);
    const heard = listening(owner);
    await owner.append([event(rockets, 'a')]);
    const isHeard = once(heard.events, 'heard');
    // The look that finds it also finds the other one.
    await other.append([event(visits, 'a')]);
    await isHeard;
    await owner.append([event(rockets, 'a'), event(visits, 'a')]);
    const isHeardAgain = once(heard.events, 'heard');
    await other.append([event(visits, 'a')]);
    await isHeardAgain;
    assert.deepEqual(heard.partitions, [visits, visits]);
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
