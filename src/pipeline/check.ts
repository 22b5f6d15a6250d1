import { MillraceError } from '../errors.ts';
import { describeFound } from './describe-found.ts';

/** The value, if it is an integer of at least `least`. Otherwise throws `MILL_INVALID_DECLARATION` that names `what`. */
export function atLeast(least: number, value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  return invalid(`${what}: expected an integer of at least ${least}, found ${String(value)}`);
}

/** The value, if it is from 0 to 1. Otherwise throws `MILL_INVALID_DECLARATION` that names `what`. */
export function share(value: number, what: string): number {
  if (value >= 0 && value <= 1) return value;
  return invalid(`${what}: expected a number from 0 to 1, found ${String(value)}`);
}

/** The value, if it is true or false; true when there is none. Otherwise throws `MILL_INVALID_DECLARATION` that names `what`. */
export function trueUnlessFalse(value: unknown = true, what: string): boolean {
  if (typeof value === 'boolean') return value;
  return invalid(`${what}: expected true or false, found ${describeFound(value)}`);
}

/** Throws `MILL_INVALID_DECLARATION`. */
export function invalid(message: string): never {
  throw new MillraceError('MILL_INVALID_DECLARATION', message);
}
