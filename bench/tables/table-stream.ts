import type { TableEvent } from './work.ts';

/** The sender of the events, and their kind. */
export interface TableStreamOptions {
  /** Of all members together. */
  readonly keys: number;
  /** The index of the member, from 0. Each has its own keys, so that the numbers of a key come from one sender. */
  readonly nth: number;
  readonly of: number;
  /** Delays some events of a numbered pipeline, so that their keys wait with a gap. */
  readonly isNumbered: boolean;
}

/** One event in this many is held back. */
const lateEach = 500;
/** The delay of a late event, counted in events. With the loads of this program that is at least a second, after which a gap is noted. */
const lateBy = 2_000;
const note =
  'the water runs down the race and turns the wheel, the wheel turns the stone, the stone grinds what was brought, in the order in which it came';

/** The events of one member for one pipeline: all keys in turn, each with the next of its numbers. */
export class TableStream {
  readonly #options: TableStreamOptions;
  readonly #own: number;
  readonly #late: { readonly event: TableEvent; readonly at: number }[] = [];
  #produced = 0;

  constructor(options: TableStreamOptions) {
    this.#options = options;
    this.#own = Math.max(1, Math.floor(options.keys / options.of));
  }

  take(count: number): TableEvent[] {
    const events: TableEvent[] = [];
    while (events.length < count) {
      const [late] = this.#late;
      if (late !== undefined && late.at <= this.#produced) {
        this.#late.shift();
        events.push(late.event);
        continue;
      }
      const event = this.#next();
      if (this.#options.isNumbered && this.#produced % lateEach === 0) this.#late.push({ event, at: this.#produced + lateBy });
      else events.push(event);
    }
    return events;
  }

  /** Returns the events still held back. */
  rest(): TableEvent[] {
    return this.#late.splice(0).map(({ event }) => event);
  }

  #next(): TableEvent {
    const { nth, of } = this.#options;
    const index = this.#produced % this.#own;
    const number = 1 + Math.floor(this.#produced / this.#own);
    this.#produced += 1;
    return { key: `account-${String(index * of + nth).padStart(8, '0')}`, number, note };
  }
}
