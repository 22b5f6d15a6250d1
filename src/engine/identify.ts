import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { inexactNumbersAsText, inexactNumbersOf } from '../pipeline/inexact-numbers.ts';
import { type Issues, shownPart, summaryOf } from '../pipeline/issues.ts';
import { copyJson, NotJson } from '../pipeline/json.ts';
import { numberMax } from '../pipeline/number.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { type Validated, validate } from '../pipeline/schema.ts';
import { isStorableText } from '../pipeline/text.ts';
import { isThenable } from '../pipeline/thenable.ts';
import type { Store } from '../store/store.ts';
import { bytesOfValue } from './bytes-of-value.ts';
import type { Clock } from './clock.ts';
import { within } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import type { Limits } from './limits.ts';
import { bytesOfJson, type Memory } from './memory.ts';
import { traceparentOf } from './tracing.ts';

/** Maximum bytes of a UTF-16 unit in UTF-8. */
const utf8BytesMax = 3;

/** Maximum bytes in memory for each byte of an event. */
const inputBytesMax = 32;

const theSchema = "the event's schema";

/** Optional details that a caller passes with an event. */
export interface IngestOptions {
  /**
   * An idempotency key: a second event with the same one is a duplicate. Refused (`MILL_INVALID_REQUEST`) if it contradicts the event's own
   * id, or if numbers identify events.
   */
  readonly id?: string | undefined;
  /** The trace the event belongs to, as a W3C Trace Context `traceparent`; ignored if malformed. */
  readonly traceparent?: string | undefined;
}

/** Details that the engine's own parts pass with an event. */
export interface Provenance extends IngestOptions {
  /** The origin from which a source made the event, as JSON. */
  readonly origin?: string | undefined;
  /** True if a schedule's run brings it. A run logs every refusal itself. */
  readonly isOfRun?: boolean;
}

/** The dependencies of identification. */
export interface Identification {
  readonly clock: Clock;
  /** Returns an id for an event without one; later ids sort later. */
  newId(): string;
  readonly limits: Limits;
  readonly store: Pick<Store, 'partitions' | 'keyBytesMax'>;
  readonly memory: Memory;
}

/**
 * Validates an input and identifies the event: its key, id, number and partition. Throws `MILL_INVALID_EVENT` with the expected and the
 * found value, and `MILL_PIPELINE_FAILED` if the pipeline itself is wrong. Returns a promise only if the schema is asynchronous; it rejects
 * with `MILL_VALIDATION_TIMEOUT` if the schema takes too long.
 */
export function identify(
  means: Identification,
  pipeline: AnyPipeline,
  input: unknown,
  options: Provenance = {},
): Outgoing | Promise<Outgoing> {
  if (pipeline.inexactNumbers === 'text') inexactNumbersAsText(input);
  else refuseInexactNumbers(pipeline, input);
  const validated = validatedBy(pipeline, input);
  return validated instanceof Promise
    ? inTime(means, pipeline, { input, validated }).then((result) => toOutgoing(means, pipeline, result, options))
    : toOutgoing(means, pipeline, validated, options);
}

/**
 * Waits for an asynchronous schema up to the time limit: it may depend on something that never comes. Until it answers, the input takes up
 * memory.
 */
async function inTime(
  { clock, limits, memory: { arriving, lateAnswers } }: Identification,
  pipeline: AnyPipeline,
  { input, validated }: { readonly input: unknown; readonly validated: Promise<Validated<unknown>> },
): Promise<Validated<unknown>> {
  const { validationMs } = limits;
  const bytes = bytesOfInput(input, limits);
  const result = validated.catch((thrown: unknown) => failed(pipeline, theSchema, thrown));
  arriving.change(bytes);
  try {
    if (await within(clock, validationMs, (deadline) => deadline.race(result))) return await result;
  } finally {
    arriving.change(-bytes);
  }
  lateAnswers.hold(validated, bytes);
  const message = `pipeline ${pipeline.name}: ${theSchema} has not answered within ${validationMs} ms`;
  throw new MillraceError('MILL_VALIDATION_TIMEOUT', message, { retryAfterMs: 1_000 });
}

