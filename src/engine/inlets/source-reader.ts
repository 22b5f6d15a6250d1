import { codeOf, faultOf } from '../../fault.ts';
import type { Inlet, InletTopic } from '../../pipeline/inlet.ts';
import type { AnyPipeline } from '../../pipeline/pipeline.ts';
import type { AdmissionControl } from '../admission-control.ts';
import { Deadline } from '../deadline.ts';
import type { EngineContext } from '../engine-context.ts';
import { sliceOf } from '../identify.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { Waiters } from '../waiters.ts';
import { eventsMax, RecordIntake } from './record-intake.ts';
import { pauseMsOf, type Setback, Setbacks } from './setbacks.ts';
import { type SourceTrouble, SourceTroubles } from './source-troubles.ts';
import { type Ended, readsMax, TopicPartition } from './topic-partition.ts';
import { type Standing, standingsOf } from './topic-state.ts';

/**
 * Time for which the broker may wait for the first record, in milliseconds: less while records are being taken in, since more may then be
 * read at any moment.
 */
const waitMs = { idle: 250, busy: 10 };
/** Bytes of one partition to read at once. Many partitions get fewer each: a topic's reads together take up to `all`, unless `least` is more. */
const bytesOf = { least: 64 * 1024, most: 1024 * 1024, all: 128 * 1024 * 1024 };
/** Interval of checks of the topic for added partitions and deleted records, in milliseconds. */
const topicEveryMs = 3_000;

/** The dependencies for reading a source. */
export interface SourceMeans {
  readonly engine: EngineContext;
  readonly pipeline: AnyPipeline;
  readonly inlet: Inlet;
  readonly partitions: Partitions;
  readonly admission: AdmissionControl;
}

type Readable = Extract<Standing, { readonly status: 'readable' }>;

/** The position up to which a partition of a topic was taken in. */
export interface SourcePosition {
  readonly partition: number;
  /** The offset of the first record not taken in. */
  readonly next: number;
  /** The offset after the last record, as far as is known. */
  readonly end: number;
  readonly lag: number;
  /** The reason for which the next record waits for room, such as a key with as many events as it may have; null while it need not wait. */
  readonly noRoom: string | null;
}

/** The status of a source on this engine. */
export interface SourceStatus {
  readonly name: string;
  /** The partitions that this engine reads. */
  readonly partitions: readonly SourcePosition[];
  readonly troubles: readonly SourceTrouble[];
  /** The troubles in words. */
  readonly warnings: readonly string[];
}

/**
 * Reads the topic of a pipeline. A partition is read by the engine that owns the slice its name falls into, from the offset in the store;
 * so whoever takes a slice over continues where the last owner has committed. The broker's own consumer bookkeeping plays no part.
 */
