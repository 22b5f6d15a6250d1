/** A part of a file, both ends included, and the locks on it that are asked for; all kinds without one. */
export interface LockedBytes {
  readonly inode: number;
  readonly from: number;
  readonly to: number;
  readonly kind?: 'READ' | 'WRITE';
}

/** One lock as /proc/locks has it: `1: POSIX  ADVISORY  READ 7998 fe:00:9988285 124 124`. */
const lockLine = /^\d+: POSIX +\w+ +(READ|WRITE) (\d+) \w+:\w+:(\d+) (\d+) (\d+)$/gm;

/** The processes that have a lock on some of these bytes, in the text of /proc/locks. */
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
