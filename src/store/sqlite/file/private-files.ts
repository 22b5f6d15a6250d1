import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOfFault } from '../../node-sqlite/free-space.ts';

/** The mode of a database created here: its contents are its user's alone. SQLite's companion files get the database's mode. */
export const privateMode = 0o600;
const privateFolderMode = 0o700;

/**
 * Creates an empty file, unless there is one. An existing file is never opened: POSIX locks are dropped when any descriptor of the file is
 * closed, and only a new file has none. A symbolic link to a missing file is followed.
 */
export function createFile(path: string, mode: number): void {
  try {
    closeSync(openSync(path, 'wx', mode));
  } catch (error) {
    if (codeOfFault(error) !== 'EEXIST') throw error;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink && !existsSync(path)) createFile(resolve(dirname(path), readlinkSync(path)), mode);
  }
}

/** Returns the mode of a file, for a companion file. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o666;
}

/**
 * Creates a folder and its parents. Not with the `recursive` option of `mkdirSync`, which never returns on a file system without room for
 * folders, such as `/proc`.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: privateFolderMode });
}
