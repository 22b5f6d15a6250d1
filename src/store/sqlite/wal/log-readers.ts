import { readFileSync, statSync } from 'node:fs';
import { lockHolders } from './file-locks.ts';

/** The locks of those who read from the log, in its index, `-shm` (https://sqlite.org/walformat.html#locks). */
const readLocks = { from: 123, to: 127, kind: 'READ' } as const;

/**
 * Says who reads from the write ahead log of a database just now, as far as Linux tells: processes, this one only when
 * there is no other. Undefined where nobody can say. Costs the time of a read of /proc, so it is for warnings.
 */
export function describeLogReaders(path: string): string | undefined {
  try {
    const pids = lockHolders(readFileSync('/proc/locks', 'utf8'), { inode: statSync(`${path}-shm`).ino, ...readLocks });
    const others = pids.filter((pid) => pid !== process.pid);
    if (others.length > 0) return `process ${others.join(', ')}`;
    return pids.length > 0 ? `process ${process.pid}, this one: a query that runs for long` : undefined;
  } catch {
    // This is not Linux, or the index has just gone.
    return undefined;
  }
}
