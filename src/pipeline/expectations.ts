import { describeFunction, isPlain } from '../describe-found.ts';
import { type Check, checkOptions, type OptionTable } from './check-options.ts';
import { type Duration, toMs } from './duration.ts';
import { isMoment } from './moment.ts';
import { Place } from './place.ts';
import type { Schema } from './schema.ts';

/** Makes a check from a predicate; `expectation` says in messages what would be right. */
export function expect(expectation: string, isRight: (value: unknown) => boolean): Check {
  return (value, place) => {
    if (!isRight(value)) place.expected(expectation, value);
  };
}

/** A function that may return a promise. `such` shows an example in messages. */
export function aFunction(such?: string): Check {
  return functionOf(['a function', 'an async function'], `a function${suchAs(such)}`);
}

/** A function whose result is needed at once: a promise would be mistaken for the result. */
export function synchronous(such?: string): Check {
  return functionOf(['a function'], `a synchronous function${suchAs(such)}`);
}

/** A function that may also be a generator. */
export const anyFunction: Check = (value, place) => {
  if (typeof value !== 'function' || describeFunction(value) === 'a class') place.expected('a function', value);
};

function functionOf(kinds: readonly string[], expectation: string): Check {
  return expect(expectation, (value) => typeof value === 'function' && kinds.includes(describeFunction(value)));
}

function suchAs(such: string | undefined): string {
  return such === undefined ? '' : `, such as ${such}`;
}

/** A text that is not empty. */
export const text: Check = expect('a non-empty text', (value) => typeof value === 'string' && value !== '');

export const trueOrFalse: Check = expect('true or false', (value) => typeof value === 'boolean');

/** A number from 0 to 1. */
export const share: Check = expect('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1);

/** An integer that JavaScript holds exactly. */
export function integerFrom(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return expect(`an integer ${range}`, (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most);
}

/** Milliseconds or a text such as `5s`. */
export const duration: Check = (value, place) => void toDuration(value, place);

/** A duration of whole milliseconds, at least one. */
export const wholeDuration: Check = (value, place) => {
  const ms = toDuration(value, place);
  if (ms < 1 || !Number.isInteger(ms)) place.expected('a duration of whole milliseconds, at least 1', value);
};

/** Returns a duration in milliseconds, and refuses anything else. */
export function toDuration(value: unknown, place: Place): number {
  return toMs(value as Duration, String(place), place.code);
}

/** A moment as a clock gives it. */
export const moment: Check = expect(
  'milliseconds since 1970 that a Date can show',
  (value) => typeof value === 'number' && isMoment(value),
);

/** One of a few texts. */
export function oneOf(...texts: readonly string[]): Check {
  return expect(texts.join(' or '), (value) => typeof value === 'string' && texts.includes(value));
}

/** Either one specific value or an object of options; `expectation` names both. */
export function either<Options>(value: unknown, expectation: string, table: OptionTable<Options>): Check {
  return (found, place) => {
    if (found === value) return;
    if (typeof found !== 'object' || found === null) place.expected(expectation, found);
    checkOptions(found, table, place);
  };
}

/** An object of options. */
export function options<Options>(table: OptionTable<Options>): Check {
  return (value, place) => checkOptions(value, table, place);
}

/** An array of `what`, with every item checked. */
export function arrayOf(what: string, check: Check): Check {
  return (value, place: Place) => {
    if (!Array.isArray(value)) place.expected(`an array of ${what}`, value);
    for (const [at, item] of value.entries()) check(item, place.at(at));
  };
}

/** Returns whether a value is a plain object. An array is not. */
export function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && isPlain(value);
}

/** An object of `what` under names the user chose. */
export function named(what: string, check: Check, checkName?: (name: string, place: Place) => void): Check {
  return (value, place: Place) => {
    if (!isPlainObject(value)) place.expected(`an object of ${what} by name`, value);
    for (const [name, item] of Object.entries(value)) {
      checkName?.(name, place);
      check(item, place.at(name));
    }
  };
}

/** An object of any class that has these methods; the optional ones may be absent. `what` names it in messages. */
export function objectWith(what: string, methods: readonly string[], optional: readonly string[] = []): Check {
  return (value, place: Place) => {
    if (typeof value !== 'object' || value === null) place.expected(what, value);
    const isFunction = (method: string) => typeof Reflect.get(value, method) === 'function';
    const missing = methods.find((method) => !isFunction(method));
    if (missing !== undefined) place.refuse(`expected ${what}, found an object without a function ${missing}`);
    const wrong = optional.find((method) => Reflect.get(value, method) !== undefined && !isFunction(method));
    if (wrong !== undefined) place.at(wrong).expected('a function', Reflect.get(value, wrong));
  };
}

/** Returns whether a value is a Standard Schema. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  const standard: unknown = Reflect.get(value, '~standard');
  return typeof standard === 'object' && standard !== null && typeof Reflect.get(standard, 'validate') === 'function';
}

export const schema: Check = expect('a Standard Schema, such as one of zod', isSchema);

/** Throws `MILL_INVALID_DECLARATION` for anything but a schema; `call` is the function that received it. */
export function checkSchema(call: string, value: unknown): void {
  if (!isSchema(value)) schema(value, new Place(call, 'MILL_INVALID_DECLARATION'));
}
