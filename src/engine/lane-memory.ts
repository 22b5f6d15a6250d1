import { bytesOfEvent, type EventInMemory, Holding, type Memory } from './memory.ts';

/** What the lanes of a partition take up in memory. */
export class LaneMemory {
  readonly #waiting: Holding;
  readonly #states: Holding;
  #events = 0;

  constructor(memory: Pick<Memory, 'waiting' | 'states'>) {
    this.#waiting = new Holding(memory.waiting);
    this.#states = new Holding(memory.states);
  }

  /** Events that wait in lanes. */
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

  /** States, or the data of timers, take up more bytes than before, or fewer. */
  changeStates(bytes: number): void {
    this.#states.change(bytes);
  }

  /** All of it is garbage. */
  close(): void {
    this.#waiting.close();
    this.#states.close();
  }
}
