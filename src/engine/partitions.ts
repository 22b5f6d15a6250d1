import type { MillraceError } from '../errors.ts';
import type { Endpoint } from '../pipeline/endpoint.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId } from '../store/store.ts';
import { Counters, overSlices, type PipelineCounts } from './counts.ts';
import type { Deadline } from './deadline.ts';
import type { EngineContext } from './engine-context.ts';
import { sliceOfKey } from './identify.ts';
import { EndpointGate, type EndpointWaits } from './outbox/endpoint-gate.ts';
import { Partition } from './partition.ts';
import { Pause } from './pause.ts';
import { TurnPlaces } from './turn-places.ts';

/** Work without progress for longer than this, on top of the time limit of a handler or a call, is a fault. In milliseconds. */
const stallMs = 5_000;

/** All partitions of an engine, by pipeline and slice, and the parts shared by a pipeline's partitions. */
export class Partitions {
  /** Every partition there is. */
  readonly all: readonly Partition[];
  readonly #engine: EngineContext;
  readonly #pipelines: ReadonlyMap<
    string,
    {
      readonly pipeline: AnyPipeline;
      readonly counters: Counters;
      readonly gates: readonly EndpointGate[];
      readonly pause: Pause;
      readonly places: TurnPlaces;
      readonly slices: readonly Partition[];
    }
  >;

