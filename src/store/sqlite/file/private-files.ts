import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readlinkSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { codeOfFault } from '../../node-sqlite/free-space.ts';

/** Of a database that is made here: what is in it is its user's alone. The files that SQLite puts beside it have the mode of the database. */
export const privateMode = 0o600;
const privateFolderMode = 0o700;

/**
 * Makes an empty file, unless there is one. It is never opened otherwise: POSIX locks are dropped when any descriptor of the file is
 * closed, and only a file that was not there has none. A symbolic link that leads to no file is followed.
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

/** The mode of a file, for one that stands beside it. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o666;
}

/** Makes a folder and those above it. Not by the `recursive` of `mkdirSync`, which never comes back from a file system that has no place for folders, such as `/proc`. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: privateFolderMode });
}
