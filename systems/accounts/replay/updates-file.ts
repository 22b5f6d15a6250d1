import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { findInexactNumbers, levelsMax, messageOf } from '../../../src/cli/index.ts';
import { MillraceError } from '../../../src/index.ts';

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
    if (Array.isArray(value)) return withInexactNumbers(value, text);
  } catch (error) {
    throw unusable(path, `expected JSON, found: ${messageOf(error)}`, error);
  }
  throw unusable(path, `expected a JSON array of updates, found ${value === null ? 'null' : kinds[typeof value]}`);
}

/** The updates of a text, in which the engine knows the numbers that JavaScript rounds: it refuses those updates, each by itself. */
function withInexactNumbers(updates: readonly unknown[], text: string): readonly unknown[] {
  const items = itemsOf(text);
  // One that nests deeper is refused for that.
  return updates.map((update, at) => {
    const item = items[at];
    return item !== undefined && item.levels <= levelsMax ? (findInexactNumbers(item.text)?.value ?? update) : update;
  });
}

/** The texts of the items of a JSON array, and how deep each nests. */
function itemsOf(array: string): readonly { readonly text: string; readonly levels: number }[] {
  const items: { readonly text: string; readonly levels: number }[] = [];
  let depth = 0;
  let from = 0;
  let levels = 0;
  for (const { 0: token, index } of array.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},]/g)) {
    const isEnd = token === ']' || token === '}';
    if (token === '[' || token === '{') depth += 1;
    else if (isEnd) depth -= 1;
    levels = Math.max(levels, depth - 1);
    if (depth === 1 && from === 0) from = index + 1;
    if ((token === ',' && depth === 1) || (isEnd && depth === 0)) {
      items.push({ text: array.slice(from, index), levels });
      from = index + 1;
      levels = 0;
    }
  }
  return items;
}

/** What JSON may hold beside arrays. */
const kinds: Readonly<Record<string, string>> = { object: 'an object', string: 'a string', number: 'a number', boolean: 'a boolean' };

function unusable(path: string, problem: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${problem}`, { cause });
}
