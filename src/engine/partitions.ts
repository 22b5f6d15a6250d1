import type { MillraceError } from '../errors.ts';
import type { Endpoint } from '../pipeline/endpoint.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId } from '../store/store.ts';
import { Counters, overSlices, type PipelineCounts } from './counts.ts';
import type { Deadline } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import type { EngineMeans } from './engine-means.ts';
import { sliceOf } from './identify.ts';
import { EndpointGate, type EndpointWaits } from './outbox/endpoint-gate.ts';
import { Partition } from './partition.ts';

/** Work without any progress for so long, beyond the time that a handler or a call may take, is a fault. In milliseconds. */
const stallMs = 5_000;

/** All partitions of an engine, by pipeline and slice, and what the partitions of a pipeline share. */
export class Partitions {
  /** Every partition there is. */
  readonly all: readonly Partition[];
  readonly #means: EngineMeans;
  readonly #pipelines: ReadonlyMap<
    string,
    {
      readonly pipeline: AnyPipeline;
      readonly counters: Counters;
      readonly gates: readonly EndpointGate[];
      readonly pause: { isPaused: boolean };
      readonly slices: readonly Partition[];
    }
  >;

  constructor(means: EngineMeans, pipelines: readonly AnyPipeline[]) {
    this.#means = means;
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

  /** The partition that a key lives in. */
  ofKey(pipeline: string, key: string): Partition {
    const slices = this.of(pipeline);
    return slices[sliceOf(key, slices.length)] as Partition;
  }

  counters(pipeline: string): Counters {
    return this.#pipelines.get(pipeline)?.counters as Counters;
  }

  counts({ name, concurrency }: AnyPipeline): PipelineCounts {
    const slices = this.of(name).map((partition) => partition.figures());
    const lookedAt = { ...overSlices(slices), concurrency, paused: this.isPaused(name) };
    return this.counters(name).snapshot(lookedAt, this.#means.clock.elapsedMs());
  }

  /** The endpoints of which deliveries wait longer than for their turn. */
  endpointWaits(): readonly EndpointWaits[] {
    const gates = Array.from(this.#pipelines.values()).flatMap((pipeline) => pipeline.gates);
    return gates.flatMap(({ waits }) => waits ?? []);
  }

  isPaused(pipeline: string): boolean {
    return this.#pipelines.get(pipeline)?.pause.isPaused === true;
  }

  /** Starts no turn of a pipeline from now on, or lets them start again. */
  setPaused(pipeline: string, isPaused: boolean): void {
    const found = this.#pipelines.get(pipeline);
    if (found === undefined || found.pause.isPaused === isPaused) return;
    found.pause.isPaused = isPaused;
    for (const partition of found.slices) partition.pauseChanged();
  }

  /** Events of a pipeline that take up its backlog, those on their way to the log among them. */
  backlog(pipeline: string): number {
    let backlog = 0;
    for (const partition of this.of(pipeline)) backlog += partition.backlog;
    return backlog;
  }

  /** Resolves once nothing is left in some of them that could be done now, or when the caller's time is over. */
  async idle(partitions: readonly Partition[], deadline: Deadline): Promise<void> {
    while (!deadline.isOver && partitions.some((partition) => partition.hasWork)) {
      await Promise.all(partitions.map((partition) => partition.idle(deadline)));
    }
  }

  /** Why a pipeline takes nothing in; undefined when it does. */
  refusal(pipeline: string): MillraceError | undefined {
    for (const { refusal } of this.of(pipeline)) if (refusal !== undefined) return refusal;
    return undefined;
  }

  /** Events of a pipeline that are not settled, whatever they wait for, those on their way to the log among them. */
  unsettled(pipeline: string): number {
    let unsettled = 0;
    for (const partition of this.of(pipeline)) unsettled += partition.unsettled;
    return unsettled;
  }

  /** What waits for longer than its pipeline calls normal. */
  warnings(): readonly string[] {
    return Array.from(this.#pipelines.values()).flatMap(({ pipeline, slices }) => {
      const alarmed = slices.filter(({ gapWatch }) => gapWatch.isAlarmed).flatMap(({ gapWatch }) => gapWatch.oldest ?? []);
      const oldest = alarmed.sort((a, b) => a.since - b.since)[0];
      if (oldest === undefined) return [];
      const since = new Date(oldest.since).toISOString();
      return [`pipeline ${pipeline.name}: key ${oldest.key} waits for number ${oldest.next} since ${since}`];
    });
  }

  /** Why one of them makes no progress; undefined when all do or have nothing to do (promise 9). */
  trouble(): string | undefined {
    for (const { pipeline, slices } of this.#pipelines.values()) {
      const longestMs = Math.max(pipeline.timeoutMs, ...Object.values(pipeline.deliver).map(({ timeoutMs }) => timeoutMs));
      for (const partition of slices) {
        if (partition.trouble !== undefined) return `pipeline ${pipeline.name}: ${partition.trouble}`;
        const silentMs = partition.silentMs();
        if (silentMs <= stallMs + longestMs) continue;
        return `pipeline ${pipeline.name}: has work and made no progress for ${Math.round(silentMs / 1000)} s`;
      }
    }
    return undefined;
  }

  #make(pipeline: AnyPipeline) {
    const counters = new Counters();
    const { store, clock, log } = this.#means;
    const gateOf = (name: string, endpoint: Endpoint) => new EndpointGate(endpoint, { clock, log, pipeline: pipeline.name, name });
    const gates = new Map(Object.entries(pipeline.deliver).map(([name, endpoint]) => [name, gateOf(name, endpoint)]));
    const doubted = (sends: readonly Outgoing[]) => {
      for (const partition of new Set(sends.map(({ stored }) => this.at(stored.partition)))) partition.look();
    };
    const pause = { isPaused: false };
    const means = { ...this.#means, pipeline, counters, gates, doubted, pause };
    const slices = Array.from({ length: store.partitions }, (_, slice) => new Partition(means, { pipeline: pipeline.name, slice }));
    return { pipeline, counters, gates: [...gates.values()], pause, slices };
  }
}
