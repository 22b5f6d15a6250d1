import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describeFound } from '../describe-found.ts';
import { type Issues, issueLengthMax, issuesMax, shownPart } from './issues.ts';
import { isThenable } from './thenable.ts';

/** Any schema from a library that implements Standard Schema (https://standardschema.dev), such as zod or valibot. */
export type Schema = StandardSchemaV1;

export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;

/**
 * `T` if it survives a JSON round trip, otherwise a type that nothing fits. Events and states are stored as JSON, so a handler would see a
 * `Date` or a `Map` before a crash and another value after it.
 */
type Storable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends bigint | symbol | Date | Map<unknown, unknown> | Set<unknown> | ((...args: never[]) => unknown)
    ? { error: 'this value does not survive JSON' }
    : T extends object
      ? { [K in keyof T]: Storable<T[K]> }
      : T;

/** A schema whose output is JSON. */
export type StorableSchema<S extends Schema> =
  OutputOf<S> extends Storable<OutputOf<S>> ? S : StandardSchemaV1<InputOf<S>, Storable<OutputOf<S>>>;

/** A schema of states: its output is JSON, and it accepts its own output, since every state that a handler returns goes through it. */
export type StateSchema<S extends Schema> = [OutputOf<S>] extends [InputOf<S>] ? StorableSchema<S> : StandardSchemaV1<OutputOf<S>>;

export type Validated<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Issues);

/** Runs the schema over `value`. Returns a promise only if the schema itself is asynchronous. */
export function validate<S extends Schema>(schema: S, value: unknown): Validated<OutputOf<S>> | Promise<Validated<OutputOf<S>>> {
  const result = schema['~standard'].validate(value);
  return isThenable(result) ? Promise.resolve(result).then(toValidated<S>) : toValidated<S>(result);
}

function toValidated<S extends Schema>(result: StandardSchemaV1.Result<unknown>): Validated<OutputOf<S>> {
  if (result.issues === undefined) return { ok: true, value: result.value as OutputOf<S> };
  // Includes holes: an invalid issue is the schema's fault, and must not turn into a refusal.
  const issues = Array.from(result.issues.slice(0, issuesMax), (issue) => ({ path: pathOf(issue), message: messageOf(issue) }));
  return { ok: false, issues, issueCount: result.issues.length };
}

/** An untyped library may return anything. */
function messageOf({ message }: StandardSchemaV1.Issue): string {
  return shownPart(typeof message === 'string' ? message : describeFound(message));
}

/** `events[3].type`, the path notation of this project's problem details. */
function pathOf(issue: StandardSchemaV1.Issue): string {
  let path = '';
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? String(key) : `.${String(key)}`;
    if (path.length > issueLengthMax) break;
  }
  return shownPart(path);
}
