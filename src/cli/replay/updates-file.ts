import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { MillraceError, messageOf } from '../../errors.ts';
import { findInexactNumbers } from '../../pipeline/inexact-numbers.ts';

/** The updates of a file, each as it stands. */
export interface UpdatesFile {
  readonly updates: readonly unknown[];
  /** An id for the update at an index: the same again for as long as the file stays as it is. */
  idOf(index: number): string;
}

/** Reads a JSON array of updates. Throws `MILL_INVALID_CONFIGURATION` when the file cannot be read or holds none. */
export function readUpdatesFile(path: string): UpdatesFile {
  const bytes = read(path);
  const updates = parse(path, bytes);
  const fingerprint = hash('sha256', bytes, 'hex');
  return { updates, idOf: (index) => `${fingerprint}:${index}` };
}

function read(path: string): Buffer {
  try {
    if (!statSync(path).isDirectory()) return readFileSync(path);
  } catch (error) {
    throw unusable(path, `cannot be read: ${messageOf(error)}`, error);
  }
  throw unusable(path, 'expected a file, found a directory');
}

function parse(path: string, bytes: Buffer): readonly unknown[] {
  if (!isUtf8(bytes)) throw unusable(path, 'expected JSON in UTF-8, found bytes that are not UTF-8');
  let value: unknown;
  try {
    // What Windows puts in front of UTF-8 is no JSON.
    const text = bytes.toString().replace(/^\uFEFF/, '');
    value = JSON.parse(text);
    // The engine refuses the updates that have numbers which JavaScript rounds, each by itself.
    value = findInexactNumbers(text)?.value ?? value;
  } catch (error) {
    throw unusable(path, `expected JSON, found: ${messageOf(error)}`, error);
  }
  if (Array.isArray(value)) return value;
  throw unusable(path, `expected a JSON array of updates, found ${value === null ? 'null' : kinds[typeof value]}`);
}

/** What JSON may hold beside arrays. */
const kinds: Readonly<Record<string, string>> = { object: 'an object', string: 'a string', number: 'a number', boolean: 'a boolean' };

function unusable(path: string, problem: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${problem}`, { cause });
}
