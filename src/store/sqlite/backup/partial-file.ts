import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MillraceError } from '../../../errors.ts';
import { OwnerLock } from '../file/owner-lock.ts';
import { createFile, privateMode } from '../file/private-files.ts';

/** The suffix of an incomplete file. */
export const partialSuffix = '.millrace-partial';
/** The files SQLite puts beside one it writes; the file itself comes last. */
const suffixes = ['-journal', '-wal', '-shm', '-owner-journal', ''];

/**
 * The future database under its own name beside the final place. Its writer holds a lock on it that ends with the process, which
 * distinguishes leftovers of an interrupted process from another one's work.
 */
export class PartialFile {
  readonly path: string;
  readonly #lock: OwnerLock;

  private constructor(path: string, lock: OwnerLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates an empty file for its user alone. Throws `MILL_STORE_OWNED` while another process writes the file for this place, and
   * `MILL_STORE_…`.
   */
  static create(place: string): PartialFile {
    const path = `${place}${partialSuffix}`;
    const partial = new PartialFile(path, OwnerLock.take(path));
    removeFiles(path);
    createFile(path, privateMode);
    return partial;
  }

  /** Deletes all of it, unless it was moved into place. Nobody may have it open any more. */
  remove(): void {
    removeFiles(this.path);
    this.#lock.remove();
  }
}

/** Deletes leftovers of interrupted processes in a folder. Returns their paths. Undeletable files stay, and so do files being written. */
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

/** Undefined while somebody writes it, and if it is another user's or not a lock: other files in a folder must not prevent a backup. */
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
