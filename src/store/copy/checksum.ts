import { hash } from 'node:crypto';
import type { CopiedRow, CopiedValue } from './copy-part.ts';

const lanes = 4;

/** The number of rows, and a sum over their contents and places: the same in whatever order they come. */
export class Checksum {
  rows = 0;
  readonly #sums = new Uint32Array(lanes);

  add(rows: readonly CopiedRow[]): void {
    for (const { slice, place, values } of rows) {
      const digest = hash('sha1', JSON.stringify([slice, place, ...values.map(inJson)]), 'buffer');
      for (let lane = 0; lane < lanes; lane += 1) this.#sums[lane] = (this.#sums[lane] ?? 0) + digest.readUInt32BE(4 * lane);
      this.rows += 1;
    }
  }

  get text(): string {
    return Buffer.from(this.#sums.buffer).toString('hex');
  }
}

/** A number that JSON lacks becomes a text that no number equals. */
function inJson(value: CopiedValue): string | number | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : value === null ? null : `#${value}`;
}
