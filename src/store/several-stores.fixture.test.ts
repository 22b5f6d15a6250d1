import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosen, commitOf, declaration, event, numbered, statuses } from './contract/fixtures.ts';
import type { Lease, Store } from './store.ts';

const visits = { pipeline: 'visits', slice: 0 };
const rockets = { pipeline: 'rockets', slice: 0 };

/** A database that several stores work on. */
export interface SharedDatabase {
  /** Opens this many stores on a new database with two slices, each as if in its own process. */
  stores(count: number): Promise<[Store, Store, ...Store[]]>;
  readonly leaseMs: number;
  /** Lets time pass for all leases, in milliseconds. */
  pass(ms: number): Promise<unknown>;
  /** The database's clock, in milliseconds since 1970. */
  now(): number;
  /** True if there are no notifications, and every store has to poll. */
  readonly isUntold?: boolean;
}

/** Declares the tests for stores that share a database. */
export function severalStores({ stores, leaseMs, pass, now, isUntold = false }: SharedDatabase): void {
  test('events, sends, rows and states of one store are visible to the other', async () => {
    const [one, other] = await stores(2);
    await one.append([event(visits, 'a')]);
    const lease = await one.claim(visits);
    await lease.commit(commitOf({ cursor: 1, sends: [event(visits, 'b')], keys: [{ key: 'a', state: null, next: null, parked: true }] }));
    assert.deepEqual(
      (await other.read(visits, 0, 10)).map(({ key }) => key),
      ['a', 'b'],
    );
    assert.equal((await other.load(visits, ['a']))[0]?.parked, true);
    assert.deepEqual(await other.progress(visits), { cursor: 1, head: 2 });
  });

  test('positions are dense and ids are accepted once, whichever store appends', async () => {
    const all = await stores(4);
    const answers = [];
    for (let round = 1; round <= 30; round += 1) {
      const batch = [event(visits, 'x'), chosen(visits, 'a', `id ${round}`), numbered(rockets, 'a', round), event(rockets, 'x')];
      answers.push(...(await Promise.all(all.map((store) => store.append(batch)))).flat());
    }
    const log = await all[0].read(visits, 0, 1_000);
    assert.deepEqual(
      log.map(({ position }) => position),
      Array.from({ length: 150 }, (_, at) => at + 1),
    );
    assert.equal(answers.filter(({ status }) => status === 'accepted').length, 120 + 30 + 30 + 120);
    assert.deepEqual(
      (await all[1].held(rockets, 'a', 0, 100)).map(({ order }) => order),
      Array.from({ length: 30 }, (_, at) => at + 1),
    );
  });

  test('a lease keeps others out until it is released', async () => {
    const [one, other] = await stores(2);
    const lease = await one.claim(visits);
    await assert.rejects(other.claim(visits), { code: 'MILL_STORE_LEASED' });
    await other.claim({ pipeline: 'visits', slice: 1 });
    await lease.release();
    const next = await other.claim(visits);
    await assert.rejects(lease.commit(commitOf({})), { code: 'MILL_STORE_FENCED' });
    await next.commit(commitOf({}));
  });

  test('a closed store has released everything it had', async () => {
    const [one, other] = await stores(2);
    await one.claim(visits);
    await one.close();
    await other.claim(visits);
  });

  test('a lease lasts while it is renewed; otherwise it expires, and ends when another store claims it', async () => {
    const [one, other] = await stores(2);
    const lease = await one.claim(visits);
    for (let beat = 0; beat < 6; beat += 1) {
      await pass(leaseMs / 3);
      await one.beat();
    }
    await pass(leaseMs / 2);
    await assert.rejects(other.claim(visits), { code: 'MILL_STORE_LEASED' });
    await pass(leaseMs / 2);
    await lease.commit(commitOf({ cursor: 0 }));
    const taken = await other.claim(visits);
    await other.beat();
    await assert.rejects(lease.commit(commitOf({ sends: [event(visits, 'late')] })), { code: 'MILL_STORE_FENCED' });
    await assert.rejects(one.claim(visits), { code: 'MILL_STORE_LEASED' });
    assert.deepEqual(await other.read(visits, 0, 10), []);
    await taken.commit(commitOf({}));
  });

  test('one beat renews all of a store’s leases', async () => {
    const [one, other] = await stores(2);
    const leases = [await one.claim(visits), await one.claim(rockets), await one.claim({ pipeline: 'visits', slice: 1 })];
    await pass(leaseMs / 2);
    await one.beat();
    await pass(leaseMs / 2 + 1_000);
    for (const { partition } of leases) await assert.rejects(other.claim(partition), { code: 'MILL_STORE_LEASED' });
  });

  test('a fenced commit does not affect concurrent ones', async () => {
    const [one, other] = await stores(2);
    const [lost, kept] = [await one.claim(visits), await one.claim(rockets)];
    await pass(leaseMs);
    await other.claim(visits);
    const [fenced, done] = await Promise.allSettled([
      lost.commit(commitOf({ sends: [event(visits, 'a')] })),
      kept.commit(commitOf({ sends: [event(visits, 'b')] })),
    ]);
    assert.ok(fenced.status === 'rejected' && fenced.reason.code === 'MILL_STORE_FENCED');
    assert.equal(done.status, 'fulfilled');
    assert.deepEqual(
      (await one.read(visits, 0, 10)).map(({ key }) => key),
      ['b'],
    );
  });

  test('a late batch of a replaced process changes nothing, and the batches beside it are taken', async () => {
    const [one, other] = await stores(2);
    const [zombie, kept] = [await one.claim(visits), await one.claim(rockets)];
    const bringing = (lease: Lease, expected: number | null, key: string) => {
      const { partition } = lease;
      const place = { pipeline: partition.pipeline, source: 'kafka:orders', topicId: 'one', partition: 0 };
      const next = (expected ?? 0) + 1;
      return lease.takeBatch({ ...place, expected, next, takings: [{ event: chosen({ ...visits, slice: 1 }, key, key) }] });
    };
    await bringing(zombie, null, 'before');
    await bringing(kept, null, 'beside before');
    await pass(leaseMs);
    const successor = await other.claim(visits);
    const [late, beside, taken] = await Promise.allSettled([
      bringing(zombie, 1, 'late'),
      bringing(kept, 1, 'beside'),
      bringing(successor, 1, 'taken'),
    ]);
    assert.ok(late.status === 'rejected' && late.reason.code === 'MILL_STORE_FENCED');
    for (const answer of [beside, taken]) assert.ok(answer.status === 'fulfilled' && answer.value.status === 'taken');
    // Whatever offset it expects.
    for (const expected of [1, 2]) await assert.rejects(bringing(zombie, expected, 'later'), { code: 'MILL_STORE_FENCED' });
    assert.deepEqual((await other.read({ ...visits, slice: 1 }, 0, 10)).map(({ key }) => key).toSorted(), [
      'before',
      'beside',
      'beside before',
      'taken',
    ]);
    assert.deepEqual(
      (await other.sourceOffsets('visits', 'kafka:orders')).map(({ next }) => next),
      [2],
    );
  });

  test('a beat reports who is alive and who has which lease, without those silent for too long', async () => {
    const [one, other] = await stores(2);
    assert.equal((await one.beat()).members.length, 1);
    const { self } = await other.beat();
    await one.claim(visits);
    const seen = await other.beat();
    const [first, second] = seen.members;
    assert.deepEqual([second?.id, first?.pid, first?.pipelines], [self, process.pid, declaration.pipelines.map(({ name }) => name)]);
    assert.ok(first !== undefined && Math.abs(first.since - now()) < leaseMs);
    assert.ok(seen.nextEndMs > 0 && seen.nextEndMs <= leaseMs, `${seen.nextEndMs} ms`);
    assert.deepEqual(seen.partitions.get('visits'), [
      { owner: first?.id, head: 0 },
      { owner: null, head: 0 },
    ]);
    await pass(leaseMs);
    const without = await other.beat();
    assert.deepEqual(
      without.members.map(({ id }) => id),
      [self],
    );
    assert.deepEqual(without.partitions.get('visits')?.[0], { owner: null, head: 0 });
    assert.equal(without.nextEndMs, Number.POSITIVE_INFINITY);
    const back = await one.beat();
    assert.deepEqual(back.partitions.get('visits')?.[0], { owner: back.self, head: 0 });
  });

  test('a command reaches whoever owns its partition at the time, who is notified at once', async () => {
    const [one, other] = await stores(2);
    const told = (store: Store) => store.beat().then(({ commands }) => commands?.map(({ id }) => id));
    await one.beat();
    await other.beat();
    const lease = await one.claim(visits);
    const heard = Promise.withResolvers<void>();
    const end = one.listen({ appended() {}, rollChanged: () => heard.resolve() });
    // If listening takes a connection, it begins a moment later.
    let isHeard = isUntold;
    void heard.promise.then(() => {
      isHeard = true;
    });
    if (isUntold) await other.commands?.give({ id: '1', partition: visits, body: '{}' }, 60_000);
    for (let nth = 1; !isHeard; nth += 1) {
      await other.commands?.give({ id: String(nth), partition: visits, body: '{}' }, 60_000);
      await Promise.race([heard.promise, new Promise((resolve) => setTimeout(resolve, 20))]);
      if (!isHeard) await other.commands?.withdraw([String(nth)]);
      else assert.deepEqual(await told(one), [String(nth)]);
    }
    end();
    assert.deepEqual(await told(other), []);
    await lease.release();
    assert.deepEqual(await told(one), []);
    const next = await other.claim(visits);
    const [id = ''] = (await told(other)) ?? [];
    await assert.rejects(lease.commit(commitOf({ answers: [{ id, answer: 'mine' }] })), { code: 'MILL_STORE_FENCED' });
    await next.commit(commitOf({ answers: [{ id, answer: 'done' }] }));
    assert.deepEqual(await one.commands?.answers([id]), [{ id, answer: 'done' }]);
  });

  test('if a number is skipped while it is being judged, one of the two comes first', async () => {
    const [one, other] = await stores(2);
    const lease = await one.claim(rockets);
    for (let number = 1; number <= 30; number += 1) {
      await one.append([numbered(rockets, 'a', number)]);
      const work = {
        cursor: number,
        keys: [{ key: 'a', state: null, next: number + 1, parked: false }],
        releases: [{ key: 'a', from: number, to: number }],
      };
      const [, again] = await Promise.all([
        lease.commit(commitOf(work)),
        ...Array.from({ length: 4 }, () => other.append([numbered(rockets, 'a', number)])),
      ]);
      assert.deepEqual(statuses(again ?? []), ['duplicate']);
      assert.equal((await one.load(rockets, ['a']))[0]?.held, 0, `number ${number}`);
    }
  });
}
