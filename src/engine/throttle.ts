import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import type { WaitingTurns } from './send-room.ts';

/**
 * The throttled lanes of a tenure: the next turn of each sends to a pipeline that has no room. Lanes wait in the order in which they
 * found none. So many of them are opened as there are free places, and no more before these have had their turns: a turn may send
 * more than one event, and otherwise all that wait would run again with every place.
 */
export class Throttle implements WaitingTurns {
  readonly pipeline: string;
  readonly #context: TenureContext;
  readonly #reopened: (lane: Lane) => void;
  /** By the pipeline that they wait for. */
  readonly #waiting = new Map<string, Set<Lane>>();
  /** How many events of each lane count as throttled. */
  readonly #counted = new Map<Lane, number>();
  /** Opened, and their turn has not ended since. */
  readonly #opened = new Set<Lane>();
  #events = 0;

  /** @param reopened called with each lane that is open again: its next turn may start */
  constructor(context: TenureContext, reopened: (lane: Lane) => void) {
    this.#context = context;
    this.#reopened = reopened;
    this.pipeline = context.pipeline.declaration.name;
  }

  /** Events that wait for the throttled lanes. */
  get events(): number {
    return this.#events;
  }

  /** How many lanes there are. */
  get lanes(): number {
    return this.#counted.size;
  }

  waitingFor(pipeline: string): number {
    return this.#waiting.get(pipeline)?.size ?? 0;
  }

  /** The lane waits for room from now on. */
  add(lane: Lane, to: string): void {
    this.#opened.delete(lane);
    lane.throttle();
    const lanes = this.#waiting.get(to) ?? new Set();
    this.#waiting.set(to, lanes.add(lane));
    this.#counted.set(lane, lane.pending);
    this.#events += lane.pending;
    this.#context.pipeline.counters.count('throttled');
    this.#context.engine.room.wait(this, to);
  }

  /** An event has come to a throttled lane. */
  arrived(lane: Lane): void {
    this.#counted.set(lane, (this.#counted.get(lane) ?? 0) + 1);
    this.#events += 1;
  }

  /** A turn of the lane has ended, or it has none. Returns whether the lane was opened for it. */
  concluded(lane: Lane): boolean {
    return this.#opened.size > 0 && this.#opened.delete(lane);
  }

  resume(pipeline: string, places: number): void {
    const lanes = this.#waiting.get(pipeline);
    if (lanes === undefined || this.#context.partition.pause.isPaused) return;
    const opened = Array.from(lanes).slice(0, Math.max(0, places - this.#opened.size));
    try {
      for (const lane of opened) {
        this.#remove(lane, pipeline, lanes);
        this.#opened.add(lane);
        lane.findRoom();
      }
      for (const lane of opened) this.#reopened(lane);
    } catch (error) {
      // The commit of another partition has made room, and goes on.
      this.#context.failed(error);
    }
  }

  /** Forgets all lanes: they are read from the store again. */
  close(): void {
    for (const [to, lanes] of this.#waiting) {
      this.#context.pipeline.counters.count('throttled', -lanes.size);
      this.#context.engine.room.leave(this, to);
    }
    this.#waiting.clear();
  }

  #remove(lane: Lane, to: string, lanes: Set<Lane>): void {
    lanes.delete(lane);
    this.#events -= this.#counted.get(lane) ?? 0;
    this.#counted.delete(lane);
    this.#context.pipeline.counters.count('throttled', -1);
    if (lanes.size > 0) return;
    this.#waiting.delete(to);
    this.#context.engine.room.leave(this, to);
  }
}
