import { readFileSync, writeFileSync } from 'node:fs';
import { integerFrom, pick, type Random } from '../../systems/shared/random.ts';
import type { Snapshot } from './snapshot.ts';

const headerBytes = 32;
const frameHeaderBytes = 24;

/**
 * Makes of a killed server's files what a power failure may leave: SIGKILL keeps all that was written, and a power failure only
 * what was synced. The write ahead log is cut at a random place and what was behind it is missing, zeros, noise, or whole again
 * after a torn page.
 *
 * SQLite has synced every commit before it is acknowledged (synchronous = FULL), so a cut below the last acknowledged one
 * stands for a disk that lied. Then acknowledged events are gone, but only the latest, and the rest must be consistent.
 * It is never cut below what is in the database file already: SQLite syncs the log before it begins to copy.
 *
 * Answers what was done, in words; undefined when there was nothing to cut.
 */
export function cutPower({ database, wal }: Snapshot, random: Random): string | undefined {
  if (wal === undefined || wal.frames <= wal.copiedFrames) return undefined;
  const frameBytes = frameHeaderBytes + wal.pageBytes;
  const from = headerBytes + wal.copiedFrames * frameBytes;
  const to = headerBytes + wal.frames * frameBytes;
  // The last commits are what a real disk may lose.
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
