import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../../errors.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { createFile, privateMode } from '../file/private-files.ts';

/** Ends the name of a file that is not complete yet. */
export const partialSuffix = '.millrace-partial';
/** What SQLite puts beside a file that it writes; the file itself comes last. */
const suffixes = ['-journal', '-wal', '-shm', '-owner-journal', ''];

/**
 * The file that becomes a database, under a name of its own beside that place. Whoever writes it has a lock on it, which ends with the
 * process: so what an interrupted process left is told from what another one is writing.
 */
export class PartialFile {
  readonly path: string;
  readonly #lock: OwnerLock;

  private constructor(path: string, lock: OwnerLock) {
    this.path = path;
    this.#lock = lock;
  }

  /** Makes an empty file for its user alone. Throws `MILL_STORE_OWNED` while another process writes the file for this place, and `MILL_STORE_…`. */
  static create(place: string): PartialFile {
    const path = `${place}${partialSuffix}`;
    const partial = new PartialFile(path, OwnerLock.take(path));
    removeFiles(path);
    createFile(path, privateMode);
    return partial;
  }

  /** Deletes all of it, unless it was put in its place. Nobody may have it open any more. */
  remove(): void {
    removeFiles(this.path);
    this.#lock.remove();
  }
}

/** Deletes what interrupted processes have left in a folder. Returns the paths. What cannot be deleted stays, and so does what somebody is writing. */
export function removeLeftovers(folder: string): readonly string[] {
  const name = new RegExp(`^(.+${RegExp.escape(partialSuffix)})(-owner|-journal)?$`);
  const names = new Set(readdirSync(folder).flatMap((entry) => name.exec(entry)?.[1] ?? []));
  return Array.from(names, (entry) => join(folder, entry)).filter(removeLeftover);
}

function removeLeftover(path: string): boolean {
  const lock = tryToTake(path);
  if (lock === undefined) return false;
  removeFiles(path);
  lock.remove();
  return true;
}

/** Undefined while somebody writes it, and when it is another user's or no lock: what lies in a folder keeps nobody from a backup. */
function tryToTake(path: string): OwnerLock | undefined {
  try {
    return OwnerLock.take(path);
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

function removeFiles(path: string): void {
  for (const suffix of suffixes) rmSync(`${path}${suffix}`, { force: true });
}
