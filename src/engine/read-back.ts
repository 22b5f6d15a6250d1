import { isFullList, sizeOfEvent } from '../store/list-size.ts';
import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import type { Milestone } from './milestone.ts';
import { ReloadGate } from './reload-gate.ts';

/** The dependencies of reading back other than the context: the other parts that know the lanes. */
export interface ReadBackParts {
  /** Maximum events read at once. */
  readonly eventsMax: number;
  /** The newest draft on disk. */
  readonly committed: Milestone;
  /** Returns true if no lane waits for a free slot with events that were read back. */
  isQuiet(): boolean;
  /** Called when the lane has its first held events again. `isParked` is what the store says; a loaded lane knows for itself. */
  refilled(lane: Lane, isParked: boolean): void;
  /** Lets the lane proceed, whether there was anything or not. */
  goOn(lane: Lane): void;
  /** Called when a lane that was read back has proceeded: there may be room for others. */
  wentOn(): void;
}

/** Reads the first held events of lanes back, for as many lanes at once as there is memory for. */
export class ReadBack {
  readonly #context: TenureContext;
  readonly #parts: ReadBackParts;
  readonly #gate: ReloadGate;
  readonly #underWay = new Set<Lane>();
  #closed = false;

  constructor(context: TenureContext, parts: ReadBackParts) {
    this.#context = context;
    this.#parts = parts;
    this.#gate = new ReloadGate(
      () => !context.engine.memory.waiting.isSpent,
      () => parts.isQuiet(),
    );
  }

  /** Number of lanes whose held events are being read. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Reads the first held events of an open lane, which then proceeds. */
  begin(lane: Lane): Promise<void> {
    lane.beginReload();
    this.#underWay.add(lane);
    return this.#read(lane);
  }

  /** Admits every lane that may read by now. */
  look(): void {
    this.#gate.look();
  }

  /** Notes that nothing is kept in memory any more. */
  close(): void {
    this.#closed = true;
    this.#gate.open();
  }

  /** Held events are on disk only once the last draft that changed the lane has been committed. */
  async #read(lane: Lane): Promise<void> {
    const { engine, pipeline, partition, failed } = this.#context;
    const { committed, eventsMax, refilled, goOn, wentOn } = this.#parts;
    const { store, memory } = engine;
    try {
      await this.#gate.enter();
      if (this.#closed) return;
      await committed.until(lane.draft);
      // A lane of one event was never loaded; an event with the same id, accepted long ago, may have been given up.
      const [record] = pipeline.declaration.key === undefined ? await store.load(partition.id, [lane.key]) : [];
      const limit = memory.waiting.isSpent ? 1 : eventsMax;
      const events = await store.held(partition.id, lane.key, 0, limit, { charactersMax: memory.readMax });
      if (this.#closed) return;
      lane.refill(events, isFullList(events, sizeOfEvent, { limit, sizeMax: memory.readMax }));
      refilled(lane, record?.parked === true);
    } catch (error) {
      if (!this.#closed) failed(error);
    } finally {
      this.#underWay.delete(lane);
    }
    try {
      goOn(lane);
      this.#gate.leave();
      wentOn();
    } catch (error) {
      failed(error);
    }
  }
}
