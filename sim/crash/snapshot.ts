import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** The part of a write-ahead log that is not yet in the database file, from its index (`-shm`). */
interface WalExtent {
  readonly pageBytes: number;
  /** Committed frames. */
  readonly frames: number;
  /** Frames that were, or may have been, copied to the database file: they were on disk before that began. */
  readonly copiedFrames: number;
}

/** The files of a database as a killed server left them. */
export interface Snapshot {
  readonly database: string;
  /** Undefined if there is no log, or if this cannot be known because the server was killed while rereading it. */
  readonly wal: WalExtent | undefined;
}

/**
 * Copies the database and its write-ahead log to a folder, without the log's index: whoever opens the copy recovers as after a crash.
 * Nobody may be using the database, not even this process: copying would drop its locks.
 */
export function takeSnapshot(database: string, folder: string): Snapshot {
  mkdirSync(folder, { recursive: true });
  const copy = join(folder, basename(database));
  for (const suffix of ['', '-wal']) if (existsSync(database + suffix)) copyFileSync(database + suffix, copy + suffix);
  return { database: copy, wal: existsSync(`${copy}-wal`) ? readExtent(`${database}-shm`) : undefined };
}

/**
 * Reads the header of the index (https://www.sqlite.org/walformat.html, section 2.1): two copies of 48 bytes that differ while they are
 * being written, then the checkpoint information, with the attempted frames at 128. The file is in the machine's byte order.
 */
function readExtent(index: string): WalExtent | undefined {
  const header = existsSync(index) ? readFileSync(index) : Buffer.alloc(0);
  const isWhole = header.length >= 136 && header[12] === 1 && header.subarray(0, 48).equals(header.subarray(48, 96));
  if (!isWhole) return undefined;
  const [pageBytes = 0] = new Uint16Array(header.buffer.slice(header.byteOffset + 14, header.byteOffset + 16));
  const word = (at: number) => new Uint32Array(header.buffer.slice(header.byteOffset + at, header.byteOffset + at + 4))[0] ?? 0;
  return { pageBytes, frames: word(16), copiedFrames: word(128) };
}
