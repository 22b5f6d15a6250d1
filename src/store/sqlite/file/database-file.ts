import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { MillraceError } from '../../../errors.ts';
import { mountPoints } from './mount-points.ts';

/** The database and what stands beside it: the write ahead log, its index, the owner's lock, and what a crash may have left. */
const suffixes = ['', '-wal', '-shm', '-owner', '-journal'];

/**
 * Refuses a database that has a second name, before anything is opened: the log and the owner's lock stand beside the name
 * by which a file is opened, so under another name a second owner could start, and what is in the log would be missing.
 * A symbolic link to the file or its folder is no second name, because SQLite follows it first. Only looks at names:
 * none of the files may be opened by other means than SQLite, see `OwnerLock`.
 *
 * Throws `MILL_INVALID_CONFIGURATION`.
 */
export function checkNames(path: string): void {
  const isMountPoint = mountPoints();
  const real = realPath(path);
  for (const suffix of suffixes) {
    const name = `${real}${suffix}`;
    const found = lstatSync(name, { throwIfNoEntry: false });
    // A link at the path itself leads to a database that is not there yet.
    if (found === undefined || found.isDirectory() || (suffix === '' && found.isSymbolicLink())) continue;
    const fault = faultOf(found, isMountPoint(name));
    if (fault !== undefined)
      throw new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${suffix === '' ? 'the file' : name} ${fault}`);
  }
}

function faultOf(found: Stats, isMountPoint: boolean): string | undefined {
  if (isMountPoint) return 'is mounted by itself, and its log and lock would stand elsewhere; mount its folder instead';
  if (found.isSymbolicLink()) return 'is a symbolic link, and must stand beside the database; link the database or its folder instead';
  if (found.nlink > 1) {
    return `has ${found.nlink} hard links, and each would have a log and a lock of its own; keep one name, and make copies with millrace backup`;
  }
  return undefined;
}

/** The path with symbolic links followed; the path itself where there is no file yet. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What keeps it from being found is what opening it fails with, or it is about to be made.
    return path;
  }
}
