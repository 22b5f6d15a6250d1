import { readFileSync, writeFileSync } from 'node:fs';
import { integerFrom, pick, type Random } from '../../systems/shared/random.ts';
import type { Snapshot } from './snapshot.ts';

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * Turns a killed server's files into what a power failure may leave: SIGKILL keeps everything written, a power failure only what was
 * synced. The write-ahead log is cut at a random place, and the rest is missing, zeroed, noise, or intact after a torn page.
 *
 * SQLite syncs every commit before it is acknowledged (synchronous = FULL), so a cut below the last acknowledged one simulates a disk that
 * lied. Then acknowledged events are lost, but only the latest, and the rest must be consistent. The cut is never below what is already in
 * the database file: SQLite syncs the log before it begins to copy.
 *
 * Returns a description of what was done; undefined if there was nothing to cut.
 */
export function cutPower({ database, wal }: Snapshot, random: Random): string | undefined {
  if (wal === undefined || wal.frames <= wal.copiedFrames) return undefined;
  const frameBytes = frameHeaderBytes + wal.pageBytes;
  const from = headerBytes + wal.copiedFrames * frameBytes;
  const to = headerBytes + wal.frames * frameBytes;
  // A real disk may lose the last commits.
  const at = random() < 0.4 ? integerFrom(random, Math.max(from, to - 20 * frameBytes), to) : integerFrom(random, from, to);
  const log = readFileSync(`${database}-wal`);
  const how = pick(random, ['missing', 'zeros', 'noise', 'torn']);
  if (how === 'missing') writeFileSync(`${database}-wal`, log.subarray(0, at));
  else {
    const end = how === 'torn' ? Math.min(log.length, at + integerFrom(random, 1, 512)) : log.length;
    for (let byte = at; byte < end; byte += 1) log[byte] = how === 'zeros' ? 0 : Math.floor(random() * 256);
    writeFileSync(`${database}-wal`, log);
  }
  return `the log cut at byte ${at} of ${to}, the rest ${how}`;
}
