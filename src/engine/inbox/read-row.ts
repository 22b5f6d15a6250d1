import { MillraceError, messageOf } from '../../errors.ts';
import { findInexactNumbers, inexactMessage } from '../../pipeline/inexact-numbers.ts';
import type { InboxRow } from '../../store/store.ts';
import type { Limits } from '../limits.ts';

/** The beginning of a dead letter's origin that was a row of the inbox. */
const originStart = '{"millrace_inbox":';

/**
 * Returns the event value of a row. Throws `MILL_BODY_TOO_LARGE` for a text longer than an event may be, and `MILL_INVALID_EVENT` for one
 * that is not JSON, or consists of a single number that JavaScript rounds; other such numbers are remembered by the engine.
 */
export function readRow({ event: text, length }: InboxRow, pipeline: string, { eventBytes }: Pick<Limits, 'eventBytes'>): unknown {
  if (length > eventBytes) {
    const message = `pipeline ${pipeline}: expected an event of at most ${eventBytes} bytes, found a text of ${length} characters`;
    throw new MillraceError('MILL_BODY_TOO_LARGE', message);
  }
  const value = parse(text, pipeline);
  if (typeof value === 'number' && !isExact(text)) throw invalid(pipeline, inexactMessage(text.trim()));
  return value;
}

/**
 * Returns a row as the origin of its dead letter, as JSON: with the original text of its event, as far as it was read, and its full length.
 */
export function originOf({ place, id, traceparent, event, length }: InboxRow, { eventBytes }: Pick<Limits, 'eventBytes'>): string {
  return JSON.stringify({ millrace_inbox: place, id, traceparent, event, ...(length > eventBytes && { length }) });
}

/** The part of an inbox row that a dead letter contains. */
export interface RowInLetter extends Pick<InboxRow, 'id' | 'traceparent' | 'event'> {
  /** True if it has only the beginning of the event. */
  readonly isCut: boolean;
}

/** Returns the inbox row that a dead letter's origin describes; undefined for another origin. */
export function rowIn(origin: string): RowInLetter | undefined {
  if (!origin.startsWith(originStart)) return undefined;
  const { id, traceparent, event, length } = JSON.parse(origin);
  return { id, traceparent, event, isCut: length !== undefined };
}

function parse(text: string, pipeline: string): unknown {
  try {
    return (findInexactNumbers(text) ?? { value: JSON.parse(text) }).value;
  } catch (error) {
    throw invalid(pipeline, `expected JSON, found: ${messageOf(error)}`);
  }
}

function isExact(text: string): boolean {
  return findInexactNumbers(text) === undefined;
}

function invalid(pipeline: string, message: string): MillraceError {
  const issues = [{ path: '', message }];
  return new MillraceError('MILL_INVALID_EVENT', `pipeline ${pipeline}: ${message}`, { issues });
}
