import { isUtf8 } from 'node:buffer';
import { MillraceError, messageOf } from '../errors.ts';
import { httpLimits } from './http-limits.ts';

/** A JSON text cannot nest deeper than half its length. */
const shallowLength = 2 * httpLimits.bodyDepth;
const prototypeKey = /__proto__|\\u005f/i;

/**
 * The value of a JSON body. Throws `MILL_NOT_JSON` that says where the text goes wrong, as far as the parser tells, and
 * `MILL_INVALID_REQUEST` for what would do harm further in: nesting deeper than `httpLimits.bodyDepth`, and the key
 * `__proto__`, which turns into a prototype as soon as somebody copies the object. Both are refused rather than
 * repaired: what is stored must be what was sent.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw new MillraceError('MILL_NOT_JSON', 'expected JSON in UTF-8, found bytes that are not UTF-8');
  const text = body.toString();
  const value = parse(text);
  if (text.length > shallowLength || prototypeKey.test(text)) refuseHarm(value, httpLimits.bodyDepth);
  return value;
}

/** The value of a JSON body where one is required. Throws like {@link parseJsonBody}, and `MILL_NOT_JSON` for null. */
export function parseRequiredBody(body: Buffer): unknown {
  const value = parseJsonBody(body);
  if (value === null) throw missingBody();
  return value;
}

/** What is said where a body is required and there is none. */
export function missingBody(): MillraceError {
  return new MillraceError('MILL_NOT_JSON', 'expected a JSON body, found none, or null');
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
