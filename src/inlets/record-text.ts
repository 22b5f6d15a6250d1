import { MillraceError, messageOf } from '../errors.ts';
import { findInexactNumbers } from '../pipeline/inexact-numbers.ts';
import type { InletRecord } from '../pipeline/inlet.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes bytes as text. Throws `MILL_INVALID_EVENT` for bytes that are not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid('expected UTF-8, found other bytes');
  }
}

/** Parses a JSON text. Throws `MILL_INVALID_EVENT`; the engine remembers numbers that JavaScript rounds. */
export function parseJson(text: string): unknown {
  try {
    return (findInexactNumbers(text) ?? { value: JSON.parse(text) }).value;
  } catch (error) {
    throw invalid(`expected JSON, found: ${messageOf(error)}`);
  }
}

/** Returns the text of the first header with that name, ignoring case; undefined if there is none. */
export function headerOf({ headers }: InletRecord, name: string): string | undefined {
  const found = headers.find((header) => header.name.toLowerCase() === name);
  return found?.value ? Buffer.from(found.value).toString('utf8') : undefined;
}

export function invalid(message: string): MillraceError {
  return new MillraceError('MILL_INVALID_EVENT', message, { issues: [{ path: '', message }] });
}
