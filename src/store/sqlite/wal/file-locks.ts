/** A range of a file, both ends inclusive, and the kind of locks asked for; all kinds if absent. */
export interface LockedBytes {
  readonly inode: number;
  readonly from: number;
  readonly to: number;
  readonly kind?: 'READ' | 'WRITE';
}

/** A lock's line in /proc/locks: `1: POSIX  ADVISORY  READ 7998 fe:00:9988285 124 124`. */
const lockLine = /^\d+: POSIX +\w+ +(READ|WRITE) (\d+) \w+:\w+:(\d+) (\d+) (\d+)$/gm;

/** Returns the processes with a lock on some of these bytes, from the text of /proc/locks. */
export function lockHolders(locks: string, { inode, from, to, kind }: LockedBytes): readonly number[] {
  const pids = new Set<number>();
  for (const [, foundKind, pid, foundInode, first, last] of locks.matchAll(lockLine)) {
    const isThere = Number(foundInode) === inode && Number(last) >= from && Number(first) <= to;
    if (isThere && (kind ?? foundKind) === foundKind) pids.add(Number(pid));
  }
  // Those of another namespace have the number 0.
  pids.delete(0);
  return Array.from(pids);
}
