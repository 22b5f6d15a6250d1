/** Filter bits per id of a bucket: 6 in 10,000 unknown ids pass. */
const bitsPerId = 16;
const probes = 8;

/** Buckets that share a filter: one for each bit of a number. */
export const bucketsPerFilter = 32;

/** Two independent hashes of an id, from which a filter derives all of its own. */
export interface IdHash {
  readonly first: number;
  readonly second: number;
}

/**
 * Hashes an id: FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over its UTF-16 units, twice, each then mixed like MurmurHash3's
 * finaliser. Filters are stored, so this must not change without them.
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
 * Tells which of its buckets may have an id. It never forgets one but may take another for one of its own (Bloom, "Space/time trade-offs in
 * hash coding with allowable errors", 1970; probes by double hashing after Kirsch and Mitzenmacher, 2006), which saves the look-up of
 * nearly every new id. It is bit-sliced: the bits of all buckets' filters at one place share one number, so that asking all buckets costs
 * no more than asking one.
 */
export class IdFilter {
  readonly #slices: Uint32Array;

  /** @param capacity ids per bucket */
  constructor(capacity: number) {
    this.#slices = new Uint32Array(capacity * bitsPerId);
  }

  /** @param place the index of the bucket, from 0 */
  add(place: number, { first, second }: IdHash): void {
    const slices = this.#slices;
    for (let probe = 0; probe < probes; probe += 1) {
      const at = ((first + Math.imul(probe, second)) >>> 0) % slices.length;
      slices[at] = (slices[at] as number) | (1 << place);
    }
  }

  /** Returns the indexes of the buckets that may have the id, as the bits of a number. */
  placesOf({ first, second }: IdHash): number {
    const slices = this.#slices;
    let places = -1;
    for (let probe = 0; probe < probes && places !== 0; probe += 1) {
      places &= slices[((first + Math.imul(probe, second)) >>> 0) % slices.length] as number;
    }
    return places;
  }

  /** Returns one bucket's own filter, for storage. */
  bytesOf(place: number): Uint8Array {
    const slices = this.#slices;
    const bytes = new Uint8Array(slices.length / 8);
    for (let at = 0; at < slices.length; at += 1) {
      bytes[at >>> 3] = (bytes[at >>> 3] as number) | ((((slices[at] as number) >>> place) & 1) << (at & 7));
    }
    return bytes;
  }

  /** Restores a bucket's own filter. */
  restore(place: number, bytes: Uint8Array): void {
    const slices = this.#slices;
    for (let at = 0; at < slices.length; at += 1) {
      const bit = ((bytes[at >>> 3] as number) >>> (at & 7)) & 1;
      slices[at] = (slices[at] as number) | (bit << place);
    }
  }
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
