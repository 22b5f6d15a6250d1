import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MillraceError } from '../../errors.ts';
import { sharedMemory } from '../../store/memory/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import type { Clock } from '../clock.ts';
import { type Mill, millrace } from '../mill.ts';
import { applied, isCode, steps, upTo, withCalls, withMembers } from './fixture.test.ts';

const leaseMs = 3_000;

/** An engine, and its sleep. */
interface Member {
  readonly mill: Mill;
  /** The events of which turns have begun. */
  readonly attempts: readonly number[];
  /** No alarm of it rings from now on; those that are due by then ring when it wakes. */
  freeze(): void;
  wake(): void;
}

/** Engines that work on one database, on one clock, each with a store of its own. */
class Fleet {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly #makeStore = sharedMemory({ partitions: 2, leaseMs, now: () => this.clock.elapsedMs() });

  async start(over: (store: Store) => Store = (store) => store): Promise<Member> {
    let missed: (() => void)[] | undefined;
    const awake = (ring: () => void) => () => {
      if (missed === undefined) ring();
      else missed.push(ring);
    };
    const { clock } = this;
    const own: Clock = {
      now: () => clock.now(),
      elapsedMs: () => clock.elapsedMs(),
      alarm: (at, ring, withinMs) => clock.alarm(at, awake(ring), withinMs),
      after: (ms, ring) => clock.after(ms, awake(ring)),
      whenTurnedBack: (turnedBack) => clock.whenTurnedBack(awake(turnedBack)),
    };
    const attempts: number[] = [];
    const pipelines = [steps({ attempt: ({ n }) => void attempts.push(n) })];
    const mill = await millrace({ store: over(this.#makeStore()), pipelines, clock: own }).start();
    return {
      mill,
      attempts,
      freeze() {
        missed = [];
      },
      wake() {
        const rings = missed ?? [];
        missed = undefined;
        for (const ring of rings) ring();
      },
    };
  }

  /** Lets so much time go by, and what comes of it happen. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    do for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    while (this.clock.turnToNextAlarm(until));
  }
}

async function stepsIn(mill: Mill, key: string): Promise<readonly number[]> {
  const rows = await mill.query(applied).selectAll().where('key', '=', key).orderBy('nth').execute();
  return rows.map(({ n }) => n);
}

const depthOf = (mill: Mill) => mill.counts().steps?.depth;

describe('several engines on one store', () => {
  test('each takes events in, one handles them, in order and once, and all read what came of it', async () => {
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

  test('a reader of another engine waits for what was accepted before it', async () => {
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

  test('what nobody told of is found all the same', async () => {
    const fleet = new Fleet();
    const deaf = (base: Store) => withCalls(base, { listen: () => () => undefined });
    const { mill: owner } = await fleet.start(deaf);
    const { mill: other } = await fleet.start();
    await other.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(leaseMs / 3);
    assert.deepEqual(await stepsIn(owner, 'a'), [1]);
    await Promise.all([owner.stop(), other.stop()]);
  });

  test('one that stops hands its partitions over at once', async () => {
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

  test('the partitions of one that is frozen are taken over when its leases have run out, and it notices when it wakes', async () => {
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

  test('one whose lease has run out begins no turn, and goes on once it has the lease again', async () => {
    const fleet = new Fleet();
    let isCut = false;
    const cut = () => {
      if (isCut) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'cut off');
    };
    const claims = (base: Store): Store['claim'] => {
      return async (partition) => {
        cut();
        const lease = await base.claim(partition);
        return withMembers(lease, {
          async renew() {
            cut();
            await lease.renew();
          },
        });
      };
    };
    const { mill } = await fleet.start((base) => withCalls(base, { claim: claims(base) }));
    await mill.ingest('steps', { key: 'a', n: 1 });
    await fleet.pass(100);
    isCut = true;
    await fleet.pass(leaseMs + 1_000);
    assert.equal(mill.health().status, 'unavailable');
    await mill.ingest('steps', { key: 'a', n: 2 });
    await fleet.pass(1_000);
    assert.deepEqual(await stepsIn(mill, 'a'), [1]);
    isCut = false;
    await fleet.pass(10_000);
    assert.deepEqual(await stepsIn(mill, 'a'), [1, 2]);
    assert.deepEqual(mill.health(), { status: 'ok' });
    await mill.stop();
  });

  test('what only the owner can do is refused by the others, with a reason', async () => {
    const fleet = new Fleet();
    const { mill: owner } = await fleet.start();
    const { mill: other } = await fleet.start();
    await owner.pause('steps');
    await assert.rejects(other.discardEvents('steps'), isCode('MILL_CONFLICT'));
    await other.pause('steps');
    await assert.rejects(other.discardEvents('steps'), isCode('MILL_STORE_LEASED'));
    assert.equal(await owner.discardEvents('steps'), 0);
    await Promise.all([owner.stop(), other.stop()]);
  });
});
