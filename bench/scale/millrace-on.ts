import type { StartOptions } from '../host/protocol.ts';

const stallMs = 60_000;

/** Describes Millrace on a folder, for events of this many keys. */
export function millraceOn(folder: string, keys: number, seed: number): StartOptions {
  return { peer: 'millrace', folder, database: '', redisPort: 0, keys, seed, stallMs };
}
