import { MillraceError, messageOf } from '../errors.ts';
import { findInexactNumbers } from '../pipeline/inexact-numbers.ts';
import type { InletRecord } from '../pipeline/inlet.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The text of bytes. Throws `MILL_INVALID_EVENT` for bytes that are not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid('expected UTF-8, found other bytes');
  }
}

/** The value of a JSON text. Throws `MILL_INVALID_EVENT`; of numbers that JavaScript rounds the engine knows afterwards. */
export function parseJson(text: string): unknown {
  try {
    return (findInexactNumbers(text) ?? { value: JSON.parse(text) }).value;
  } catch (error) {
    throw invalid(`expected JSON, found: ${messageOf(error)}`);
  }
}

/** The text of a header, the first of that name, whatever its case; undefined where there is none. */
export function headerOf({ headers }: InletRecord, name: string): string | undefined {
  const found = headers.find((header) => header.name.toLowerCase() === name);
  return found?.value ? Buffer.from(found.value).toString('utf8') : undefined;
}

export function invalid(message: string): MillraceError {
  return new MillraceError('MILL_INVALID_EVENT', message, { issues: [{ path: '', message }] });
}
