import type { TenureContext } from './engine-context.ts';
import type { Lane } from './lane.ts';
import type { WaitingTurns } from './send-room.ts';

/**
 * The throttled lanes of a tenure: the next turn of each sends to a pipeline that has no room. Lanes wait in the order they were throttled.
 * Only as many are opened as there are free places, and no more until these have had their turns: a turn may send more than one event, and
 * otherwise all waiting turns would rerun for every free place.
 */
export class Throttle implements WaitingTurns {
  readonly pipeline: string;
  readonly #context: TenureContext;
  readonly #reopened: (lane: Lane) => void;
  /** Keyed by the pipeline they wait for. */
  readonly #waiting = new Map<string, Set<Lane>>();
  /** Number of each lane's events that count as throttled. */
  readonly #counted = new Map<Lane, number>();
  /** Opened lanes whose turn has not ended since. */
  readonly #opened = new Set<Lane>();
  #events = 0;

  /** @param reopened called with each lane that is open again: its next turn may start */
  constructor(context: TenureContext, reopened: (lane: Lane) => void) {
    this.#context = context;
    this.#reopened = reopened;
    this.pipeline = context.pipeline.declaration.name;
  }

  /** Number of events waiting for the throttled lanes. */
  get events(): number {
    return this.#events;
  }

  /** Number of throttled lanes. */
  get lanes(): number {
    return this.#counted.size;
  }

  waitingFor(pipeline: string): number {
    return this.#waiting.get(pipeline)?.size ?? 0;
  }

  /** Makes the lane wait for room. */
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

  /** Notes that an event arrived for a throttled lane. */
  arrived(lane: Lane): void {
    this.#counted.set(lane, (this.#counted.get(lane) ?? 0) + 1);
    this.#events += 1;
  }

  /** Notes that a turn of the lane has ended, or that it has none. Returns whether the lane had been opened for it. */
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
      // The commit of another partition made room, and must continue.
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
