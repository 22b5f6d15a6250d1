import { bytesOfContainer, bytesOfUnit } from './memory.ts';

/** Units of a JSON text that a number, or the marks around a value, are taken to have. */
const smallUnits = 4;

/**
 * Estimates the bytes of a value that came without a JSON text, along with the text that whoever made it has, or will have. Looks no
 * further than `bytesMax`, since a value may hold itself. What throws when it is read ends the estimate: whoever reads it next meets that
 * too.
 */
export function bytesOfValue(value: unknown, bytesMax: number): number {
  const estimate = new Estimate(bytesMax);
  try {
    estimate.add(value);
    while (!estimate.isOver) estimate.addNext();
  } catch {
    // A getter, or a proxy.
  }
  return Math.min(estimate.bytes, bytesMax);
}

class Estimate {
  readonly #bytesMax: number;
  /** Objects whose contents are not counted yet. A recursion would exhaust the stack. */
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
