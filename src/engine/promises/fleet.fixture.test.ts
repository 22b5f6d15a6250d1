import { setImmediate } from 'node:timers/promises';
import { MillraceError } from '../../errors.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import { sharedMemory } from '../../store/memory/memory-store.ts';
import type { Store } from '../../store/store.ts';
import { VirtualClock } from '../../testing/virtual-clock.ts';
import type { Clock } from '../clock.ts';
import { type Mill, millrace } from '../mill.ts';
import { steps, withCalls } from './fixture.test.ts';

export const leaseMs = 3_000;

/** An engine, and its sleep. */
export interface Member {
  readonly mill: Mill;
  /** The events whose turns have begun. */
  readonly attempts: readonly number[];
  /** Stops its alarms from ringing; those that come due meanwhile ring when it wakes. */
  freeze(): void;
  wake(): void;
}

/** A store that refuses to renew or grant leases while it is cut off. */
export class CutLink {
  isCut = false;

  readonly around = (base: Store): Store =>
    withCalls(base, {
      claim: async (partition) => {
        this.#check();
        return base.claim(partition);
      },
      beat: async () => {
        this.#check();
        return base.beat();
      },
    });

  #check(): void {
    if (this.isCut) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'cut off');
  }
}

/** Engines on one database and one clock, each with its own store. */
export class Fleet {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly #makeStore: () => Store;

  /** With one partition only the first engine works, until it is gone. */
  constructor(partitions = 1) {
    this.#makeStore = sharedMemory({ partitions, leaseMs, now: () => this.clock.elapsedMs() });
  }

  async start(
    over: (store: Store) => Store = (store) => store,
    others: readonly AnyPipeline[] = [],
    turn: () => Promise<void> | undefined = () => undefined,
  ): Promise<Member> {
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
    const attempt = ({ n }: { n: number }) => {
      attempts.push(n);
      return turn();
    };
    const pipelines = [steps({ attempt }), ...others];
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

  /** Lets time pass, together with everything it triggers. */
  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    do for (let turn = 0; turn < 50; turn += 1) await setImmediate();
    while (this.clock.turnToNextAlarm(until));
  }
}
