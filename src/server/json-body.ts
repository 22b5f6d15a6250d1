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
 * What becomes of a number that JavaScript rounds: the body is refused, or it is left to the engine, to which the body or its
 * items go as they are. The engine then refuses the events that have one, or takes it as text where their pipeline says so.
 */
export type InexactNumbers = 'refuse' | 'by event';

/**
 * The value of a JSON body. Throws `MILL_NOT_JSON` that says where the text goes wrong, as far as the parser tells, and
 * `MILL_INVALID_REQUEST` for what would do harm further in: nesting deeper than `httpLimits.bodyDepth`, and the key
 * `__proto__`, which turns into a prototype as soon as somebody copies the object. Both are refused rather than
 * repaired: what is stored must be what was sent.
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

/** The value of a JSON body where one is required. Throws like {@link parseJsonBody}, and `MILL_NOT_JSON` for null. */
export function parseRequiredBody(body: Buffer, numbers: InexactNumbers = 'refuse'): unknown {
  const value = parseJsonBody(body, numbers);
  if (value === null) throw missingBody();
  return value;
}

/** What is said where a body is required and there is none. */
export function missingBody(): MillraceError {
  return new MillraceError('MILL_NOT_JSON', 'expected a JSON body, found none, or null');
}

/** The byte order mark that some programs put in front of UTF-8 is no part of the text (RFC 8259, section 8.1). */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Whether one of the numbers is all that its event is: the engine could not tell that it was rounded. */
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
