import { bytesOfContainer, bytesOfUnit } from './memory.ts';

/** The assumed length of a number, or of the punctuation around a value, in a JSON text. */
const smallUnits = 4;

/**
 * Estimates the bytes of a value that came without a JSON text, including the text that its maker has or will have. Looks no further than
 * `bytesMax`, since a value may contain itself. An exception while reading ends the estimate: the next reader will meet it too.
 */
export function bytesOfValue(value: unknown, bytesMax: number): number {
  const estimate = new Estimate(bytesMax);
  try {
    estimate.add(value);
    while (!estimate.isOver) estimate.addNext();
  } catch {
    // Thrown by a getter or a proxy.
  }
  return Math.min(estimate.bytes, bytesMax);
}

class Estimate {
  readonly #bytesMax: number;
  /** Objects whose contents are not counted yet. Recursion would exhaust the stack. */
  readonly #rest: object[] = [];
  #units = 0;
  #containers = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return 2 * bytesOfUnit * this.#units + bytesOfContainer * this.#containers;
  }

  get isOver(): boolean {
    return this.#rest.length === 0 || this.bytes >= this.#bytesMax;
  }

  add(value: unknown): void {
    this.#units += typeof value === 'string' ? value.length : smallUnits;
    if (typeof value !== 'object' || value === null) return;
    this.#containers += 1;
    this.#rest.push(value);
  }

  addNext(): void {
    const next = this.#rest.pop();
    if (ArrayBuffer.isView(next)) this.#units += next.byteLength / bytesOfUnit;
    else if (Array.isArray(next)) this.#addItems(next);
    else if (next !== undefined) this.#addProperties(next);
  }

  #addItems(items: readonly unknown[]): void {
    for (const item of items) {
      this.add(item);
      if (this.bytes >= this.#bytesMax) return;
    }
  }

  #addProperties(value: object): void {
    for (const key in value) {
      this.#units += key.length;
      this.add((value as Readonly<Record<string, unknown>>)[key]);
    }
  }
}
