/** Bits of a filter for each id that it is made for: of the ids it has never seen it then lets 6 in 10,000 pass. */
const bitsPerId = 16;
const probes = 8;

/** Two independent hashes of an id, from which a filter makes all of its own. */
export interface IdHash {
  readonly first: number;
  readonly second: number;
}

/**
 * The hashes of an id: FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over its UTF-16 units, twice, each then mixed
 * as MurmurHash3 does at its end. Filters are stored, so it may not change without them.
 */
export function hashOf(id: string): IdHash {
  let first = 0x811c9dc5;
  let second = 0x01000193;
  for (let at = 0; at < id.length; at += 1) {
    const unit = id.charCodeAt(at);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second ^ unit, 0x85ebca6b);
  }
  // Odd, so that its multiples differ.
  return { first: mix(first), second: mix(second) | 1 };
}

/**
 * A set of ids that never forgets one but may take another for one of its own (Bloom, "Space/time trade-offs in hash
 * coding with allowable errors", 1970; the probes by double hashing after Kirsch and Mitzenmacher, 2006). It spares the
 * look-up of nearly every id that is new.
 */
export class IdFilter {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** An empty one. */
  static for(ids: number): IdFilter {
    return new IdFilter(new Uint8Array((ids * bitsPerId) / 8));
  }

  add({ first, second }: IdHash): void {
    const bits = this.bytes.length * 8;
    for (let probe = 0; probe < probes; probe += 1) {
      const bit = ((first + Math.imul(probe, second)) >>> 0) % bits;
      this.bytes[bit >>> 3] = (this.bytes[bit >>> 3] as number) | (1 << (bit & 7));
    }
  }

  /** False: it was never added. */
  mayHave({ first, second }: IdHash): boolean {
    const bits = this.bytes.length * 8;
    for (let probe = 0; probe < probes; probe += 1) {
      const bit = ((first + Math.imul(probe, second)) >>> 0) % bits;
      if (((this.bytes[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
