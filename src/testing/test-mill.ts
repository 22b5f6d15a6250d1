import { setImmediate } from 'node:timers/promises';
import { checkIngestOptions, durationOf } from '../engine/check-arguments.ts';
import type { Clock } from '../engine/clock.ts';
import type { IngestOptions } from '../engine/identify.ts';
import { Mill } from '../engine/mill.ts';
import type { KeyStatus } from '../engine/mill-options.ts';
import type { Ingested, Judged } from '../engine/verdicts.ts';
import type { Duration } from '../pipeline/duration.ts';
import type { OutgoingCall } from '../pipeline/endpoint.ts';
import type { AnyPipeline, PipelineInput, PipelineState, Pipelines, PipelinesOf } from '../pipeline/pipeline.ts';
import type { StoredRowOf, Table } from '../pipeline/table.ts';
import { memory } from '../store/memory/memory-store.ts';
import type { DeadLetter, Store } from '../store/store.ts';
import { checkTestMillOptions } from './check-test-mill-options.ts';
import { type ObservedStore, observe } from './observed-store.ts';
import type { TestMillOptions } from './test-mill-options.ts';
import { clockWhile, VirtualClock } from './virtual-clock.ts';

/**
 * Starts an engine for tests: in memory, on a clock that stands still until it is advanced.
 *
 * ```ts
 * const t = await testMill({ pipelines: [orders] });
 * await t.ingest('orders', { id: 'a' });
 * await t.advance('7d'); // a timer comes due
 * assert.deepEqual(await t.state('orders', 'a'), { status: 'unpaid' });
 * await t.stop();
 * ```
 *
 * Throws like `millrace` for a wrong or unknown option.
 */
export async function testMill<const List extends readonly AnyPipeline[]>(
  options: TestMillOptions<List>,
): Promise<TestMill<PipelinesOf<List>>> {
  checkTestMillOptions(options);
  const t = new TestMill<PipelinesOf<List>>(options);
  await t.start();
  return t;
}

/** An engine under test. Its type knows the pipelines, as a `Mill`'s does. */
export class TestMill<P extends Pipelines = Pipelines> {
  readonly clock: VirtualClock;
  /** The calls that pipelines have made so far, in starting order. */
  readonly calls: OutgoingCall[] = [];
  /** Number of times the engine was started; alarms of an earlier run no longer ring. */
  #life = 0;
  readonly #options: TestMillOptions;
  readonly #base: Store;
  readonly #random: () => number;
  #store!: ObservedStore;
  #mill!: Mill<P>;
  #ingested = 0;

  constructor(options: TestMillOptions) {
    this.#options = options;
    this.#base = options.store ?? memory();
    this.clock = new VirtualClock(options.startAt ?? Date.UTC(2026, 0, 1));
    this.#random = mulberry32(options.seed ?? 1);
  }

  /** The engine under test. */
  get mill(): Mill<P> {
    return this.#mill;
  }

  async start(): Promise<void> {
    const { limits = {}, crashBeforeCommit = false, log, tracing } = this.#options;
    this.#life += 1;
    const pipelines = this.#options.pipelines.map((pipeline) => this.#recorded(pipeline));
    this.#store = observe(this.#base, { crashBeforeCommit });
    const made = new Mill<P>({
      store: this.#store,
      pipelines,
      limits,
      tracing,
      clock: this.#clockOfThisLife(),
      random: this.#random,
      ...(log && { log }),
    });
    this.#mill = await made.start();
  }

