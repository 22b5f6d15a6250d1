import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { MillraceError } from '../../errors.ts';
import { mountPoints } from './mount-points.ts';

/** What stands beside the database: the write ahead log, its index, and the owner's lock. */
const sideFiles = ['-wal', '-shm', '-owner'] as const;
/** What a crash may have left. */
const files = ['', '-journal', ...sideFiles];

/**
 * Refuses a database that has a second name, before anything is opened: the log and the owner's lock stand beside the name
 * by which a file is opened, so under another name a second owner could start, and what is in the log would be missing.
 * A symbolic link to the file or its folder is no second name, because SQLite follows it first. Only looks at names:
 * neither file may be opened by other means than SQLite, see `OwnerLock`.
 *
 * Throws `MILL_INVALID_CONFIGURATION`.
 */
export function checkNames(path: string): void {
  const isMountPoint = mountPoints();
  const real = realPath(path);
  for (const suffix of files) {
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
    return `has ${found.nlink} hard links, and each would have a log and a lock of its own; keep one name, and make copies with VACUUM INTO`;
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

/**
 * The files of an open database, to find out when one is moved, deleted or replaced: SQLite would go on in the file that it
 * has open, which nobody finds at the path any more. Made while they are open, by their real path.
 */
export class DatabaseFiles {
  readonly #path: string;
  readonly #found = new Map<string, Stats | undefined>();

  constructor(path: string) {
    this.#path = path;
    for (const suffix of ['', ...sideFiles]) this.#found.set(suffix, look(`${path}${suffix}`));
  }

  /** Throws `MILL_STORE_MOVED` when a file is no longer at its place. Takes some microseconds. */
  check(): void {
    for (const [suffix, then] of this.#found) {
      const now = look(`${this.#path}${suffix}`);
      if (now?.ino === then?.ino && now?.dev === then?.dev) continue;
      const what = suffix === '' ? 'the database file' : `${this.#path}${suffix}`;
      const fault = now === undefined ? 'was moved or deleted' : 'was replaced by another file';
      throw new MillraceError('MILL_STORE_MOVED', `${this.#path}: ${what} ${fault} while it was open`);
    }
  }
}

function look(name: string): Stats | undefined {
  return statSync(name, { throwIfNoEntry: false });
}
