import type { KeyRecord } from '../store/store.ts';
import type { TenureContext } from './engine-context.ts';
import { Lane } from './lane.ts';
import { LaneMemory } from './lane-memory.ts';
import type { LaneNeighbours } from './lane-neighbours.ts';
import type { Memory } from './memory.ts';
import type { Milestone } from './milestone.ts';

/** Maximum lanes examined per sweep: many in memory may be waiting for a moment. */
const sweptMax = 4_096;

/** Determines which lanes may be forgotten. */
interface WarmLanesBounds {
  /** The newest draft on disk. */
  readonly committed: Milestone;
  /** Returns the number of lanes that cannot be forgotten, since they wait for a moment or for room. */
  bound(): number;
}

/** The lanes in memory. Missing ones are loaded on demand, and idle ones are forgotten when there are too many. */
export class WarmLanes {
  /** The memory they use. */
  readonly memory: LaneMemory;
  readonly #context: TenureContext;
  readonly #neighbours: Pick<LaneNeighbours, 'arriving'>;
  /** The memory of all pipelines. */
  readonly #all: Memory;
  /** The newest draft on disk. */
  readonly #committed: Milestone;
  /** Returns the number of lanes that cannot be forgotten, since they wait for a moment or for room. */
  readonly #bound: () => number;
  readonly #lanes = new Map<string, Lane>();
  readonly #loading = new Map<string, Promise<void>>();
  readonly #forgetIdle = () => this.#forgetSurplus();
  /** The position of the sweep of idle lanes. */
  #swept = this.#lanes.values();
  #closed = false;

  constructor(context: TenureContext, neighbours: Pick<LaneNeighbours, 'arriving'>, { committed, bound }: WarmLanesBounds) {
    this.#context = context;
    this.#neighbours = neighbours;
    this.#committed = committed;
    this.#bound = bound;
    this.#all = context.engine.memory;
    this.memory = new LaneMemory(this.#all);
    this.#all.addForgetter(this.#forgetIdle);
  }

  /** True if keys are being loaded. */
  get isLoading(): boolean {
    return this.#loading.size > 0;
  }

  /** Returns the lane of a key, if it is in memory. */
  peek(key: string): Lane | undefined {
    return this.#lanes.get(key);
  }

  /**
   * Returns the lane of a key that is in memory, or needs no record: where each event is its own key there is none before its first event.
   */
  peekOrMake(key: string): Lane | undefined {
    const lane = this.#lanes.get(key);
    if (lane !== undefined || this.#context.pipeline.declaration.key !== undefined) return lane;
    return this.#adopt(new Lane(key, undefined, this.memory));
  }

  /** Returns all lanes in memory. */
  all(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /**
   * Loads the lanes of keys into memory: all of them, unless their states are large; then the first, and some of those that follow. A key
   * is never loaded twice at once, so that no old record outlives a newer lane.
   */
  async warm(keys: readonly string[]): Promise<void> {
    // While some were loaded, a sweep may have forgotten others.
    for (let loads = this.#loadsOf(keys); loads.length > 0; loads = this.#loadsOf(keys)) {
      await Promise.all(loads);
      if (this.#all.states.isSpent && this.#lanes.has(keys[0] as string)) return;
    }
  }

  /** Marks a record being read as older than the latest draft, so that it is read again. */
  outdate(key: string): void {
    this.#loading.delete(key);
  }

  /** Forgets idle lanes beyond the limits, starting with those not used since the last sweep. */
  sweep(): void {
    const memory = this.#all;
    if (!this.#hasSurplus && !memory.mustForget) return;
    this.#forgetIdle();
    if (memory.hasForgottenEnough) return;
    memory.askOthers(this.#forgetIdle);
    // After the first pass none is warm.
    if (!memory.hasForgottenEnough) this.#forgetIdle();
  }

  /** Forgets idle lanes if too much is held: a commit has made more of them idle. */
  sweepSpent(): void {
    if (this.#all.mustForget) this.sweep();
  }

  forget(lane: Lane): void {
    lane.forget();
    this.#lanes.delete(lane.key);
  }

  /** Loads and forgets no lanes from now on, and cancels their alarms. */
  close(): void {
    this.#closed = true;
    for (const lane of this.#lanes.values()) lane.disarm();
    this.#all.removeForgetter(this.#forgetIdle);
    this.memory.close();
  }

  /** Begins to load those of the keys that are not in memory; returns the promises to await until all of them are. */
  #loadsOf(keys: readonly string[]): readonly Promise<void>[] {
    if (this.#closed) return [];
    const cold = new Set<string>();
    const loads = new Set<Promise<void>>();
    for (const key of keys) {
      const lane = this.#lanes.get(key);
      const loading = lane === undefined ? this.#loading.get(key) : undefined;
      if (lane !== undefined) lane.warm();
      else if (loading !== undefined) loads.add(loading);
      else cold.add(key);
    }
    if (cold.size > 0) loads.add(this.#load([...cold]));
    return [...loads];
  }

  async #load(keys: readonly string[]): Promise<void> {
    const { pipeline, drafted } = this.#context;
    const { order } = pipeline.declaration;
    const loading = this.#recordsOf(keys).then((records) => {
      records.forEach((record, at) => {
        const key = keys[at] as string;
        // A lane created meanwhile knew better, even if it is forgotten again.
        if (this.#loading.get(key) === loading) this.#adopt(new Lane(key, order, this.memory, record));
      });
    });
    for (const key of keys) this.#loading.set(key, loading);
    try {
      await loading;
    } finally {
      for (const key of keys) if (this.#loading.get(key) === loading) this.#loading.delete(key);
      // Callers waiting for the partition to be idle check again.
      drafted();
    }
  }

  /** A lane whose one event is its key is forgotten when it rests: its turns must be on disk before it is read again. */
  async #recordsOf(keys: readonly string[]): Promise<readonly KeyRecord[]> {
    const { engine, pipeline, partition, committed } = this.#context;
    if (pipeline.declaration.key === undefined) await committed();
    return engine.store.load(partition.id, keys, { charactersMax: this.#all.readMax });
  }

  #adopt(lane: Lane): Lane {
    this.#lanes.set(lane.key, lane);
    this.#loading.delete(lane.key);
    const wait = this.#context.partition.waits.of(lane.key);
    if (wait !== undefined) lane.beginWait(wait);
    lane.admit(this.#neighbours.arriving(lane.key));
    return lane;
  }

  /** Lanes that wait for a moment, or for room, cannot be forgotten, and do not take room from the others. */
  get #hasSurplus(): boolean {
    return this.#lanes.size - this.#bound() > this.#context.engine.limits.warmKeys;
  }

  #forgetSurplus(): void {
    const memory = this.#all;
    for (let looks = Math.min(this.#lanes.size, sweptMax); looks > 0; looks -= 1) {
      const isStateFine = memory.states.hasRoom && !this.#hasSurplus;
      if (isStateFine && memory.waiting.hasRoom) return;
      const lane = this.#nextSwept();
      if (lane === undefined || lane.cool()) continue;
      // If only events are too many, a lane without any may stay.
      if (lane.isForgettable(this.#committed.reached) && !(isStateFine && lane.queued === 0)) this.forget(lane);
    }
  }

  /** Returns the next lane for a sweep, starting over after the last. */
  #nextSwept(): Lane | undefined {
    const next = this.#swept.next();
    if (next.done !== true) return next.value;
    this.#swept = this.#lanes.values();
    return this.#swept.next().value;
  }
}
