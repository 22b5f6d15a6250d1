import { MillraceError } from '../../src/errors.ts';
import type { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import type { Commit, Lease, Store } from '../../src/store/store.ts';
import { type Fault, faultyStore, isOfFault } from './faulty-store.ts';
import { Life, type World } from './life.ts';
import { refusedRow } from './turn.ts';

/** Things that happen while something is waited for, before it is taken to stand still. */
export const happeningsMax = 50_000;
/** How far the clock is turned at most when nothing happens by itself, in milliseconds. */
const turnMsMax = 15_000;
/** Starts that fail in a row before the next one meets no fault. */
const startsMax = 10;

/**
 * What a process that lost the store to another cannot do there any more. It may read and commit, so that the store must refuse
 * what it commits to a partition that was taken from it; but nothing enters a log, since the owner would not be told of it.
 */
const barred: ReadonlySet<string> = new Set(['open', 'claim', 'append', 'prune', 'close']);
const isBarred = (method: string, [work]: readonly unknown[]) =>
  barred.has(method) || (method === 'commit' && (work as Commit).sends.length > 0);

/** The store with a constraint of the user's own: one row it refuses, whoever writes it. */
function refusing(base: Store): Store {
  const refusingLease = (lease: Lease): Lease => {
    const commit = async (work: Commit) => {
      const isRefused = work.rows.some(({ rows }) => rows.some((row) => row.includes(refusedRow)));
      if (isRefused) throw new MillraceError('MILL_COMMIT_REFUSED', 'a row was refused');
      return lease.commit(work);
    };
    return withMember(lease, 'commit', commit);
  };
  return withMember(base, 'claim', async (partition) => refusingLease(await base.claim(partition)));
}

function withMember<T extends object, Name extends keyof T>(base: T, replaced: Name, own: T[Name]): T {
  return new Proxy(base, {
    get(target, name) {
      const member = name === replaced ? own : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** Starts, stops and kills the process, and decides which of its calls meet a fault. */
export class Processes {
  readonly #world: World;
  readonly #base: Store;
  readonly #chance: Chance;
  #life!: Life;
  #lives = 0;
  /** Processes that lost the store and do not know. */
  #barred: Life[] = [];
  /** Calls that fail since the store does not answer. */
  #disconnected = 0;
  #isStarting = false;
  /** No call meets a fault. */
  #isCalm = false;
  #isOver = false;

  constructor(world: World, base: Store, chance: Chance) {
    this.#world = world;
    this.#base = base;
    this.#chance = chance;
  }

  /** The one that has the store. */
  get life(): Life {
    return this.#life;
  }

  /** Starts a process on what is there, again until it runs. */
  async start(): Promise<void> {
    this.#isStarting = true;
    for (let tries = 1; ; tries += 1) {
      this.#isCalm = this.#isOver || tries > startsMax;
      await this.#base.close();
      this.#lives += 1;
      this.#world.count('starts');
      this.#world.note(`start ${this.#lives}`);
      this.#life = new Life(this.#lives, this.#world, (life) => this.#storeOf(life));
      try {
        await this.until(this.#life.mill.start());
        break;
      } catch (error) {
        const isExpected = !this.#life.isAlive || (isOfFault(error) && !this.#isCalm);
        this.#life.die();
        if (!isExpected) throw error;
      }
    }
    this.#isStarting = false;
    this.#isCalm = this.#isOver;
  }

  /** Stops the process; it may die of it. */
  async stop(timeoutMs: number): Promise<void> {
    const { mill } = this.#life;
    try {
      await this.until(mill.stop({ timeoutMs }));
    } catch (error) {
      if (this.#life.isAlive && !isOfFault(error)) throw error;
    }
  }

  killAll(): void {
    for (const life of [this.#life, ...this.#barred]) life.die();
    this.#barred = [];
  }

  /** Another process takes the store over while this one lives on. */
  async takeOver(): Promise<void> {
    this.#life.isBarred = true;
    this.#barred.push(this.#life);
    await this.start();
  }

  /** So many calls fail from here on. */
  disconnect(calls: number): void {
    this.#world.count('disconnections');
    this.#disconnected = calls;
  }

  /** From here on there are no faults, and no processes but one. */
  calmDown(): void {
    this.#isOver = true;
    this.#isCalm = true;
    for (const life of this.#barred) life.die();
  }

  /** Until a promise of the process settles, or the process dies; throws then, and when the promise rejects. */
  async until(promise: Promise<unknown>): Promise<void> {
    const { scheduler } = this.#world;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    const settled = Promise.race([promise, this.#life.died]);
    settled.then(over, over);
    for (let happened = 0; !isOver; happened += 1) {
      if (happened > happeningsMax) throw new Error('the process stands still');
      if (!(await scheduler.go()) && !isOver) scheduler.turn(scheduler.clock.now() + turnMsMax);
    }
    await settled;
  }

  #storeOf(life: Life): Store {
    const fate = {
      isAlive: () => life.isAlive,
      next: (method: string) => this.#nextFault(method),
      crash: () => {
        this.#world.count('crashes at a call');
        life.die();
      },
      isBarred: (method: string, given: readonly unknown[]) => life.isBarred && isBarred(method, given),
      met: (fault: Fault, method: string) => {
        this.#world.count(`faults ${fault}`);
        this.#world.note(`${method} meets ${fault}`);
      },
    };
    return faultyStore(refusing(this.#base), fate, { scheduler: this.#world.scheduler, chance: this.#chance });
  }

  #nextFault(method: string): Fault | undefined {
    if (this.#isCalm) return undefined;
    // A start asks a lot of the store, and little comes of a program that hardly ever runs.
    if (this.#isStarting && this.#chance.upTo(6) > 1) return undefined;
    if (this.#disconnected > 0 && method !== 'open') {
      this.#disconnected -= 1;
      return this.#chance.one(['failsBefore', 'failsAfter']);
    }
    let dealt = this.#chance.upTo(1_000);
    for (const [fault, share] of Object.entries(this.#world.program.faults)) {
      dealt -= share;
      if (dealt <= 0) return fault as Fault;
    }
    return undefined;
  }
}
