import type { Clock } from '../../src/engine/clock.ts';
import { Fleet, type FleetPartition } from '../../src/engine/fleet/fleet.ts';
import { clockWhile } from '../../src/testing/virtual-clock.ts';
import { type Database, pipeline } from './database.ts';

/** The simulated durations, in milliseconds. */
export interface Pace {
  readonly leaseMs: number;
  /** From a database call to its answer. */
  readonly answerMs: number;
  /** Time for an engine to finish its work in a slice before it releases it. */
  readonly handOverMs: number;
}

export interface EngineMeans {
  readonly id: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly pace: Pace;
}

/** An engine reduced to fleet behaviour: the real code decides what it owns; its partitions only claim and release. */
export class Engine {
  readonly #means: EngineMeans;
  readonly #fleet: Fleet;
  readonly #partitions: readonly Slice[];
  #isAlive = true;

  constructor(means: EngineMeans) {
    this.#means = means;
    const { id, database, pace } = means;
    const clock = clockWhile(means.clock, () => this.#isAlive);
    const ask = <T>(question: () => T) => new Promise<T>((resolve) => clock.after(pace.answerMs, () => resolve(question())));
    this.#partitions = Array.from(database.owners, (_, slice) => new Slice({ slice, id, database, clock, pace, ask }));
    this.#fleet = new Fleet({
      clock,
      leaders: new Map(),
      commanded: () => undefined,
      store: {
        leaseMs: pace.leaseMs,
        beat: () => ask(() => database.beat(id)),
        listen: (listener) => database.listen(id, listener),
      },
      partitions: {
        all: this.#partitions,
        of: (name) => (name === pipeline ? this.#partitions : []),
        followPause: () => undefined,
        setShare: () => undefined,
      },
    });
  }

  get id(): string {
    return this.#means.id;
  }

  start(): Promise<void> {
    return this.#fleet.start();
  }

  /** Stops it like an operator: it releases everything first. */
  async stop(): Promise<void> {
    this.#fleet.rest();
    await this.#fleet.handOver();
    this.#fleet.close();
    this.#means.database.leave(this.id);
    this.#isAlive = false;
  }

  /** Ends it between two of its steps, without notice. */
  die(): void {
    this.#isAlive = false;
    this.#fleet.close();
  }
}

interface SliceMeans extends EngineMeans {
  readonly slice: number;
  ask<T>(question: () => T): Promise<T>;
}

/** A partition without events: `away`, `claiming`, `owned` or `leaving`. */
class Slice implements FleetPartition {
  readonly head = 0;
  readonly #means: SliceMeans;
  #state: 'away' | 'claiming' | 'owned' | 'leaving' = 'away';
  /** Elapsed time at which the lease was claimed or released. */
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(means: SliceMeans) {
    this.#means = means;
  }

  async start(): Promise<void> {
    await this.take(Number.POSITIVE_INFINITY);
  }

  async take(askedAt: number): Promise<void> {
    const { database, id, slice, ask } = this.#means;
    if (this.#state !== 'away' || askedAt < this.#changedAt) return;
    this.#state = 'claiming';
    this.#become((await ask(() => database.claim(id, slice))) ? 'owned' : 'away');
  }

  leave(askedAt: number): void {
    if (this.#state === 'owned' && askedAt > this.#changedAt) this.#become('away');
  }

  leaseLost(): void {
    if (this.#state === 'owned') this.#become('away');
  }

  async handOver(): Promise<void> {
    const { database, clock, pace, id, slice, ask } = this.#means;
    if (this.#state !== 'owned') return;
    this.#state = 'leaving';
    await new Promise<void>((resolve) => clock.after(pace.handOverMs, resolve));
    await ask(() => database.release(id, slice));
    this.#become('away');
  }

  look(): void {}

  checkLog(): void {}

  #become(state: 'away' | 'owned'): void {
    this.#state = state;
    this.#changedAt = this.#means.clock.elapsedMs();
  }
}
