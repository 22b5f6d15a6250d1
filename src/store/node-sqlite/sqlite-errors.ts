import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ErrorCode, MillraceError, messageOf } from '../../errors.ts';
import { roomFaultOf, whyNoRoom, whyNotLonger } from './free-space.ts';

/** Primary result codes, https://sqlite.org/rescode.html. The low byte of an extended code is its primary code. */
const primaryCodes = {
  perm: 3,
  busy: 5,
  locked: 6,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  notADatabase: 26,
} as const;

/** The extended code of a failed sync: the data written may or may not survive a crash. */
const ioErrorFsync = 1034;

/** A write-ahead index grows in steps of this many bytes; with less left on the disk SQLite reports an I/O error. */
const indexBytes = 32 * 1024;

/**
 * Converts SQLite's error to one of ours, naming the database. Our own errors stay unchanged; unexpected ones become `MILL_INTERNAL` with
 * their cause.
 */
export function toStoreError(thrown: unknown, path: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const options = { cause: thrown };
  const code = codeOf(thrown, path);
  switch (code) {
    case 'MILL_STORE_READ_ONLY':
      return new MillraceError(code, `${path}: cannot be opened for writing: ${whyNotWritable(path) ?? messageOf(thrown)}`, options);
    case 'MILL_STORE_BUSY':
      return new MillraceError(code, `${path}: another program has locked the database (${messageOf(thrown)})`, options);
    case 'MILL_STORE_FULL':
      return new MillraceError(code, `${path}: ${whyNoSpace(thrown, path)} (${messageOf(thrown)})`, options);
    case 'MILL_STORE_CORRUPT':
      return new MillraceError(code, `${path}: the file is not a database, or is damaged (${messageOf(thrown)})`, options);
    default:
      return new MillraceError(code, `${path}: ${messageOf(thrown)}`, options);
  }
}

/** Returns whether a constraint refused a write; at COMMIT, a deferred one. */
export function isConstraint(thrown: unknown): boolean {
  return primaryCodeOf(thrown) === primaryCodes.constraint;
}

/** Returns whether a statement's value was at fault: one that no column, or not this one, can hold. */
export function isValueFault(thrown: unknown): boolean {
  const code = primaryCodeOf(thrown);
  if (code !== undefined) return code === primaryCodes.constraint || code === primaryCodes.mismatch || code === primaryCodes.tooBig;
  // Thrown by Node.js, before SQLite saw the value.
  return thrown instanceof Error && 'code' in thrown && /^ERR_(INVALID_ARG|OUT_OF_RANGE)/.test(String(thrown.code));
}

/** Returns whether another program's lock is in the way. */
export function isBusy(thrown: unknown): boolean {
  const code = primaryCodeOf(thrown);
  return code === primaryCodes.busy || code === primaryCodes.locked;
}

function codeOf(thrown: unknown, path: string): ErrorCode {
  switch (primaryCodeOf(thrown)) {
    case primaryCodes.corrupt:
    case primaryCodes.notADatabase:
      return 'MILL_STORE_CORRUPT';
    case primaryCodes.busy:
    case primaryCodes.locked:
      return 'MILL_STORE_BUSY';
    case primaryCodes.full:
      return 'MILL_STORE_FULL';
    case primaryCodes.ioError:
      return codeIn(thrown) !== ioErrorFsync && whyFull(path) !== undefined ? 'MILL_STORE_FULL' : 'MILL_STORE_UNAVAILABLE';
    case primaryCodes.cantOpen:
      return whyNotWritable(path) === undefined && whyFull(path) !== undefined ? 'MILL_STORE_FULL' : 'MILL_STORE_READ_ONLY';
    case primaryCodes.readOnly:
    case primaryCodes.perm:
      return 'MILL_STORE_READ_ONLY';
    default:
      if (roomFaultOf(thrown) !== undefined) return 'MILL_STORE_FULL';
      return isFileRefusal(thrown) ? 'MILL_STORE_READ_ONLY' : 'MILL_INTERNAL';
  }
}

function primaryCodeOf(thrown: unknown): number | undefined {
  const code = codeIn(thrown);
  return code === undefined ? undefined : code & 0xff;
}

/** Returns the extended result code. */
function codeIn(thrown: unknown): number | undefined {
  const isSqlite = thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number';
  return isSqlite ? Number(thrown.errcode) : undefined;
}

/** From a call to the file system rather than to SQLite, such as creating the folder. */
function isFileRefusal(thrown: unknown): boolean {
  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR'];
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code));
}

/** SQLite says no more than that it is unable to. It needs the file, and the folder for the files it puts beside it. */
function whyNotWritable(path: string): string | undefined {
  const folder = dirname(path);
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is not a folder`;
    if (existsSync(path)) {
      if (statSync(path).isDirectory()) return 'it is a folder';
      accessSync(path, constants.W_OK);
    }
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Returns why a file did not grow. SQLite knows one reason, and calls all others I/O errors. */
function whyNoSpace(thrown: unknown, path: string): string {
  if (primaryCodeOf(thrown) === primaryCodes.full) return 'no space is left on the disk';
  return roomFaultOf(thrown) ?? whyFull(path) ?? 'there is no room on the disk';
}

function whyFull(path: string): string | undefined {
  return whyNoRoom(path, indexBytes) ?? whyNotLonger(path);
}
