import { existsSync, lstatSync, readlinkSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { MillraceError, messageOf } from '../../../errors.ts';
import { realPath } from '../file/database-file.ts';
import { partialSuffix } from './partial-file.ts';

/** A database, and the files that Millrace and SQLite put beside it. */
const suffixes = ['', '-wal', '-shm', '-journal', '-owner', '-reserve'];

/** Throws `MILL_INVALID_CONFIGURATION` if there is no file to read, or an incomplete one; `what` says what was expected. */
export function checkIsFile(path: string, what: string): void {
  if (path.endsWith(partialSuffix)) refuse(`${path}: expected ${what}, found the file of an interrupted one`);
  const found = lookAt(path);
  if (found?.isFile()) return;
  refuse(`${path}: expected ${what}, found ${found === undefined ? 'no file' : notFile(found)}`);
}

/** Throws `MILL_INVALID_CONFIGURATION` if no file can be created: a folder is in its place, or its own folder does not exist. */
export function checkPlace(path: string): void {
  const folder = dirname(path);
  if (path.endsWith(partialSuffix))
    refuse(`${path}: expected another name: files with this ending are deleted as leftovers of an interrupted backup`);
  if (!lookAt(folder)?.isDirectory()) refuse(`${path}: expected an existing folder, found none at ${folder}`);
  const found = lookAt(path);
  if (found !== undefined && !found.isFile()) refuse(`${path}: expected the path of a file, found ${notFile(found)}`);
}

/** Returns the path with links resolved, even if there is no file yet. */
export function placeOf(path: string): string {
  const real = realPath(path);
  const isLink = lstatSync(real, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? placeOf(resolve(dirname(real), readlinkSync(real))) : real;
}

/** Throws `MILL_INVALID_CONFIGURATION` if a file is the database, by any name, or one of its companion files. */
export function checkApart(file: string, database: string): void {
  const real = realPath(file);
  for (const suffix of suffixes) {
    const own = `${realPath(database)}${suffix}`;
    if (real === own || isSameFile(file, own)) refuse(`${file}: expected a file other than the database, found its own file ${own}`);
  }
}

/**
 * Throws `MILL_STORE_FULL` if the disk has no room for a copy of a file. Checked before the first byte: an engine may run on the same disk.
 */
export function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new MillraceError('MILL_STORE_FULL', `${folder}: expected ${inMiB(bytes)} of room on the disk for the copy, found ${inMiB(free)}`);
}

function inMiB(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function isSameFile(one: string, other: string): boolean {
  if (!existsSync(one) || !existsSync(other)) return false;
  const [a, b] = [statSync(one), statSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}

function lookAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return refuse(`${path}: cannot be read: ${messageOf(error)}`);
  }
}

function notFile(found: Stats): string {
  return found.isDirectory() ? 'a folder' : 'something that is not a file';
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_CONFIGURATION', message);
}
