import { readFileSync, statSync } from 'node:fs';
import { lockHolders } from './file-locks.ts';

/** The locks of the log's readers, in its index, `-shm` (https://sqlite.org/walformat.html#locks). */
const readLocks = { from: 123, to: 127, kind: 'READ' } as const;

/**
 * Describes who is reading from a database's write-ahead log just now, as far as Linux reports it: processes, this one only if there is no
 * other. Undefined if that is unknown. Reads /proc, so use it only for warnings.
 */
export function describeLogReaders(path: string): string | undefined {
  try {
    const pids = lockHolders(readFileSync('/proc/locks', 'utf8'), { inode: statSync(`${path}-shm`).ino, ...readLocks });
    const others = pids.filter((pid) => pid !== process.pid);
    if (others.length > 0) return `process ${others.join(', ')}`;
    return pids.length > 0 ? `process ${process.pid}, this one: a long-running query` : undefined;
  } catch {
    // Not Linux, or the index has just gone.
    return undefined;
  }
}
