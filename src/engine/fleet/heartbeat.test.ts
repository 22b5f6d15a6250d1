import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Roll } from '../../store/store.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import { Heartbeat } from './heartbeat.ts';

const roll: Roll = { self: 'a', members: [], nextEndMs: Number.POSITIVE_INFINITY, partitions: new Map(), paused: new Set() };

/** A heartbeat on its own clock, for leases that last three seconds. */
function made({ beat = async () => roll }: { readonly beat?: (clock: VirtualClock) => Promise<Roll> } = {}) {
  const clock = new VirtualClock(0);
  const askedAt: number[] = [];
  const told = { ranOut: 0 };
  const heartbeat = new Heartbeat({
    store: {
      leaseMs: 3_000,
      async beat() {
        askedAt.push(clock.elapsedMs());
        return beat(clock);
      },
    },
    clock,
    heard: async () => undefined,
    ranOut() {
      told.ranOut += 1;
    },
  });
  const pass = async (ms: number) => {
    const until = clock.now() + ms;
    do for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    while (clock.turnToNextAlarm(until));
  };
  return { heartbeat, askedAt, told, pass };
}

describe('the heartbeat of an engine', () => {
  test('beats three times per lease period, and keeps the lease', async () => {
    const { heartbeat, askedAt, told, pass } = made();
    const isHeld = heartbeat.held();
    assert.equal(isHeld(), false);
    await heartbeat.start();
    assert.equal(isHeld(), true);
    await pass(3_500);
    assert.deepEqual(askedAt, [0, 1_000, 2_000, 3_000]);
    assert.equal(isHeld(), true);
    heartbeat.close();
    await pass(3_000);
    assert.deepEqual([askedAt.length, told.ranOut], [4, 0]);
    assert.equal(isHeld(), false);
  });

  test('comes when the leases of another, silent engine expire', async () => {
    const endsAt = 2_400;
    const beat = async (clock: VirtualClock) => ({
      ...roll,
      nextEndMs: clock.elapsedMs() < endsAt ? endsAt - clock.elapsedMs() : Infinity,
    });
    const { heartbeat, askedAt, pass } = made({ beat });
    await heartbeat.start();
    await pass(4_000);
    assert.deepEqual(askedAt, [0, 1_000, 2_000, 2_400, 3_400]);
    heartbeat.close();
  });

  test('keeps its pace, and the leases, while the store takes almost half a lease period to answer', async () => {
    const { heartbeat, askedAt, told, pass } = made({ beat: (clock) => new Promise((resolve) => clock.after(1_400, () => resolve(roll))) });
    void heartbeat.start();
    await pass(8_000);
    assert.deepEqual(askedAt, [0, 1_500, 3_000, 4_500, 6_000, 7_500]);
    heartbeat.close();
    assert.equal(told.ranOut, 0);
  });

  test('asks at most ten times a second, however often something changes', async () => {
    const { heartbeat, askedAt, pass } = made();
    await heartbeat.start();
    for (let change = 0; change < 500; change += 1) {
      heartbeat.beatNow();
      await pass(1);
    }
    assert.deepEqual(askedAt, [0, 100, 200, 300, 400, 500]);
    heartbeat.close();
  });

  test('follows a change during a beat with another beat', async () => {
    let answer: (() => void) | undefined;
    let isSlow = false;
    const beat = async () => {
      if (isSlow) await new Promise<void>((resolve) => (answer = resolve));
      return roll;
    };
    const { heartbeat, askedAt, pass } = made({ beat });
    await heartbeat.start();
    isSlow = true;
    await pass(1_000);
    heartbeat.beatNow();
    isSlow = false;
    answer?.();
    await pass(150);
    assert.deepEqual(askedAt, [0, 1_000, 1_100]);
    heartbeat.close();
  });

  test('reports once that the leases have expired, and earlier leases stay expired when it beats again', async () => {
    let isAway = false;
    const beat = async () => {
      if (isAway) throw new Error('away');
      return roll;
    };
    const { heartbeat, told, pass } = made({ beat });
    await heartbeat.start();
    const isHeld = heartbeat.held();
    isAway = true;
    await pass(2_999);
    assert.deepEqual([isHeld(), told.ranOut], [true, 0]);
    await pass(5_000);
    assert.deepEqual([isHeld(), told.ranOut], [false, 1]);
    isAway = false;
    await pass(2_000);
    assert.deepEqual([isHeld(), heartbeat.held()(), told.ranOut], [false, true, 1]);
    heartbeat.close();
  });

  test('reports that the leases have expired while a beat is unanswered', async () => {
    let isSlow = false;
    const beat = () => (isSlow ? new Promise<Roll>(() => undefined) : Promise.resolve(roll));
    const { heartbeat, told, pass } = made({ beat });
    await heartbeat.start();
    isSlow = true;
    await pass(2_999);
    assert.equal(told.ranOut, 0);
    await pass(1);
    assert.equal(told.ranOut, 1);
    await pass(10_000);
    assert.equal(told.ranOut, 1);
    heartbeat.close();
  });
});
