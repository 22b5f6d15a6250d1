import { MillraceError } from '../../src/errors.ts';
import type { Chance } from '../../src/store/differential/chance.fixture.test.ts';
import type { Commit, Lease, Store } from '../../src/store/store.ts';
import { type Fault, faultyStore, isOfFault } from './faulty-store.ts';
import { Life, type World } from './life.ts';
import type { OtherProgram } from './other-program.ts';
import { Tenures } from './tenures.ts';
import { refusedRow } from './turn.ts';

/** Number of things that may happen while something is awaited, before it counts as stuck. */
export const happeningsMax = 50_000;
/** Largest step of the clock when nothing happens by itself, in milliseconds. */
const turnMsMax = 15_000;
/** Duration of leases if several processes share the store, in milliseconds. */
export const leaseMs = 3_000;
/** Number of failed starts in a row after which the next one meets no fault. */
const startsMax = 10;

/**
 * The calls barred for a process that has lost the store to another. It may read and commit, so that the store must refuse its commits to a
 * partition taken from it; but it cannot append to a log, since the owner would not be notified.
 */
const barred: ReadonlySet<string> = new Set(['open', 'claim', 'append', 'take', 'prune', 'close']);
const isBarred = (method: string, [work]: readonly unknown[]) =>
  barred.has(method) || (method === 'commit' && (work as Commit).sends.length > 0);

/** Observes the results of a process. */
interface Watch {
  readonly tenures: Tenures;
  count(what: string): void;
  inboxGrown(): void;
}

/** Adds a constraint of the user's own to the store, which refuses one row whoever writes it. The effects on a process are recorded there. */
function watched(base: Store, life: Life, { tenures, count, inboxGrown }: Watch): Store {
  const watchedLease = (lease: Lease): Lease => {
    const commit = async (work: Commit) => {
      const isRefused = work.rows.some(({ rows }) => rows.some((row) => row.includes(refusedRow)));
      if (isRefused) throw new MillraceError('MILL_COMMIT_REFUSED', 'a row was refused');
      const done = await lease.commit(work);
      count('commits');
      for (const _ of work.answers ?? []) count('commands answered');
      for (const _ of work.inbox ?? []) count('rows put into the inbox again');
      if (work.inbox !== undefined) inboxGrown();
      return done;
    };
    const release = async () => {
      await lease.release();
      tenures.released(life, lease.partition);
    };
    const takeInbox: Lease['takeInbox'] = async (takings) => {
      const taken = (await lease.takeInbox?.(takings)) ?? [];
      for (const { status } of taken) count(`rows of the inbox ${status}`);
      return taken;
    };
    return withMember(withMember(withMember(lease, 'commit', commit), 'takeInbox', takeInbox), 'release', release);
  };
  const claim: Store['claim'] = async (partition) => {
    const lease = await base.claim(partition);
    tenures.claimed(life, partition);
    count('claims');
    return watchedLease(lease);
  };
  const append: Store['append'] = async (events) => {
    const outcomes = await base.append(events);
    tenures.appended(life, events, outcomes);
    return outcomes;
  };
  return withMember(withMember(base, 'claim', claim), 'append', append);
}