  constructor(engine: EngineContext, pipelines: readonly AnyPipeline[]) {
    this.#engine = engine;
    this.#pipelines = new Map(pipelines.map((pipeline) => [pipeline.name, this.#make(pipeline)]));
    this.all = Array.from(this.#pipelines.values()).flatMap(({ slices }) => slices);
  }

  /** The partitions of a declared pipeline, by slice. */
  of(pipeline: string): readonly Partition[] {
    return this.#pipelines.get(pipeline)?.slices ?? [];
  }

  at({ pipeline, slice }: PartitionId): Partition {
    return this.of(pipeline)[slice] as Partition;
  }

  /** Returns the partition that a key lives in. */
  ofKey(pipeline: string, key: string): Partition {
    const found = this.#pipelines.get(pipeline);
    return found?.slices[sliceOfKey(found.pipeline, key, found.slices.length)] as Partition;
  }

  counters(pipeline: string): Counters {
    return this.#pipelines.get(pipeline)?.counters as Counters;
  }

  counts({ name, concurrency }: AnyPipeline): PipelineCounts {
    const slices = this.of(name).map((partition) => partition.figures());
    const lookedAt = { ...overSlices(slices), concurrency, paused: this.isPaused(name) };
    return this.counters(name).snapshot(lookedAt, this.#engine.clock.elapsedMs());
  }

  /** Returns the endpoints whose deliveries wait for more than their turn. */
  endpointWaits(): readonly EndpointWaits[] {
    const gates = Array.from(this.#pipelines.values()).flatMap((pipeline) => pipeline.gates);
    return gates.flatMap(({ waits }) => waits ?? []);
  }

  isPaused(pipeline: string): boolean {
    return this.#pipelines.get(pipeline)?.pause.isPaused === true;
  }

  /** Applies another engine's pause or resume, unless it was requested before the last local change, in elapsed time. */
  followPause(pipeline: string, isPaused: boolean, askedAt: number): void {
    const pause = this.#pipelines.get(pipeline)?.pause;
    if (pause !== undefined && pause.isPaused !== isPaused && askedAt > pause.changedAt) this.setPaused(pipeline, isPaused);
  }

  /** Sets which slices of a pipeline this engine works on: it gets the same share of fleet-wide limits. */
  setShare(name: string, owned: readonly boolean[]): void {
    const { pipeline, gates } = this.#pipelines.get(name) ?? {};
    // All keys of a scheduled one live in one slice.
    const counted = pipeline?.schedule === undefined ? owned : [owned[sliceOfKey(pipeline, name, owned.length)]];
    const share = counted.filter((isOwned) => isOwned).length / counted.length;
    for (const gate of gates ?? []) gate.shareChanged(share);
  }

  /** Stops starting turns of a pipeline, or lets them start again. */
  setPaused(pipeline: string, isPaused: boolean): void {
    const found = this.#pipelines.get(pipeline);
    if (found?.pause.turnTo(isPaused, this.#engine.clock.elapsedMs()) !== true) return;
    for (const partition of found.slices) partition.pauseChanged();
  }

  /** Returns the events in a pipeline's backlog, including those on their way to the log. */
  backlog(pipeline: string): number {
    let backlog = 0;
    for (const partition of this.of(pipeline)) backlog += partition.backlog;
    return backlog;
  }

  /** Returns a pipeline's accepted or arriving events that are not settled, not counting those that wait for their key. */
  ahead(pipeline: string): number {
    let ahead = 0;
    for (const partition of this.of(pipeline)) ahead += partition.ahead;
    return ahead;
  }

  /** Resolves once nothing is left to do now in the given partitions, or at the caller's deadline. */
  async idle(partitions: readonly Partition[], deadline: Deadline): Promise<void> {
    while (!deadline.isOver && partitions.some((partition) => partition.hasWork)) {
      await Promise.all(partitions.map((partition) => partition.idle(deadline)));
    }
  }

  /** Returns whether everything waiting in a pipeline that is this engine's to do has been counted. */
  isCounted(pipeline: string): boolean {
    return this.of(pipeline).every((partition) => partition.isCounted);
  }

  /** Returns why a pipeline accepts nothing; undefined if it does. */
  refusal(pipeline: string): MillraceError | undefined {
    for (const { refusal } of this.of(pipeline)) if (refusal !== undefined) return refusal;
    return undefined;
  }

  /** Returns a pipeline's unsettled events, whatever they wait for, including those on their way to the log. */
  unsettled(pipeline: string): number {
    let unsettled = 0;
    for (const partition of this.of(pipeline)) unsettled += partition.unsettled;
    return unsettled;
  }

  /** Warnings about waits longer than the pipeline considers normal. */
  warnings(): readonly string[] {
    return Array.from(this.#pipelines.values()).flatMap(({ pipeline, slices }) => {
      const alarmed = slices.filter(({ gapWatch }) => gapWatch.isAlarmed).flatMap(({ gapWatch }) => gapWatch.oldest ?? []);
      const oldest = alarmed.sort((a, b) => a.since - b.since)[0];
      if (oldest === undefined) return [];
      const since = new Date(oldest.since).toISOString();
      return [`pipeline ${pipeline.name}: key ${oldest.key} waits for number ${oldest.next} since ${since}`];
    });
  }

  /** Returns why one of them makes no progress; undefined if all do or have nothing to do (promise 9). */
  trouble(): string | undefined {
    for (const name of this.#pipelines.keys()) {
      const found = this.troubleOf(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Returns why one pipeline makes no progress; undefined if it does or has nothing to do. */
  troubleOf(name: string): string | undefined {
    const found = this.#pipelines.get(name);
    if (found === undefined) return undefined;
    const { pipeline, places, slices } = found;
    const longestMs = Math.max(pipeline.timeoutMs, ...Object.values(pipeline.deliver).map(({ timeoutMs }) => timeoutMs));
    for (const partition of slices) {
      if (partition.trouble !== undefined) return `pipeline ${pipeline.name}: ${partition.trouble}`;
      // While all slots are taken a partition may be waiting for those of others.
      const silentMs = Math.min(partition.silentMs(), places.fullMs);
      if (silentMs <= stallMs + longestMs) continue;
      return `pipeline ${pipeline.name}: has work but has made no progress for ${Math.round(silentMs / 1000)} s`;
    }
    return undefined;
  }

  #make(pipeline: AnyPipeline) {
    const counters = new Counters();
    const { store, clock, log } = this.#engine;
    const gateOf = (name: string, endpoint: Endpoint) => new EndpointGate(endpoint, { clock, log, pipeline: pipeline.name, name });
    const gates = new Map(Object.entries(pipeline.deliver).map(([name, endpoint]) => [name, gateOf(name, endpoint)]));
    const pause = new Pause();
    const places = new TurnPlaces(pipeline.concurrency, clock);
    const context = { declaration: pipeline, counters, gates, pause, places };
    const partitionAt = (slice: number) => new Partition(this.#engine, context, { pipeline: pipeline.name, slice });
    const slices = Array.from({ length: store.partitions }, (_, slice) => partitionAt(slice));
    return { pipeline, counters, gates: [...gates.values()], pause, places, slices };
  }
}
