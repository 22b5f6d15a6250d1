import { bytesOfEvent, type EventInMemory, Holding, type Memory } from './memory.ts';

/** The memory used by the lanes of a partition. */
export class LaneMemory {
  readonly #waiting: Holding;
  readonly #states: Holding;
  #events = 0;

  constructor(memory: Pick<Memory, 'waiting' | 'states'>) {
    this.#waiting = new Holding(memory.waiting);
    this.#states = new Holding(memory.states);
  }

  /** Number of events waiting in lanes. */
  get events(): number {
    return this.#events;
  }

  addEvent(event: EventInMemory): void {
    this.#events += 1;
    this.#waiting.change(bytesOfEvent(event));
  }

  removeEvent(event: EventInMemory): void {
    this.#events -= 1;
    this.#waiting.change(-bytesOfEvent(event));
  }

  /** Adjusts the bytes used by states or the data of timers. */
  changeStates(bytes: number): void {
    this.#states.change(bytes);
  }

  /** Releases all of it. */
  close(): void {
    this.#waiting.close();
    this.#states.close();
  }
}