function withMember<T extends object, Name extends keyof T>(base: T, replaced: Name, own: T[Name]): T {
  return new Proxy(base, {
    get(target, name) {
      const member = name === replaced ? own : Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** The resources of the processes. */
export interface ProcessesMeans {
  readonly base: Store;
  readonly share: (() => Store) | undefined;
  readonly chance: Chance;
  /** The program that inserts into the inbox; undefined if there is none. */
  readonly other: OtherProgram | undefined;
}

/** Starts, stops, freezes and kills processes, and decides which of their calls meet a fault. One process has the store, or several share it. */
export class Processes {
  readonly #world: World;
  readonly #base: Store;
  /** Makes a store for one more process, if several share it. */
  readonly #share: (() => Store) | undefined;
  readonly #chance: Chance;
  readonly #other: OtherProgram | undefined;
  readonly #slots: Life[] = [];
  readonly #tenures: Tenures;
  #lives = 0;
  /** Processes that lost the store and do not know. */
  #barred: Life[] = [];
  /** Number of calls that fail because the store does not answer. */
  #disconnected = 0;
  #isStarting = false;
  /** True while no call meets a fault. */
  #isCalm = false;
  #isOver = false;

  constructor(world: World, { base, share, chance, other }: ProcessesMeans) {
    this.#world = world;
    this.#base = base;
    this.#share = share;
    this.#chance = chance;
    this.#other = other;
    // Leases never run out in a store that one process owns at a time.
    this.#tenures = new Tenures((what) => share && world.count(what));
  }

  /** The processes that run now, or have ended by themselves. */
  get lives(): readonly Life[] {
    return this.#slots;
  }

  /** Returns the process that an outside caller reaches: a running one, if any. */
  get life(): Life {
    const awake = this.#slots.filter((life) => life.isAlive && life.isAwake);
    const lives = awake.length > 0 ? awake : this.#slots;
    return lives.length === 1 ? (lives[0] as Life) : this.#chance.one(lives);
  }

  /** Starts all processes on the present contents. */
  async start(): Promise<void> {
    for (let slot = 0; slot < this.#world.program.settings.engines; slot += 1) await this.#start(slot);
  }

  /** Restarts the processes that have ended. */
  async startEnded(): Promise<void> {
    for (const [slot, life] of this.#slots.entries()) {
      if (!life.hasEnded) continue;
      life.die();
      await this.#start(slot);
    }
  }

  /** Starts a process on the present contents, again and again until it runs. */
  async #start(slot: number): Promise<void> {
    this.#isStarting = true;
    for (let tries = 1; ; tries += 1) {
      this.#isCalm = this.#isOver || tries > startsMax;
      if (this.#share === undefined) await this.#base.close();
      this.#lives += 1;
      this.#world.count('starts');
      this.#world.note(`start ${this.#lives}`);
      const life = new Life(this.#lives, this.#world, (one) => this.#storeOf(one));
      this.#slots[slot] = life;
      try {
        await this.until(life.mill.start(), life);
        break;
      } catch (error) {
        const isExpected = !life.isAlive || (isOfFault(error) && !this.#isCalm);
        life.die();
        if (!isExpected) throw error;
      }
    }
    this.#isStarting = false;
    this.#isCalm = this.#isOver;
  }

  /** Stops a process, which may die of it. */
  async stop(life: Life, timeoutMs?: number): Promise<void> {
    life.wake();
    try {
      await this.until(life.mill.stop(timeoutMs === undefined ? {} : { timeoutMs }), life);
    } catch (error) {
      if (life.isAlive && !isOfFault(error)) throw error;
    }
  }

  /** Stops one of several processes, or (without a time) kills it, and restarts it while the others continue. */
  async renewOne(timeoutMs?: number): Promise<void> {
    await this.#renew(this.#chance.upTo(this.#slots.length) - 1, timeoutMs);
  }

  /** Restarts each process, one after another, as for a new version of the program. */
  async renewAll(timeoutMs: number): Promise<void> {
    for (const slot of this.#slots.keys()) await this.#renew(slot, timeoutMs);
  }

  async #renew(slot: number, timeoutMs?: number): Promise<void> {
    const life = this.#slots[slot] as Life;
    if (timeoutMs !== undefined) await this.stop(life, timeoutMs);
    life.die();
    await this.#start(slot);
  }

  killAll(): void {
    for (const life of [...this.#slots, ...this.#barred]) life.die();
    this.#barred = [];
  }

  /** Lets another process take the store over while this one lives on. */
  async takeOver(): Promise<void> {
    const [life] = this.#slots;
    if (life === undefined) return;
    life.isBarred = true;
    this.#barred.push(life);
    await this.start();
  }

  /** Freezes one of several processes for a while, perhaps longer than its leases last. */
  freezeOne(): void {
    this.#world.count('processes frozen');
    const life = this.#chance.one(this.#slots);
    life.freeze();
    this.#world.scheduler.clock.after(this.#chance.upTo(2 * leaseMs), () => {
      if (life.isAlive && !life.isAwake) this.#world.count('processes that woke');
      life.wake();
    });
  }

  /** Fails the given number of calls from now on. */
  disconnect(calls: number): void {
    this.#world.count('disconnections');
    this.#disconnected = calls;
  }

  /** Ends all faults, and all processes except those that have the store. */
  calmDown(): void {
    this.#isOver = true;
    this.#isCalm = true;
    for (const life of this.#barred) life.die();
    for (const life of this.#slots) life.wake();
  }

  /** Waits until a promise of a process settles, or the process dies; throws if it dies, or if the promise rejects. */
  async until(promise: Promise<unknown>, life: Life): Promise<void> {
    const { scheduler } = this.#world;
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    const settled = Promise.race([promise, life.died]);
    settled.then(over, over);
    for (let happened = 0; !isOver; happened += 1) {
      if (happened > happeningsMax) throw new Error('the process stands still');
      if (!(await scheduler.go()) && !isOver) scheduler.turn(scheduler.clock.now() + turnMsMax);
    }
    await settled;
  }

  #storeOf(life: Life): Store {
    const fate = {
      act: (run: () => void | Promise<void>) => life.act(run),
      next: (method: string) => this.#nextFault(method),
      isDead: () => !life.isAlive,
      listenToInbox: this.#other && ((grown: () => void) => this.#other?.listen(grown) ?? (() => undefined)),
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
    const watch = { tenures: this.#tenures, count: (what: string) => this.#world.count(what), inboxGrown: () => this.#other?.grown() };
    return faultyStore(watched(this.#share?.() ?? this.#base, life, watch), fate, {
      scheduler: this.#world.scheduler,
      chance: this.#chance,
    });
  }

  #nextFault(method: string): Fault | undefined {
    if (this.#isCalm) return undefined;
    // A start makes many calls to the store, and a program that hardly ever runs shows little.
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
