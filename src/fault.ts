import { describeFound } from './describe-found.ts';
import { type ErrorCode, errorTable, isError, isInstance, MillraceError, messageOf } from './errors.ts';
import { toStorableText } from './pipeline/text.ts';

/** A thrown value as text, for logs and dead letters. Reading it runs no user code, whatever was thrown. */
export interface Fault {
  /** The message of the thrown value. */
  readonly reason: string;
  /** The stack, the chain of causes, and the errors of an `AggregateError`; null when nothing was thrown. */
  readonly stack: string | null;
}

/** Maximum characters of a reason. */
export const reasonLengthMax = 4_000;
/** Maximum characters of a stack with all its causes. */
export const stackLengthMax = 8_192;
/** Maximum characters of one error's message in a stack, so that a long message hides no frames. */
const headLengthMax = 1_000;
/** Maximum characters of one error's frames, so that they hide no causes. */
const framesLengthMax = 4_000;
/** Maximum errors in one stack: the thrown one, its causes, and the members of an `AggregateError`. */
const errorsMax = 8;

/** Describes anything user code threw: an error, some other value, or an object that throws when it is read. */
export function faultOf(thrown: unknown): Fault {
  return { reason: toStorableText(reasonOf(thrown), reasonLengthMax), stack: stackOf(thrown) };
}

/** Formats a fault as log fields. */
export function faultFields({ reason, stack }: Fault): { readonly reason: string; readonly stack?: string } {
  return stack === null ? { reason } : { reason, stack };
}

/** Returns the code of one of Millrace's own errors; undefined for anything else. */
export function codeOf(thrown: unknown): ErrorCode | undefined {
  const code = isInstance(thrown, MillraceError) ? propertyOf(thrown, 'code') : undefined;
  return typeof code === 'string' && isCode(code) ? code : undefined;
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}

/** Returns the stack alone; see {@link Fault}. */
export function stackOf(thrown: unknown): string {
  const parts: string[] = [];
  addTo(parts, '', thrown, new Set());
  return toStorableText(parts.join('\n'), stackLengthMax);
}

function reasonOf(thrown: unknown): string {
  if (!isError(thrown)) return messageOf(thrown);
  const message = messageOf(thrown);
  // Callers see this error's message too, so it says no more than they may know.
  if (codeOf(thrown) === 'MILL_PIPELINE_FAILED' && hasCause(thrown)) return `${message}: ${messageOf(propertyOf(thrown, 'cause'))}`;
  return message === '' ? nameOf(thrown) : message;
}

/** Returns whether an error has a cause. The cause may be undefined, since anything can be thrown. */
function hasCause(error: Error): boolean {
  try {
    return 'cause' in error;
  } catch {
    return false;
  }
}

function nameOf(error: Error): string {
  const name = propertyOf(error, 'name');
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

/** Adds an error and its causes. A chain of causes may loop back to itself. */
function addTo(parts: string[], prefix: string, thrown: unknown, seen: Set<unknown>): void {
  if (seen.has(thrown) || seen.size === errorsMax) return;
  seen.add(thrown);
  parts.push(prefix + textOf(thrown));
  if (!isError(thrown)) return;
  for (const one of errorsOf(thrown)) addTo(parts, 'One of several: ', one, seen);
  const cause = propertyOf(thrown, 'cause');
  if (cause !== undefined) addTo(parts, 'Caused by: ', cause, seen);
}

function textOf(thrown: unknown): string {
  if (!isError(thrown)) return `${describeFound(thrown)} (not an Error, so its origin is unknown)`;
  const stack = propertyOf(thrown, 'stack');
  if (typeof stack !== 'string' || stack === '') return `${nameOf(thrown)}: ${messageOf(thrown)}`;
  // Scans each line break once: a message may hold a million of them.
  const framesAt = stack.search(/\n[ \t]+at /);
  if (framesAt === -1) return toStorableText(stack, stackLengthMax);
  const leadsOn = codeOf(thrown) !== undefined && propertyOf(thrown, 'cause') !== undefined;
  return (
    toStorableText(stack.slice(0, framesAt), headLengthMax) +
    toStorableText(withoutOwnFrames(stack.slice(framesAt), leadsOn), framesLengthMax)
  );
}

/**
 * Drops Millrace's frames at the end of a stack, which are the same for every handler. Keeps them when there are no others, unless this is
 * a Millrace error whose cause leads to user code.
 */
function withoutOwnFrames(frames: string, leadsOn: boolean): string {
  const lines = frames.split('\n');
  const last = lines.findLastIndex((line) => line !== '' && !isOwnFrame(line));
  if (last === -1) return leadsOn ? '' : frames;
  return lines.slice(0, last + 1).join('\n');
}

const here = new URL('.', import.meta.url).href;

function isOwnFrame(line: string): boolean {
  const frame = line.trimStart();
  if (!frame.startsWith('at ')) return false;
  // V8 names no file for frames of its own: `at <anonymous>`, `at new Promise (<anonymous>)`.
  if (/<anonymous>\)?$/.test(frame)) return true;
  return frame.includes(here) || frame.includes('node:') || frame.includes('/node_modules/piscina/');
}

function errorsOf(error: Error): readonly unknown[] {
  const errors = isInstance(error, AggregateError) ? propertyOf(error, 'errors') : undefined;
  return Array.isArray(errors) ? errors.slice(0, errorsMax) : [];
}

/** Returns a property of a thrown value; undefined if reading it throws. */
export function propertyOf(error: Error, name: string): unknown {
  try {
    return Reflect.get(error, name);
  } catch {
    return undefined;
  }
}
