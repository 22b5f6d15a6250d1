import { isUtf8 } from 'node:buffer';
import { MillraceError, messageOf } from '../errors.ts';
import { findInexactNumbers, holdsInexactNumber, inexactMessage, inexactNumbersOf } from '../pipeline/inexact-numbers.ts';
import { summaryOf } from '../pipeline/issues.ts';
import { httpLimits } from './http-limits.ts';

/** A JSON text cannot nest deeper than half its length. */
const shallowLength = 2 * httpLimits.bodyDepth;
const prototypeKey = /__proto__|\\u005f/i;

/** The decoration of Fastify's requests that holds the bytes of the body. */
export const rawBody = 'millraceRawBody';

/**
 * The treatment of a number that JavaScript rounds: the body is refused, or the decision is left to the engine, which gets the body or its
 * items unchanged. The engine then refuses the affected events, or takes the number as text if their pipeline says so.
 */
export type InexactNumbers = 'refuse' | 'by event';

/**
 * Parses a JSON body. Throws `MILL_NOT_JSON` with the place of the error, as far as the parser reports it, and `MILL_INVALID_REQUEST` for
 * dangerous contents: nesting deeper than `httpLimits.bodyDepth`, and the key `__proto__`, which becomes a prototype as soon as somebody
 * copies the object. Both are refused rather than repaired: what is stored must be what was sent.
 */
export function parseJsonBody(body: Buffer, numbers: InexactNumbers = 'refuse'): unknown {
  if (!isUtf8(body)) throw new MillraceError('MILL_NOT_JSON', 'expected JSON in UTF-8, found bytes that are not UTF-8');
  const text = withoutMark(body.toString());
  const value = parse(text);
  if (text.length > shallowLength || prototypeKey.test(text)) refuseHarm(value, httpLimits.bodyDepth);
  const inexact = findInexactNumbers(text);
  if (inexact === undefined) return value;
  if (numbers === 'refuse' || isEventItself(inexact.value)) refuseNumbers(inexact.value, text);
  return inexact.value;
}

/** Parses a required JSON body. Throws like {@link parseJsonBody}, and `MILL_NOT_JSON` for null. */
export function parseRequiredBody(body: Buffer, numbers: InexactNumbers = 'refuse'): unknown {
  const value = parseJsonBody(body, numbers);
  if (value === null) throw missingBody();
  return value;
}

/** The error for a missing body. */
export function missingBody(): MillraceError {
  return new MillraceError('MILL_NOT_JSON', 'expected a JSON body, found none, or null');
}

/** The byte-order mark that some programs put before UTF-8 is not part of the text (RFC 8259, section 8.1). */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Returns whether an event consists of one of the numbers: the engine could not tell that it was rounded. */
function isEventItself(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const events = 'events' in value ? value.events : value;
  return Array.isArray(events) && holdsInexactNumber(events);
}

function refuseNumbers(value: unknown, text: string): never {
  const lone = { path: '', message: inexactMessage(text.trim()) };
  const inexact = typeof value === 'object' ? inexactNumbersOf(value) : { issues: [lone], issueCount: 1 };
  throw new MillraceError('MILL_INVALID_REQUEST', `body: ${summaryOf(inexact)}`, { ...inexact });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MillraceError('MILL_NOT_JSON', `expected JSON, found: ${messageOf(error)}`);
  }
}

function refuseHarm(value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) refuse(`expected at most ${httpLimits.bodyDepth} levels of nesting`);
  if (Array.isArray(value)) {
    for (const item of value) refuseHarm(item, levels - 1);
    return;
  }
  for (const [key, child] of Object.entries(value)) {
    if (key === '__proto__') refuse('expected no key __proto__');
    refuseHarm(child, levels - 1);
  }
}

function refuse(message: string): never {
  throw new MillraceError('MILL_INVALID_REQUEST', `body: ${message}`, { issues: [{ path: '', message }] });
}