  /** Ingests an event. With `duplicateEverything` it does so twice, and throws unless the second is reported as a duplicate. */
  async ingest<Name extends keyof P & string>(
    pipeline: Name,
    event: PipelineInput<P[Name]>,
    options: IngestOptions = {},
  ): Promise<Ingested> {
    checkIngestOptions('ingest', options);
    if (!this.#options.duplicateEverything) return this.#mill.ingest(pipeline, event, options);
    const declared = this.#mill.pipelines.get(pipeline);
    const hasIdentity = declared?.order !== undefined || declared?.id !== undefined;
    this.#ingested += 1;
    const identity = hasIdentity ? options : { ...options, id: options.id ?? `event-${this.#ingested}` };
    const first = await this.#mill.ingest(pipeline, event, identity);
    const second = await this.#mill.ingest(pipeline, event, identity);
    if (second.status !== 'duplicate' || second.id !== first.id)
      throw new Error(`expected a duplicate of ${first.id}, found ${JSON.stringify(second)}`);
    return first;
  }

  ingestBatch<Name extends keyof P & string>(pipeline: Name, events: readonly PipelineInput<P[Name]>[]): Promise<readonly Judged[]> {
    return this.#mill.ingestBatch(pipeline, events);
  }

  /** Does everything that can be done without moving the clock; waits for running handlers. */
  async drain(): Promise<void> {
    await this.#mill.idle(Number.MAX_SAFE_INTEGER);
  }

  /** Advances the clock, stopping at every alarm on the way until its work is done. */
  async advance(by: Duration): Promise<void> {
    await this.#quiet();
    const until = this.clock.now() + durationOf('advance', by);
    while (this.clock.turnToNextAlarm(until)) await this.#quiet();
  }

  /**
   * Puts the machine to sleep: the wall clock moves on, no time elapses for the engine, and overdue work happens on waking. To the engine
   * this looks the same as a wall clock set ahead.
   */
  async sleep(span: Duration): Promise<void> {
    await this.#jump(durationOf('sleep', span));
  }

  /** Sets the wall clock back. No time elapses. */
  async setBack(by: Duration): Promise<void> {
    await this.#jump(-durationOf('setBack', by));
  }

  async state<Name extends keyof P & string>(pipeline: Name, key: string): Promise<PipelineState<P[Name]> | undefined> {
    await this.#quiet();
    return this.#mill.state(pipeline, key, { waitMs: 0 });
  }

  async key(pipeline: keyof P & string, key: string): Promise<KeyStatus> {
    await this.#quiet();
    return (await this.#mill.keys(pipeline, [key], { waitMs: 0 }))[0] as KeyStatus;
  }

  /** All rows of a declared table. */
  async rows<T extends Table>(table: T): Promise<StoredRowOf<T>[]> {
    await this.#quiet();
    return (await this.#mill.query(table).selectAll().execute()) as StoredRowOf<T>[];
  }

  async deadLetters(pipeline?: keyof P & string): Promise<readonly DeadLetter[]> {
    await this.#quiet();
    return this.#mill.deadLetters({ pipeline, limit: 1_000 });
  }

  /** Kills the engine as a power cut would, keeping the store's contents, and starts a new one on them. */
  async crash(): Promise<void> {
    this.#store.cut();
    this.#life += 1;
    await this.#base.close();
    await this.start();
  }

  /** Stops the engine at once: unfinished work goes back to the store. */
  async stop(): Promise<void> {
    await this.#quiet();
    await this.#mill.stop({ timeoutMs: 0 });
  }

  async #jump(byMs: number): Promise<void> {
    await this.#quiet();
    this.clock.jump(byMs);
    await this.#quiet();
    await this.advance(0);
  }

  /** Returns the pipeline with endpoints that record their calls and make none. */
  #recorded(pipeline: AnyPipeline): AnyPipeline {
    const { answer = () => ({ result: 'delivered' }) } = this.#options;
    const life = this.#life;
    const call = async (call: OutgoingCall, signal: AbortSignal) => {
      if (life !== this.#life) return dead();
      this.calls.push(call);
      const answered = await answer(call, signal);
      return life === this.#life ? answered : dead();
    };
    const deliver = Object.entries(pipeline.deliver).map(([name, endpoint]) => {
      const address = endpoint.to.address?.bind(endpoint.to);
      return [name, { ...endpoint, to: { call, ...(address && { address }) } }] as const;
    });
    return deliver.length === 0 ? pipeline : { ...pipeline, deliver: Object.fromEntries(deliver) };
  }

  #clockOfThisLife(): Clock {
    const life = this.#life;
    return clockWhile(this.clock, () => life === this.#life);
  }

  /**
   * Waits until no work is left that runs by itself: no store call is pending, and the last ones trigger none. A handler waiting for something
   * outside may still be running.
   */
  async #quiet(): Promise<void> {
    for (let quietRounds = 0; quietRounds < 2; ) {
      const { calls, underWay } = this.#store;
      await setImmediate();
      await setImmediate();
      const isQuiet = underWay === 0 && this.#store.underWay === 0 && this.#store.calls === calls;
      quietRounds = isQuiet ? quietRounds + 1 : 0;
    }
  }
}

/** Never answers, like a dead process. */
const dead = () => new Promise<never>(() => {});

/** Mulberry32 (Tommy Ettinger, public domain): a small seeded generator, good enough to spread retries in tests. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