/** Estimates the bytes of a caller's input for an event. Beyond the size of the largest event the exact number does not matter. */
export function bytesOfInput(input: unknown, { eventBytes }: Pick<Limits, 'eventBytes'>): number {
  return bytesOfValue(input, inputBytesMax * eventBytes);
}

function validatedBy(pipeline: AnyPipeline, input: unknown): ReturnType<typeof validate> {
  try {
    return validate(pipeline.event, input);
  } catch (thrown) {
    return failed(pipeline, theSchema, thrown);
  }
}

function toOutgoing(means: Identification, pipeline: AnyPipeline, validated: Validated<unknown>, options: Provenance): Outgoing {
  if (!validated.ok) throw invalidEvent(pipeline, validated);
  const { value } = validated;
  if (value === undefined) throw invalidBy(pipeline, 'expected an event as JSON, found nothing');
  const { limits } = means;
  const acceptedAt = means.clock.now();
  const number = pipeline.order === undefined ? null : numberOf(pipeline, value);
  const own = number === null ? idOf(pipeline, value) : undefined;
  const chosen = options.id === undefined ? own : agreedId(pipeline, { number, own, given: options.id });
  if (chosen !== undefined) checkName(means, pipeline, 'id', chosen);
  const declaredKey = keyOf(pipeline, value);
  if (declaredKey !== undefined) checkName(means, pipeline, 'key', declaredKey);
  // After all functions of the pipeline: their changes to the event are in its body, too.
  const event = storable(pipeline, value);
  const body = JSON.stringify(event);
  if (body.length * utf8BytesMax > limits.eventBytes && Buffer.byteLength(body) > limits.eventBytes) {
    throw new MillraceError('MILL_BODY_TOO_LARGE', `pipeline ${pipeline.name}: expected an event of at most ${limits.eventBytes} bytes`);
  }
  const id = number === null ? (chosen ?? means.newId()) : `${declaredKey}#${number}`;
  const key = declaredKey ?? id;
  const partition = { pipeline: pipeline.name, slice: sliceOfKey(pipeline, key, means.store.partitions) };
  const knownSince = chosen === undefined ? null : acceptedAt - pipeline.deduplicationWindowMs;
  const traceparent = traceparentOf(options.traceparent);
  const origin = options.origin ?? null;
  const stored = { partition, key, id, knownSince, number, acceptedAt, body, traceparent, origin };
  return { stored, event, bytes: bytesOfJson(body, event) };
}

/** Returns the caller's id, unless the event itself says otherwise: under another id it could be taken twice. */
function agreedId(
  { name }: AnyPipeline,
  { number, own, given }: { readonly number: number | null; readonly own: string | undefined; readonly given: string },
): string {
  if (number === null && (own === undefined || own === given)) return given;
  const instead = number === null ? `whose own id is ${describeFound(own)}` : 'identified by its number';
  throw new MillraceError(
    'MILL_INVALID_REQUEST',
    `pipeline ${name}: expected no id (Idempotency-Key) with an event ${instead}, found ${describeFound(given)}`,
  );
}

/**
 * Returns whether all keys of a pipeline live in one slice. With a schedule they live in the schedule's slice, so that whoever makes a run
 * also processes its events.
 */
export function isTogether({ schedule }: AnyPipeline): boolean {
  return schedule !== undefined;
}

/** Returns the slice of a pipeline that a key lives in. */
export function sliceOfKey(pipeline: AnyPipeline, key: string, partitions: number): number {
  return sliceOf(isTogether(pipeline) ? pipeline.name : key, partitions);
}

/** FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), 32 bits, over UTF-16 units. Must never change: it decides where a key lives. */
export function sliceOf(key: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % partitions;
}

function numberOf(pipeline: AnyPipeline, event: unknown): number {
  const number = declared(pipeline, 'order.by()', event, () => numberFrom(pipeline.order?.by(event)));
  const from = pipeline.order?.from ?? 1;
  if (Number.isSafeInteger(number) && number >= from && number <= numberMax) return number;
  throw invalidBy(pipeline, `number: expected an integer from ${from} to ${numberMax}, found ${number}`);
}

