import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { MillraceError } from '../../../errors.ts';
import { mountPoints } from './mount-points.ts';

/** The database and its companion files: the write-ahead log, its index, the owner's lock, and crash leftovers. */
const suffixes = ['', '-wal', '-shm', '-owner', '-journal'];

/**
 * Refuses a database that has a second name, before anything is opened: the log and the owner's lock are beside the name by which a file is
 * opened, so under another name a second owner could start, and the contents of the log would be missing. A symbolic link to the file or
 * its folder is not a second name, because SQLite resolves it first. Looks only at names: only SQLite may open any of the files, see
 * `OwnerLock`.
 *
 * Throws `MILL_INVALID_CONFIGURATION`.
 */
export function checkNames(path: string): void {
  const isMountPoint = mountPoints();
  const real = realPath(path);
  for (const suffix of suffixes) {
    const name = `${real}${suffix}`;
    const found = lstatSync(name, { throwIfNoEntry: false });
    // A link at the path itself leads to a database that does not exist yet.
    if (found === undefined || found.isDirectory() || (suffix === '' && found.isSymbolicLink())) continue;
    const fault = faultOf(found, isMountPoint(name));
    if (fault !== undefined)
      throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${suffix === '' ? 'the file' : name} ${fault}`);
  }
}

function faultOf(found: Stats, isMountPoint: boolean): string | undefined {
  if (isMountPoint) return 'is mounted by itself, so its log and lock would be elsewhere; mount its folder instead';
  if (found.isSymbolicLink()) return 'is a symbolic link, but must be beside the database; link the database or its folder instead';
  if (found.nlink > 1) {
    return `has ${found.nlink} hard links, and each would have its own log and lock; keep one name, and make copies with millrace backup`;
  }
  return undefined;
}

/** Returns the path with symbolic links resolved; the path itself if there is no file yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Opening it will fail for the same reason, or it is about to be created.
    return path;
  }
}
