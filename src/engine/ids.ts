import { v7 as uuidv7 } from 'uuid';
import type { Clock } from './clock.ts';

/** Makes ascending UUIDs of version 7 (RFC 9562): within a millisecond a counter continues from a random start. */
export class Ids {
  readonly #clock: Clock;
  readonly #random: () => number;
  /** Refilled for each. */
  readonly #bytes = new Uint8Array(16);
  #msecs = 0;
  #seq = 0;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    const now = this.#clock.now();
    if (now > this.#msecs) {
      this.#msecs = now;
      // The upper half stays free for counting.
      this.#seq = Math.floor(this.#random() * 2 ** 31);
    } else {
      this.#seq += 1;
    }
    const random = this.#bytes;
    for (let at = 0; at < random.length; at += 1) random[at] = Math.floor(this.#random() * 256);
    return uuidv7({ msecs: this.#msecs, seq: this.#seq, random });
  }
}
