import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { Database } from './database.ts';
import { Engine, type Pace } from './engine.ts';

export interface RehearsalOptions {
  readonly slices: number;
  readonly seed: number;
}

/** The result of a change to the fleet. */
export interface Change {
  readonly name: string;
  /** Number of times a slice came to an engine. */
  readonly moves: number;
  /** The minimum for evening out the fleet after each step. */
  readonly movesMin: number;
  /** The longest time that nobody worked on a slice, in seconds. */
  readonly pause: number;
  /** Seconds from its beginning until all engines permanently had equal numbers of slices, give or take one. */
  readonly evenAfter: number;
  /** Database statements per second, without BEGIN and COMMIT: on average until the fleet was even, and in the busiest second. */
  readonly statements: number;
  readonly statementsMax: number;
  /** Transactions in the busiest second. */
  readonly transactionsMax: number;
}

const startedAt = Date.UTC(2026, 0, 1);
const pace: Pace = { leaseMs: 3_000, answerMs: 5, handOverMs: 20 };
const notificationMs = 2;
/** Quiet time after which a change counts as over, in milliseconds. */
const calmMs = 5_000;
/** Time limit for a change. */
const changeMsMax = 600_000;
const secondMs = 1_000;

/** Many engines on one database, on a clock that stands still until it is advanced. */
export class Rehearsal {
  readonly clock = new VirtualClock(startedAt);
  readonly #database: Database;
  readonly #engines = new Map<string, Engine>();
  readonly #random: () => number;
  #joined = 0;
  #movesMin = 0;
  /** The time at which engines last had unequal shares, or slices were free, in elapsed time. */
  #unevenAt = 0;
  /** The latest observed shares. */
  #present = { changes: -1, engines: 0, isEven: false };

  constructor({ slices, seed }: RehearsalOptions) {
    this.#random = dice(seed);
    const now = () => this.clock.elapsedMs();
    this.#database = new Database({ slices, leaseMs: pace.leaseMs, now, soon: (work) => this.clock.after(notificationMs, work) });
  }

  /** The working engines, in order of arrival. */
  get ids(): readonly string[] {
    return Array.from(this.#engines.keys());
  }

  /** Starts `count` engines within a second. */
  join(count: number): void {
    const slices = this.#database.owners.length;
    const free = this.#database.owners.filter((owner) => owner === null).length;
    this.#movesMin += Math.max(free, count * Math.floor(slices / (this.#engines.size + count)));
    for (let nth = 0; nth < count; nth += 1) {
      this.#joined += 1;
      const engine = new Engine({ id: `engine-${this.#joined}`, database: this.#database, clock: this.clock, pace });
      this.#engines.set(engine.id, engine);
      this.clock.after(this.#random() * secondMs, () => void engine.start());
    }
  }

  /** Ends engines like a crash. */
  die(ids: readonly string[]): void {
    for (const id of ids) {
      this.#movesMin += this.#countOf(id);
      this.#engines.get(id)?.die();
      this.#engines.delete(id);
      this.#database.died(id);
    }
  }

  /** Stops an engine like an operator. Resolves when it has left. */
  async stop(id: string): Promise<void> {
    const engine = this.#engines.get(id);
    this.#movesMin += this.#countOf(id);
    this.#engines.delete(id);
    await engine?.stop();
  }

  /** Makes a change, and waits until nothing moves any more. */
  async measure(name: string, change: () => void | Promise<void>): Promise<Change> {
    const from = this.clock.elapsedMs();
    const movesBefore = this.#database.moves;
    this.#movesMin = 0;
    this.#database.pauseMsMax = 0;
    this.#unevenAt = from;
    const changing = Promise.resolve(change());
    let isOver = false;
    changing.then(() => {
      isOver = true;
    });
    await this.#turnUntil(() => isOver && this.clock.elapsedMs() - Math.max(from, this.#unevenAt) > calmMs);
    await changing;
    return {
      name,
      moves: this.#database.moves - movesBefore,
      movesMin: this.#movesMin,
      pause: this.#database.pauseMsMax / secondMs,
      evenAfter: (this.#unevenAt - from) / secondMs,
      ...this.#askedBetween(from, this.#unevenAt),
    };
  }

  /** Measures the fleet's calls over a number of seconds without changes. */
  async calm(seconds: number): Promise<Change> {
    return this.measure('nothing', () => this.pass(seconds * secondMs)).then((change) => {
      const until = this.clock.elapsedMs();
      return { ...change, ...this.#askedBetween(until - seconds * secondMs, until) };
    });
  }

  /** Resolves after a time, for a change that takes a while. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  /** Resolves once all slices are evenly distributed. */
  async untilEven(): Promise<void> {
    while (!this.#isEven()) await this.pass(10);
  }

  async #turnUntil(isOver: () => boolean): Promise<void> {
    const deadline = this.clock.now() + changeMsMax;
    for (this.#watch(); !isOver(); this.#watch()) {
      if (!this.clock.turnToNextAlarm(deadline)) throw new Error(`expected an even fleet within ${changeMsMax} ms`);
      await setImmediate();
    }
  }

  #watch(): void {
    const now = this.clock.elapsedMs();
    if (!this.#isEven()) this.#unevenAt = now;
  }

  #isEven(): boolean {
    const { changes } = this.#database;
    if (changes !== this.#present.changes || this.#engines.size !== this.#present.engines) {
      const counts = this.#counts();
      const each = Array.from(this.#engines.keys(), (id) => counts.get(id) ?? 0);
      const isOwned = each.reduce((sum, count) => sum + count, 0) === this.#database.owners.length;
      const isEven = isOwned && Math.max(...each) - Math.min(...each) <= 1;
      this.#present = { changes, engines: this.#engines.size, isEven };
    }
    return this.#present.isEven;
  }

  #counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const owner of this.#database.owners) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return counts;
  }

  #countOf(id: string): number {
    return this.#counts().get(id) ?? 0;
  }

  #askedBetween(from: number, until: number): Pick<Change, 'statements' | 'statementsMax' | 'transactionsMax'> {
    const [first, last] = [Math.floor(from / secondMs), Math.max(Math.floor(from / secondMs), Math.ceil(until / secondMs) - 1)];
    const seconds = Array.from({ length: last - first + 1 }, (_, nth) => this.#database.asked.get(first + nth));
    const statements = seconds.map((asked) => asked?.statements ?? 0);
    return {
      statements: statements.reduce((sum, count) => sum + count, 0) / seconds.length,
      statementsMax: Math.max(...statements),
      transactionsMax: Math.max(...seconds.map((asked) => asked?.transactions ?? 0)),
    };
  }
}

/** Numbers in [0, 1), determined by the seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
