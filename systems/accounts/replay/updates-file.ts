import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { findInexactNumbers, levelsMax, messageOf } from '../../../src/cli/index.ts';
import { MillraceError } from '../../../src/index.ts';

/** The updates of a file, unprocessed. */
export interface UpdatesFile {
  readonly updates: readonly unknown[];
  /** Returns an id for the update at an index: stable while the file is unchanged. */
  idOf(index: number): string;
}

/** Reads a JSON array of updates. Throws `MILL_INVALID_CONFIGURATION` if the file cannot be read or contains none. */
export function readUpdatesFile(path: string): UpdatesFile {
  const bytes = read(path);
  const updates = parse(path, bytes);
  const fingerprint = hash('sha256', bytes, 'hex');
  return { updates, idOf: (index) => `${fingerprint}:${index}` };
}

function read(path: string): Buffer {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || found.isDirectory())
      throw unusable(path, `expected a file, found ${found === undefined ? 'none' : 'a directory'}`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw unusable(path, `cannot be read: ${messageOf(error)}`, error);
  }
}

function parse(path: string, bytes: Buffer): readonly unknown[] {
  if (!isUtf8(bytes)) throw unusable(path, 'expected JSON in UTF-8, found bytes that are not UTF-8');
  let value: unknown;
  try {
    // The byte-order mark that Windows adds is not JSON.
    const text = bytes.toString().replace(/^\uFEFF/, '');
    value = JSON.parse(text);
    if (Array.isArray(value)) return withInexactNumbers(value, text);
  } catch (error) {
    throw unusable(path, `expected JSON, found: ${messageOf(error)}`, error);
  }
  throw unusable(path, `expected a JSON array of updates, found ${value === null ? 'null' : kinds[typeof value]}`);
}

/** Returns the updates of a text, marking the numbers that JavaScript rounds for the engine: it refuses those updates individually. */
function withInexactNumbers(updates: readonly unknown[], text: string): readonly unknown[] {
  const items = itemsOf(text);
  // A more deeply nested update is refused anyway.
  return updates.map((update, at) => {
    const item = items[at];
    return item !== undefined && item.levels <= levelsMax ? (findInexactNumbers(item.text)?.value ?? update) : update;
  });
}

/** Returns the texts of a JSON array's items, with the nesting of each. */
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

/** The JSON values other than arrays. */
const kinds: Readonly<Record<string, string>> = { object: 'an object', string: 'a string', number: 'a number', boolean: 'a boolean' };

function unusable(path: string, problem: string, cause?: unknown): MillraceError {
  return new MillraceError('MILL_INVALID_CONFIGURATION', `${path}: ${problem}`, { cause });
}
