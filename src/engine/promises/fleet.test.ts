import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { MillraceError } from '../../errors.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Store } from '../../store/store.ts';
import type { Mill } from '../mill.ts';
import { applied, type CommitCall, Step, upTo, withCalls, withMembers } from './fixture.test.ts';
import { CutLink, Fleet, leaseMs, type Member } from './fleet.fixture.test.ts';

async function stepsIn(mill: Mill, key: string): Promise<readonly number[]> {
  const rows = await mill.query(applied).selectAll().where('key', '=', key).orderBy('nth').execute();
  return rows.map(({ n }) => n);
}

const depthOf = (mill: Mill) => mill.counts().steps?.depth;

describe('several engines on one store', () => {
  test('each accepts events, one handles them, in order and once, and all can read the results', async () => {
    const fleet = new Fleet();
    const members = [await fleet.start(), await fleet.start(), await fleet.start()];
    const mills = members.map(({ mill }) => mill);
    for (const n of upTo(6)) await mills[n % 3]?.ingest('steps', { key: 'a', n });
    await fleet.pass(1_000);
    for (const mill of mills) {
      assert.deepEqual(await stepsIn(mill, 'a'), upTo(6));
      assert.equal(depthOf(mill), 0);
      assert.deepEqual(mill.health(), { status: 'ok' });
    }
    const processed = mills.map((mill) => mill.counts().steps?.processed);
    assert.deepEqual(processed, [6, 0, 0]);
    await Promise.all(mills.map((mill) => mill.stop()));
  });

  test('a reader on another engine waits for events accepted before it', async () => {
    const fleet = new Fleet();
    const gate = Promise.withResolvers<void>();
    const slowly = (base: Store) => withCalls(base, { commit: (work, lease) => gate.promise.then(() => lease.commit(work)) });
    const { mill: owner } = await fleet.start(slowly);
    const { mill: other } = await fleet.start();
    await other.ingest('steps', { key: 'a', n: 1 });
    const reads = { settled: other.settled('steps', 1_000), state: other.state('steps', 'a'), brief: other.settled('steps', 50) };
    let isSettled = false;
    void reads.settled.then(() => {
      isSettled = true;
    });
    await fleet.pass(200);
    assert.equal(isSettled, false);
    assert.equal(await reads.brief, false);
    gate.resolve();
    await fleet.pass(200);
    assert.equal(await reads.settled, true);
    assert.deepEqual(await reads.state, { steps: [1] });
    await Promise.all([owner.stop(), other.stop()]);
  });

  test('a reader waiting for the owner keeps waiting when its own engine takes over', async () => {
    const fleet = new Fleet();
    const gate = Promise.withResolvers<void>();
    let isFrozen = false;
    const commit: CommitCall = async (work, lease) => {
      if (isFrozen) await gate.promise;
      return lease.commit(work);
    };
    const first = await fleet.start((base) => withCalls(base, { commit }));
    // The other engine's takeover is slow, too.
    const slow = new Set<number>();
    const slowly = (base: Store) =>
      withCalls(base, {
        async claim(partition) {
          if (isFrozen) slow.add(partition.slice);
          return base.claim(partition);
        },
        async commit(work, lease) {
          if (slow.has(lease.partition.slice)) await gate.promise;
          return lease.commit(work);
        },
      });
    const second = await fleet.start(slowly);
    await fleet.pass(leaseMs);
    first.freeze();
    isFrozen = true;
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys) await second.mill.ingest('steps', { key, n: 1 });
    const seen = second.mill.settled('steps', 10 * leaseMs).then(async (isSettled) => {
      const rows = await second.mill.query(applied).selectAll().execute();
      return [isSettled, rows.map(({ key }) => key).toSorted()];
    });
    await fleet.pass(2 * leaseMs);
    assert.equal(slow.size, 1);
    gate.resolve();
    await fleet.pass(1_000);
    assert.deepEqual(await seen, [true, keys]);
    first.wake();
    await fleet.pass(1_000);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('unannounced events are found anyway', async () => {
    const fleet = new Fleet();
    const deaf = (base: Store) => withCalls(base, { listen: () => () => undefined });
    const { mill: owner } = await fleet.start(deaf);
    const { mill: other } = await fleet.start();
    await other.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(leaseMs / 3);
    assert.deepEqual(await stepsIn(owner, 'a'), [1]);
    await Promise.all([owner.stop(), other.stop()]);
  });

  test('promise 5: a timer waits for events that another engine accepted before it was due, even unannounced ones', async () => {
    const fleet = new Fleet();
    const order: string[] = [];
    const alarms = pipeline('alarms', {
      event: Step,
      key: ({ key }) => key,
      handle({ n }, _state, turn) {
        order.push(`event ${n}`);
        if (n === 1) turn.timers.set('ring', { after: 500 });
      },
      timers: { ring: () => void order.push('timer') },
    });
    const deaf = (base: Store) => withCalls(base, { listen: () => () => undefined });
    const { mill: owner } = await fleet.start(deaf, [alarms]);
    const { mill: other } = await fleet.start(undefined, [alarms]);
    await owner.ingest('alarms', { key: 'a', n: 1 });
    await fleet.pass(300);
    await other.ingest('alarms', { key: 'a', n: 2 });
    await fleet.pass(leaseMs / 3);
    assert.deepEqual(order, ['event 1', 'event 2', 'timer']);
    await Promise.all([owner.stop(), other.stop()]);
  });

  test('a reader on the owner waits for events that another engine accepted before it, even unannounced ones', async () => {
    const fleet = new Fleet();
    const deaf = (base: Store) => withCalls(base, { listen: () => () => undefined });
    const { mill: owner } = await fleet.start(deaf);
    const { mill: other } = await fleet.start();
    await other.ingest('steps', { key: 'a', n: 1 });
    const reads = Promise.all([owner.state('steps', 'a'), owner.settled('steps', 1_000)]);
    await fleet.pass(100);
    assert.deepEqual(await reads, [{ steps: [1] }, true]);
    await Promise.all([owner.stop(), other.stop()]);
  });

  test('a stopping engine hands its partitions over at once', async () => {
    const fleet = new Fleet();
    const { mill: first } = await fleet.start();
    const { mill: second } = await fleet.start();
    await first.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    await first.stop();
    await second.ingest('steps', { key: 'a', n: 2 });
    await fleet.pass(1_000);
    assert.deepEqual(await stepsIn(second, 'a'), [1, 2]);
    assert.equal(second.counts().steps?.processed, 1);
    await second.stop();
  });

  test('a frozen engine’s partitions are taken over when its leases expire, and it notices on waking', async () => {
    const fleet = new Fleet();
    const first = await fleet.start();
    const second = await fleet.start();
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    first.freeze();
    await fleet.pass(leaseMs + 1_000);
    for (const n of [2, 3]) await second.mill.ingest('steps', { key: 'a', n });
    await fleet.pass(100);
    assert.deepEqual(await stepsIn(second.mill, 'a'), [1, 2, 3]);
    await first.mill.ingest('steps', { key: 'a', n: 4 });
    await fleet.pass(100);
    assert.deepEqual(await stepsIn(second.mill, 'a'), upTo(4));
    assert.deepEqual(first.attempts, [1]);
    first.wake();
    await fleet.pass(1_000);
    const counts = [first, second].map(({ mill }) => mill.counts().steps);
    assert.deepEqual(
      counts.map((one) => [one?.processed, one?.depth]),
      [
        [1, 0],
        [3, 0],
      ],
    );
    for (const { mill } of [first, second]) assert.deepEqual(mill.health(), { status: 'ok' });
    await second.mill.stop();
    await first.mill.ingest('steps', { key: 'a', n: 5 });
    await fleet.pass(1_000);
    assert.deepEqual(await stepsIn(first.mill, 'a'), upTo(5));
    await first.mill.stop();
  });

  test('promise 6: an engine that was frozen repeats no call made by the next owner', async () => {
    const fleet = new Fleet();
    const calls: string[] = [];
    const start = async (name: string) => {
      const door = {
        to: {
          async call({ id }: { readonly id: string }) {
            calls.push(`${name}: ${id}`);
            return { result: 'delivered' } as const;
          },
        },
        rateLimit: { calls: 1, per: 500 },
      };
      const letters = pipeline('letters', {
        event: Step,
        key: ({ key }) => key,
        deliver: { door },
        handle: ({ n }, _state, turn) => turn.deliver('door', {}, { id: String(n) }),
      });
      return fleet.start(undefined, [letters]);
    };
    const [first, second] = [await start('first'), await start('second')];
    for (const n of [1, 2]) await first.mill.ingest('letters', { key: 'a', n });
    await fleet.pass(100);
    first.freeze();
    await fleet.pass(leaseMs + 1_000);
    first.wake();
    await fleet.pass(1_000);
    assert.deepEqual(calls, ['first: 1', 'second: 2']);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('an engine with an expired lease begins no turn, and continues once it has the lease again', async () => {
    const fleet = new Fleet();
    const link = new CutLink();
    const { mill } = await fleet.start(link.around);
    await mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    link.isCut = true;
    await fleet.pass(leaseMs + 1_000);
    assert.equal(mill.health().status, 'unavailable');
    await mill.ingest('steps', { key: 'a', n: 2 });
    await fleet.pass(1_000);
    assert.deepEqual(await stepsIn(mill, 'a'), [1]);
    link.isCut = false;
    await fleet.pass(10_000);
    assert.deepEqual(await stepsIn(mill, 'a'), [1, 2]);
    assert.deepEqual(mill.health(), { status: 'ok' });
    await mill.stop();
  });

  test('an engine whose beat is unanswered still learns that its leases have expired, and says so', async () => {
    const fleet = new Fleet();
    const swallowed = Promise.withResolvers<never>();
    let isCut = false;
    const cutOff = (base: Store) => withCalls(base, { beat: () => (isCut ? swallowed.promise : base.beat()) });
    const { mill } = await fleet.start(cutOff);
    await fleet.pass(100);
    isCut = true;
    await fleet.pass(leaseMs - 1_200);
    assert.deepEqual(mill.health(), { status: 'ok' });
    await fleet.pass(1_300);
    assert.equal(mill.health().status, 'unavailable');
    isCut = false;
    swallowed.reject(new MillraceError('MILL_STORE_UNAVAILABLE', 'cut off'));
    await fleet.pass(2_000);
    assert.deepEqual(mill.health(), { status: 'ok' });
    await mill.stop();
  });

  test('an engine that got no answer for long continues with the first answered beat', async () => {
    const fleet = new Fleet();
    const link = new CutLink();
    const { mill } = await fleet.start(link.around);
    link.isCut = true;
    await fleet.pass(60_000);
    link.isCut = false;
    await fleet.pass(leaseMs / 3 + 100);
    assert.deepEqual(mill.health(), { status: 'ok' });
    await mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    assert.deepEqual(await stepsIn(mill, 'a'), [1]);
    await mill.stop();
  });

  test('a partition whose release failed is released with a later beat, and nobody waits for it forever', async () => {
    for (const hasEffect of [false, true]) {
      const fleet = new Fleet(4);
      let failures = 0;
      const failing = (base: Store) =>
        withCalls(base, {
          async claim(partition) {
            const lease = await base.claim(partition);
            return withMembers(lease, {
              async release() {
                failures += 1;
                if (hasEffect) await lease.release();
                if (failures <= 3) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the connection broke off');
                if (!hasEffect) await lease.release();
              },
            });
          },
        });
      const first = await fleet.start(failing);
      const second = await fleet.start();
      await fleet.pass(10_000);
      assert.ok(failures >= 2);
      assert.deepEqual(
        (await second.mill.fleet()).members.map(({ partitions }) => partitions),
        [2, 2],
      );
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await first.mill.ingest('steps', { key, n: 1 });
      await fleet.pass(1_000);
      for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) assert.deepEqual(await stepsIn(first.mill, key), [1]);
      await Promise.all([first.mill.stop(), second.mill.stop()]);
    }
  });

  test('only the engine that works on a partition counts its keys that wait for a number', async () => {
    const numbered = pipeline('numbers', {
      event: Step,
      key: ({ key }) => key,
      order: { by: ({ n }) => n, from: 1, gap: 'wait' },
      handle: () => undefined,
    });
    const fleet = new Fleet();
    const first = await fleet.start(undefined, [numbered]);
    const second = await fleet.start(undefined, [numbered]);
    await first.mill.ingest('numbers', { key: 'a', n: 2 });
    await fleet.pass(5_000);
    const gaps = () => [first, second].map(({ mill }) => mill.counts().numbers).map((one) => [one?.gaps, (one?.oldestGapMs ?? 0) > 0]);
    const noGap = [0, false];
    assert.deepEqual(gaps(), [[1, true], noGap]);
    first.freeze();
    await fleet.pass(leaseMs + 2_000);
    first.wake();
    await fleet.pass(2_000);
    assert.deepEqual(gaps(), [noGap, [1, true]]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a commit after another engine has taken over is refused, and counted', async () => {
    const fleet = new Fleet();
    let late: Promise<void> | undefined;
    const goOn = Promise.withResolvers<void>();
    const slow = (base: Store) =>
      withCalls(base, {
        async commit(work, lease) {
          await late;
          return lease.commit(work);
        },
      });
    const first = await fleet.start(slow);
    const second = await fleet.start();
    late = goOn.promise;
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    first.freeze();
    await fleet.pass(leaseMs + 1_000);
    goOn.resolve();
    await fleet.pass(100);
    first.wake();
    await fleet.pass(1_000);
    assert.deepEqual(
      [first, second].map(({ mill }) => mill.counts().steps?.fencedCommits),
      [1, 0],
    );
    assert.deepEqual(await stepsIn(second.mill, 'a'), [1]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('promise 6: a delivery’s pause lasts as long as intended, whoever owns it, even if the clock is set back meanwhile', async () => {
    const fleet = new Fleet();
    const calls: string[] = [];
    const letters = pipeline('letters', {
      event: Step,
      key: ({ key }) => key,
      deliver: {
        door: {
          to: {
            async call({ id, attempt }) {
              calls.push(`${id}, ${attempt}`);
              return attempt === 1 ? { result: 'failed', reason: 'not now', retryAfterMs: 600_000 } : { result: 'delivered' };
            },
          },
        },
      },
      handle: ({ key }, _state, turn) => turn.deliver('door', {}, { id: key }),
    });
    const [first, second] = [await fleet.start(undefined, [letters]), await fleet.start(undefined, [letters])];
    await first.mill.ingest('letters', { key: 'a', n: 1 });
    await fleet.pass(100);
    fleet.clock.jump(-3_600_000);
    first.freeze();
    await fleet.pass(leaseMs + 1_000);
    first.wake();
    await fleet.pass(590_000);
    assert.deepEqual(calls, ['a, 1']);
    await fleet.pass(15_000);
    assert.deepEqual(calls, ['a, 1', 'a, 2']);
    // Measured by the current clock.
    await second.mill.ingest('letters', { key: 'b', n: 1 });
    await fleet.pass(100);
    await second.mill.stop();
    await fleet.pass(590_000);
    assert.deepEqual(calls, ['a, 1', 'a, 2', 'b, 1']);
    await fleet.pass(15_000);
    assert.deepEqual(calls, ['a, 1', 'a, 2', 'b, 1', 'b, 2']);
    await first.mill.stop();
  });

  test('partitions are spread evenly, a newcomer gets its share, and a stopping engine’s partitions go to the others at once', async () => {
    const fleet = new Fleet(8);
    const shares = async ({ mill }: Member) => {
      const { members, partitions, unowned } = await mill.fleet();
      return [members.map((member) => member.partitions), unowned, partitions];
    };
    const first = await fleet.start();
    assert.deepEqual(await shares(first), [[8], 0, 8]);
    const second = await fleet.start();
    await fleet.pass(500);
    assert.deepEqual(await shares(first), [[4, 4], 0, 8]);
    const third = await fleet.start();
    await fleet.pass(500);
    assert.deepEqual(await shares(second), [[3, 3, 2], 0, 8]);
    assert.deepEqual(
      [first, second, third].map(({ mill }) => mill.counts().steps?.partitions),
      [3, 3, 2],
    );
    const keys = upTo(24).map((n) => `key ${n}`);
    const ingest = (mill: Mill) => Promise.all(keys.map((key) => mill.ingest('steps', { key, n: 1 })));
    await ingest(third.mill);
    await fleet.pass(500);
    for (const { attempts } of [first, second, third]) assert.ok(attempts.length > 0);
    await second.mill.stop();
    await fleet.pass(500);
    assert.deepEqual(await shares(third), [[4, 4], 0, 8]);
    await first.mill.stop();
    await fleet.pass(500);
    await ingest(third.mill);
    await fleet.pass(500);
    for (const key of keys) assert.equal((await stepsIn(third.mill, key)).length, 2);
    await third.mill.stop();
  });

  test('a dead engine’s work continues elsewhere within five seconds', async () => {
    const fleet = new Fleet(4);
    const first = await fleet.start();
    const second = await fleet.start();
    await fleet.pass(100);
    first.freeze();
    const keys = upTo(16).map((n) => `key ${n}`);
    for (const key of keys) await second.mill.ingest('steps', { key, n: 1 });
    await fleet.pass(5_000);
    for (const key of keys) assert.deepEqual(await stepsIn(second.mill, key), [1]);
    assert.deepEqual(
      (await second.mill.fleet()).members.map(({ partitions, self }) => [partitions, self]),
      [[4, true]],
    );
    await second.mill.stop();
  });

  test('a turn under way ends before its partition is handed over, and none begins meanwhile', async () => {
    const fleet = new Fleet(2);
    const gate = Promise.withResolvers<void>();
    const first = await fleet.start(undefined, [], () => gate.promise);
    // Each of the two partitions has some of the four keys.
    const keys = upTo(4).map((n) => `key ${n}`);
    for (const key of keys) await first.mill.ingest('steps', { key, n: 1 });
    for (const key of keys) await first.mill.ingest('steps', { key, n: 2 });
    await fleet.pass(10);
    const second = await fleet.start();
    await fleet.pass(500);
    assert.equal(second.attempts.length, 0);
    gate.resolve();
    await fleet.pass(1_000);
    for (const key of keys) assert.deepEqual(await stepsIn(second.mill, key), [1, 2]);
    assert.equal(first.attempts.filter((n) => n === 1).length, 4);
    assert.ok(second.attempts.every((n) => n === 2));
    assert.ok(second.attempts.length > 0);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a reader waits for events of a partition that is being handed over, whether it comes before or during that', async () => {
    const fleet = new Fleet(2);
    const gate = Promise.withResolvers<void>();
    const first = await fleet.start(undefined, [], () => gate.promise);
    const keys = upTo(4).map((n) => `key ${n}`);
    for (const n of [1, 2]) for (const key of keys) await first.mill.ingest('steps', { key, n });
    await fleet.pass(10);
    const settled = async () => {
      const isSettled = await first.mill.settled('steps', 10 * leaseMs);
      return [isSettled, await Promise.all(keys.map((key) => stepsIn(first.mill, key)))];
    };
    const before = settled();
    const second = await fleet.start();
    await fleet.pass(500);
    const during = settled();
    await fleet.pass(10);
    gate.resolve();
    await fleet.pass(1_000);
    const all = [true, keys.map(() => [1, 2])];
    assert.deepEqual([await before, await during], [all, all]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('an engine that has lost a partition without any work to do notices', async () => {
    const fleet = new Fleet();
    const first = await fleet.start();
    const second = await fleet.start();
    first.freeze();
    await fleet.pass(5_000);
    assert.deepEqual(
      (await second.mill.fleet()).members.map(({ partitions }) => partitions),
      [1],
    );
    first.wake();
    await fleet.pass(2_000);
    await first.mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(500);
    assert.deepEqual([first.attempts, second.attempts], [[], [1]]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a pause applies to the whole fleet, and so does its end', async () => {
    const fleet = new Fleet(4);
    const first = await fleet.start();
    const second = await fleet.start();
    await fleet.pass(100);
    await first.mill.pause('steps');
    await fleet.pass(leaseMs / 3);
    const keys = upTo(8).map((n) => `key ${n}`);
    for (const key of keys) await second.mill.ingest('steps', { key, n: 1 });
    await fleet.pass(2 * leaseMs);
    assert.deepEqual([...first.attempts, ...second.attempts], []);
    await second.mill.resume('steps');
    await fleet.pass(leaseMs / 3);
    for (const key of keys) assert.deepEqual(await stepsIn(first.mill, key), [1]);
    await Promise.all([first.mill.stop(), second.mill.stop()]);
  });

  test('a roll requested before a pause does not end it', async () => {
    const fleet = new Fleet();
    let answer: (() => void) | undefined;
    const slowly = (base: Store) =>
      withCalls(base, {
        async beat() {
          const roll = await base.beat();
          if (isSlow) await new Promise<void>((resolve) => (answer = resolve));
          return roll;
        },
      });
    let isSlow = false;
    const { mill, attempts } = await fleet.start(slowly);
    isSlow = true;
    await fleet.pass(leaseMs / 3);
    assert.ok(answer !== undefined);
    await mill.pause('steps');
    answer();
    await fleet.pass(10);
    await mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    assert.deepEqual(attempts, []);
    isSlow = false;
    await mill.stop();
  });

  test('a schedule runs once in the fleet, where its pipeline is worked on, and continues elsewhere when its engine dies', async () => {
    const fleet = new Fleet(4);
    const runs: string[] = [];
    const done: string[] = [];
    const start = async (name: string) => {
      const source = ({ dueAt }: { dueAt: number }) => {
        runs.push(name);
        return [1, 2, 3].map((n) => ({ id: `${dueAt} ${n}` }));
      };
      const job = pipeline('jobs', {
        event: z.object({ id: z.string() }),
        key: ({ id }) => id,
        id: ({ id }) => id,
        schedule: { every: '10s', batch: 10, timeout: '5s', source },
        handle: ({ id }) => void done.push(id),
      });
      return fleet.start(undefined, [job]);
    };
    const members = { first: await start('first'), second: await start('second'), third: await start('third') };
    await fleet.pass(25_000);
    assert.equal(runs.length, 2);
    assert.equal(new Set(runs).size, 1);
    const at = Object.keys(members).find((name) => name === runs[0]) as keyof typeof members;
    members[at].freeze();
    await fleet.pass(30_000);
    assert.ok(runs.length >= 4 && runs.length <= 6, `expected a run every 10 s, found ${runs}`);
    assert.equal(new Set(runs).size, 2);
    assert.equal(done.length, new Set(done).size);
    assert.equal(done.length, 3 * runs.length);
    const others = Object.entries(members).filter(([name]) => name !== at);
    const stopped = Promise.all(others.map(([, { mill }]) => mill.schedule('jobs').stop()));
    await fleet.pass(1_000);
    await stopped;
    const before = runs.length;
    await fleet.pass(30_000);
    assert.equal(runs.length, before);
    for (const [, { mill }] of others) await mill.stop();
  });

  test('an endpoint’s concurrency and rate limit apply to the whole fleet', async () => {
    const fleet = new Fleet(4);
    const calls: number[] = [];
    const call = async () => {
      calls.push(fleet.clock.elapsedMs());
      return { result: 'delivered' } as const;
    };
    const start = () => {
      const mails = pipeline('mails', {
        event: Step,
        key: ({ key }) => key,
        deliver: { post: { to: { call }, rateLimit: { calls: 6, per: '1s' } } },
        handle: ({ n }, _state, turn) => turn.deliver('post', n, { id: String(n) }),
      });
      return fleet.start(undefined, [mails]);
    };
    const members = [await start(), await start(), await start()];
    await fleet.pass(5_000);
    for (const n of upTo(120)) await members[n % 3]?.mill.ingest('mails', { key: `key ${n}`, n });
    const from = fleet.clock.elapsedMs();
    await fleet.pass(10_000);
    const within = calls.filter((at) => at - from <= 10_000).length;
    assert.ok(within >= 54 && within <= 66, `expected about 60 calls in ten seconds, found ${within}`);
    for (const { mill } of members) await mill.stop();
  });

  test('a schedule unknown to an older release runs once that release is gone', async () => {
    const fleet = new Fleet();
    const runs: string[] = [];
    const scheduled = (name: string) => {
      const source = () => {
        runs.push(name);
        return [];
      };
      return pipeline(name, {
        event: z.object({ id: z.string() }),
        key: ({ id }) => id,
        schedule: { every: '10s', batch: 1, source },
        handle: () => undefined,
      });
    };
    const older = await fleet.start(undefined, [scheduled('old')]);
    const newer = await fleet.start(undefined, [scheduled('old'), scheduled('new')]);
    await fleet.pass(15_000);
    assert.deepEqual(runs, ['old']);
    await older.mill.stop();
    await fleet.pass(15_000);
    assert.ok(runs.includes('new'), `expected a run of the new one, found ${runs}`);
    await newer.mill.stop();
  });
});