export class SourceReader {
  readonly #means: SourceMeans;
  readonly #intake: RecordIntake;
  readonly #stopping = new AbortController();
  /** Partitions being read, by number. */
  readonly #reading = new Map<number, TopicPartition>();
  /** Reasons for which partitions are not read, by number. */
  readonly #stopped = new Map<number, string>();
  readonly #setbacks: Setbacks;
  readonly #saying: SourceTroubles;
  readonly #woken = new Waiters();
  #topic: InletTopic | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Consecutive failures, and the last of them. */
  #failures = 0;
  #failure: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(means: SourceMeans) {
    const { engine, pipeline, inlet, admission, partitions } = means;
    this.#means = means;
    this.#setbacks = new Setbacks(() => engine.clock.elapsedMs());
    this.#saying = new SourceTroubles({ engine, pipeline: pipeline.name, source: inlet.name });
    for (const partition of partitions.of(pipeline.name)) partition.whenSettled(() => this.#woken.wake());
    this.#intake = new RecordIntake({ engine, pipeline, inlet, admission, counters: partitions.counters(pipeline.name) });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Stops reading. Resolves when the work under way has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#woken.wake();
    await this.#running;
    await Promise.all(Array.from(this.#reading.values(), (partition) => partition.idle()));
  }

  get status(): SourceStatus {
    const troubles = this.#troubles;
    return {
      name: this.#means.inlet.name,
      partitions: this.#positions,
      troubles,
      warnings: troubles.map((trouble) => this.#saying.inWords(trouble)),
    };
  }

  /** The partitions that are read, including those whose records the store did not take. */
  get #positions(): readonly SourcePosition[] {
    const reading = Array.from(this.#reading.values(), ({ place: { partition }, position, end, lag, noRoom }) => ({
      partition,
      next: position,
      end,
      lag,
      noRoom: noRoom?.reason ?? null,
    }));
    const waiting = this.#notTaken
      .filter(({ partition }) => !this.#reading.has(partition))
      .map(({ partition, offset, end }) => ({ partition, next: offset, end, lag: end - offset, noRoom: null }));
    return [...reading, ...waiting].toSorted((a, b) => a.partition - b.partition);
  }

  get #troubles(): readonly SourceTrouble[] {
    return this.#saying.of({
      failure: this.#failures > 1 ? this.#failure : undefined,
      stopped: this.#stopped,
      setbacks: this.#notTaken,
      noRoom: Array.from(this.#reading).flatMap(([partition, { noRoom }]) => (noRoom === undefined ? [] : [[partition, noRoom] as const])),
    });
  }

  /** Setbacks of partitions of this engine, until a later try has succeeded. */
  get #notTaken(): readonly Setback[] {
    return this.#setbacks.all.filter(({ partition, offset }) => {
      const reading = this.#reading.get(partition);
      return reading === undefined ? this.#homeOf(partition).isOurs : reading.position === offset;
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#round(signal);
        this.#failures = 0;
        this.#failure = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        await this.#pause(this.#failures);
      }
      this.#count();
      this.#saying.logHeldUp(this.#troubles);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#mustLook) await this.#look(signal);
    const topicId = this.#topic?.id;
    const readable = Array.from(this.#reading.values()).filter((partition) => partition.home.isOurs && partition.hasRoom);
    if (this.#isPaused || readable.length === 0) {
      await this.#pause(1);
      return;
    }
    const isBusy = Array.from(this.#reading.values()).some((partition) => partition.isBusy);
    const positions = readable.map(({ place, next }) => ({ partition: place.partition, offset: next }));
    const bytesMax = Math.floor(Math.min(bytesOf.most, Math.max(bytesOf.least, bytesOf.all / (readsMax * this.#reading.size))));
    const reads = await this.#means.inlet.read({ positions, waitMs: isBusy ? waitMs.busy : waitMs.idle, bytesMax }, signal);
    for (const read of reads) {
      const partition = this.#reading.get(read.partition);
      // Another engine may have taken the partition over during the read.
      if (partition === undefined || partition.place.topicId !== topicId || !readable.includes(partition)) continue;
      partition.offer(read, (how) => this.#ended(partition, how));
    }
  }

  get #isPaused(): boolean {
    const { partitions, pipeline } = this.#means;
    return partitions.isPaused(pipeline.name);
  }

  /** True if taking more would only move records from the topic to the log, and out of memory. */
  get #isAhead(): boolean {
    const { engine, partitions, pipeline } = this.#means;
    const taking = this.#reading.values().filter((partition) => partition.isTaking);
    const arriving = taking.reduce((sum) => sum + eventsMax, 0);
    return partitions.ahead(pipeline.name) + arriving > engine.limits.feed / 2;
  }

  get #mayGoOn(): boolean {
    return !this.#stopping.signal.aborted && !this.#isPaused;
  }

  /** True if the topic is due for a check, or this engine now owns other slices. */
  get #mustLook(): boolean {
    const { clock } = this.#means.engine;
    if (this.#topic === undefined || clock.elapsedMs() - this.#lookedAt >= topicEveryMs) return true;
    return this.#topic.partitions.some(
      ({ partition }) =>
        this.#homeOf(partition).isOurs !== this.#reading.has(partition) &&
        !this.#stopped.has(partition) &&
        !this.#setbacks.mustWait(partition),
    );
  }

  #homeOf(partition: number): Partition {
    const { partitions, pipeline, inlet } = this.#means;
    const slices = partitions.of(pipeline.name);
    // All keys of a pipeline with a schedule live in one slice, but any slice's owner may read its topic.
    return slices[sliceOf(`${inlet.name}/${partition}`, slices.length)] as Partition;
  }

  /** Determines which partitions to read here, and from where. */
  async #look(signal: AbortSignal): Promise<void> {
    const { engine, pipeline, inlet } = this.#means;
    this.#dropOthers();
    const topic = await inlet.topic(signal);
    const offsets = await engine.store.sourceOffsets(pipeline.name, inlet.name);
    if (this.#topic?.id !== topic.id) this.#setbacks.clear();
    this.#topic = topic;
    this.#lookedAt = engine.clock.elapsedMs();
    this.#stopped.clear();
    const numbers = new Set(topic.partitions.map(({ partition }) => partition));
    for (const [partition, reading] of this.#reading) {
      if (reading.place.topicId !== topic.id || !numbers.has(partition)) this.#reading.delete(partition);
    }
    for (const standing of standingsOf(inlet, topic, offsets)) this.#stand(topic, standing);
  }

  /** Drops the partitions whose slices another engine has, or is about to have. */
  #dropOthers(): void {
    for (const [partition, reading] of this.#reading) if (!reading.home.isOurs) this.#reading.delete(partition);
  }

  #stand(topic: InletTopic, standing: Standing): void {
    const { partition, end } = standing.partition;
    const home = this.#homeOf(partition);
    if (!home.isOurs) return;
    if (standing.status === 'stopped') {
      this.#reading.delete(partition);
      this.#setbacks.forget(partition);
      this.#stopped.set(partition, standing.reason);
      this.#saying.logStopped({ partition, topicId: topic.id }, standing.reason);
      return;
    }
    const reading = this.#reading.get(partition);
    if (reading !== undefined) reading.endsAt(end);
    else if (this.#setbacks.mustWait(partition)) this.#setbacks.endsAt(partition, end);
    else this.#begin(topic, home, standing);
  }

  #begin(topic: InletTopic, home: Partition, { partition: { partition, earliest, end }, stored }: Readable): void {
    const { engine, pipeline, inlet } = this.#means;
    const from = stored === null ? earliest : Math.max(stored, earliest);
    if (stored !== null && from > stored)
      engine.log.error(
        { pipeline: pipeline.name, source: inlet.name, partition, from: stored, to: from },
        'records of a topic were deleted before they were read: they are passed over',
      );
    const place = { source: inlet.name, topicId: topic.id, partition };
    const begun = new TopicPartition(
      {
        place,
        home,
        intake: this.#intake,
        now: () => engine.clock.elapsedMs(),
        pause: (attempt) => this.#pause(attempt),
        progressed: () => this.#woken.wake(),
        mayGoOn: () => this.#mayGoOn && this.#reading.get(partition) === begun,
        isAhead: () => this.#isAhead,
      },
      { stored, from },
    );
    begun.endsAt(end);
    this.#reading.set(partition, begun);
  }

  /** Drops everything read but not taken in; a later look starts from the store's offset. */
  #ended(partition: TopicPartition, how: Ended): void {
    const { pipeline, partitions, inlet, engine } = this.#means;
    const { place } = partition;
    if (how.status !== 'taken' && this.#reading.get(place.partition) === partition) this.#reading.delete(place.partition);
    const isFenced = how.status === 'failed' && codeOf(how.error) === 'MILL_STORE_FENCED';
    if (how.status === 'moved' || isFenced) partitions.counters(pipeline.name).count('droppedBatches');
    if (how.status === 'moved') {
      const fields = { pipeline: pipeline.name, source: inlet.name, partition: place.partition };
      engine.log.warn(fields, 'records were read that another process has taken already: they are dropped');
    } else if (how.status === 'failed') {
      const { reason } = faultOf(how.error);
      this.#setbacks.note(place.partition, { offset: partition.position, end: partition.end, reason });
      if (!this.#stopping.signal.aborted) this.#saying.logNotTaken(place.partition, how.error);
    } else this.#setbacks.passed(place.partition, partition.position);
    this.#count();
    this.#woken.wake();
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#failure = faultOf(error).reason;
    // The broker's offsets may have changed.
    this.#lookedAt = Number.NEGATIVE_INFINITY;
    if (this.#failures === 1 || this.#failures % 30 === 0) this.#saying.logUnreadable(error);
  }

  /** Waits before the next try; ends early when a partition has taken in its records, events were settled, or the engine stops. */
  async #pause(attempt: number): Promise<void> {
    const { clock } = this.#means.engine;
    if (this.#stopping.signal.aborted) return;
    const deadline = new Deadline();
    const disarm = clock.after(pauseMsOf(attempt), () => deadline.end());
    await this.#woken.next(deadline);
    disarm();
  }

  #count(): void {
    const { partitions, pipeline } = this.#means;
    const counters = partitions.counters(pipeline.name);
    const lag = this.#positions.reduce((sum, position) => sum + position.lag, 0);
    counters.count('sourceLag', lag - counters.sourceLag);
  }
}
