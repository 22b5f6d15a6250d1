import { setTimeout as pause } from 'node:timers/promises';
import { integerFrom, type Random } from '../../systems/shared/random.ts';
import type { Broker, Step } from './broker.ts';

export interface ProducerOptions {
  readonly broker: Broker;
  readonly events: number;
  readonly keys: number;
  readonly partitions: number;
  /** Time over which the messages are spread, in milliseconds. */
  readonly overMs: number;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Number of steps written together. */
const batch = 500;
/** One in this many batches is written twice, as by a producer that received no answer the first time. */
const twiceEvery = 40;
const againMs = 200;
/** Time without an acknowledgement after which writing is given up, in milliseconds: the broker does not come back. */
const patienceMs = 180_000;

/** Writes steps at an even rate, in order within each key, and again if it is unknown whether they were written. */
export class ProducerOfSteps {
  /** Number of steps written, by key. */
  readonly written = new Map<string, number>();
  /** Number of batches written twice, after a failure or on purpose. */
  repeated = 0;
  readonly #options: ProducerOptions;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Resolves once all steps are written, or when it is aborted. */
  async run(): Promise<void> {
    const { events, overMs, signal } = this.#options;
    const began = performance.now();
    for (let count = 0, nth = 1; count < events && !signal.aborted; nth += 1) {
      const steps = this.#next(Math.min(batch, events - count));
      await this.#write(steps);
      if (nth % twiceEvery === 0) {
        this.repeated += 1;
        await this.#write(steps);
      }
      for (const { key, n } of steps) this.written.set(key, n);
      count += steps.length;
      const waitMs = began + (overMs * count) / events - performance.now();
      if (waitMs > 0) await pause(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Returns up to `count` steps, each of a different key: repeated writes of them never break a key's order. */
  #next(count: number): readonly Step[] {
    const { keys, partitions, random } = this.#options;
    const chosen = new Set<number>();
    for (let tries = 0; tries < count; tries += 1) chosen.add(integerFrom(random, 1, keys));
    return Array.from(chosen, (number) => {
      const key = `key ${number}`;
      return { key, n: (this.written.get(key) ?? 0) + 1, partition: number % partitions };
    });
  }

  async #write(steps: readonly Step[]): Promise<void> {
    const { broker, signal } = this.#options;
    for (const began = performance.now(); ; ) {
      try {
        return await broker.write(steps);
      } catch (error) {
        // Failures are expected while a server is down.
        if (signal.aborted || performance.now() - began > patienceMs) throw error;
        this.repeated += 1;
        await pause(againMs);
      }
    }
  }
}
