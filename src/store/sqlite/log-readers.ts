import { readFileSync, statSync } from 'node:fs';

/** The locks of those who read from the log, in its index, `-shm` (https://sqlite.org/walformat.html#locks). */
const readLocks = { from: 123, to: 127 };

/** One lock as /proc/locks has it: `1: POSIX  ADVISORY  READ 7998 fe:00:9988285 124 124`. */
const lockLine = /^\d+: POSIX +\w+ +\w+ (\d+) \w+:\w+:(\d+) (\d+) (\d+)$/gm;

/**
 * Says who reads from the write ahead log of a database just now, as far as Linux tells: processes, this one only when
 * there is no other. Undefined where nobody can say. Costs the time of a read of /proc, so it is for warnings.
 */
export function describeLogReaders(path: string): string | undefined {
  try {
    const pids = readersIn(readFileSync('/proc/locks', 'utf8'), statSync(`${path}-shm`).ino);
    const others = pids.filter((pid) => pid !== process.pid);
    if (others.length > 0) return `process ${others.join(', ')}`;
    return pids.length > 0 ? `process ${process.pid}, this one: a query that runs for long` : undefined;
  } catch {
    // This is not Linux, or the index has just gone.
    return undefined;
  }
}

/** The processes that have a reader's lock on a file, in the text of /proc/locks. */
export function readersIn(locks: string, inode: number): readonly number[] {
  const pids = new Set<number>();
  for (const [, pid, ino, from, to] of locks.matchAll(lockLine)) {
    if (Number(ino) === inode && Number(to) >= readLocks.from && Number(from) <= readLocks.to) pids.add(Number(pid));
  }
  // Those of another namespace have the number 0.
  pids.delete(0);
  return Array.from(pids);
}