/** Returns the event's own id, if it has one. */
function idOf(pipeline: AnyPipeline, event: unknown): string | undefined {
  if (pipeline.id === undefined) return undefined;
  return declared(pipeline, 'id()', event, () => {
    const id = pipeline.id?.(event);
    return id === undefined ? undefined : textFrom(id);
  });
}

function keyOf(pipeline: AnyPipeline, event: unknown): string | undefined {
  if (pipeline.key === undefined) return undefined;
  return declared(pipeline, 'key()', event, () => textFrom(pipeline.key?.(event)));
}

/** Refuses numbers that JavaScript rounded while parsing the body: they are not what was sent. */
function refuseInexactNumbers(pipeline: AnyPipeline, input: unknown): void {
  const inexact = inexactNumbersOf(input);
  if (inexact.issueCount > 0) throw invalidEvent(pipeline, inexact);
}

/** Returns the event as every attempt will see it: exactly as its body describes it. */
function storable(pipeline: AnyPipeline, value: unknown): unknown {
  try {
    return copyJson(value);
  } catch (thrown) {
    if (thrown instanceof NotJson) throw invalidBy(pipeline, thrown.message, shownPart(thrown.shownPath));
    return failed(pipeline, theSchema, thrown);
  }
}

function checkName({ limits, store: { keyBytesMax } }: Identification, pipeline: AnyPipeline, what: string, name: string): void {
  const lengthMax = limits.keyLength;
  if (name.length > 0 && name.length <= lengthMax && isStorableText(name)) {
    if (keyBytesMax === undefined || name.length * utf8BytesMax <= keyBytesMax) return;
    const bytes = Buffer.byteLength(name);
    if (bytes <= keyBytesMax) return;
    throw invalidBy(pipeline, `${what}: expected at most ${keyBytesMax} bytes in UTF-8, the database's limit, found ${bytes}`);
  }
  const found = name.length > lengthMax ? `one of ${name.length}` : describeFound(name);
  const message = `${what}: expected well-formed text of 1 to ${lengthMax} characters without U+0000, found ${found}`;
  throw invalidBy(pipeline, message);
}

/** Returns the beginning of a text, as long as a key may be. */
export function asKey(text: string, { limits, store: { keyBytesMax } }: Pick<Identification, 'limits' | 'store'>): string {
  const lengthMax = Math.min(limits.keyLength, Math.floor((keyBytesMax ?? Number.POSITIVE_INFINITY) / utf8BytesMax));
  return text.slice(0, lengthMax).toWellFormed();
}

/**
 * Runs a function of the pipeline. An exception is the pipeline's fault and not the caller's, unless the event is null: a schema may let
 * null pass, and no function can read it.
 */
function declared<T>(pipeline: AnyPipeline, what: string, event: unknown, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (event === null) throw invalidBy(pipeline, 'expected an event, found null');
    return failed(pipeline, what, thrown);
  }
}

function textFrom(found: unknown): string {
  return typeof found === 'string' ? found : wrongType('text', found);
}

function numberFrom(found: unknown): number {
  return typeof found === 'number' ? found : wrongType('a number', found);
}

/** An untyped program may return anything. */
function wrongType(expected: string, found: unknown): never {
  if (!isThenable(found)) throw new TypeError(`expected ${expected}, found ${describeFound(found)}`);
  // Nobody waits for it.
  Promise.resolve(found).catch(() => undefined);
  throw new TypeError(`expected ${expected}, found a promise`);
}

/** Callers may know only the message; the thrown error is the cause, and goes to the log. */
function failed(pipeline: AnyPipeline, what: string, cause: unknown): never {
  throw new MillraceError('MILL_PIPELINE_FAILED', `pipeline ${pipeline.name}: ${what} failed`, { cause });
}

function invalidEvent({ name }: AnyPipeline, { issues, issueCount }: Issues): MillraceError {
  return new MillraceError('MILL_INVALID_EVENT', `pipeline ${name}: ${summaryOf({ issues, issueCount })}`, { issues, issueCount });
}

function invalidBy(pipeline: AnyPipeline, message: string, path = ''): MillraceError {
  return invalidEvent(pipeline, { issues: [{ path, message }], issueCount: 1 });
}
