import { nearestName } from './nearest-name.ts';
import type { Place } from './place.ts';

/** Checks an option's value, and refuses a wrong one at its place. */
export type Check = (value: unknown, place: Place) => void;

/** An option whose check also sees undefined: always if it is `required`; if it is `explicit`, only when the option is written. */
interface Demand {
  readonly presence: 'required' | 'explicit';
  readonly check: Check;
}

/**
 * A check for each option of an interface. An option without an entry does not compile, so table and interface stay in step. An
 * option that is undefined counts as absent, and a plain check never sees it.
 */
export type OptionTable<Options> = Readonly<Record<keyof Options & string, Check | Demand>>;

/** An option that must be given. */
export function required(check: Check): Demand {
  return { presence: 'required', check };
}

/** An option that may be left out but not written as undefined: writing it means wanting it. */
export function explicit(check: Check): Demand {
  return { presence: 'explicit', check };
}

/**
 * Checks an object of options from a program that may not use a compiler. Refuses any value that breaks the table, giving the option's
 * path, and any name missing from the table.
 */
export function checkOptions<Options>(options: unknown, table: OptionTable<Options>, place: Place): void {
  const checks: Readonly<Record<string, Check | Demand>> = table;
  if (!isOptions(options)) place.expected(`an object of options (${Object.keys(checks).join(', ')})`, options);
  for (const name in options) if (!Object.hasOwn(checks, name)) refuseUnknown(name, Object.keys(checks), place);
  for (const [name, check] of Object.entries(checks)) checkOption(options, name, check, place.at(name));
}

/** Throws that no option has that name, and suggests the name that was probably meant. */
export function refuseUnknown(name: string, known: readonly string[], place: Place): never {
  const near = nearestName(name, known);
  const meant = near === undefined ? `the options are ${known.join(', ')}` : `did you mean ${near}?`;
  return place.refuseName(name, `is no option; ${meant}`);
}

function checkOption(options: object, name: string, option: Check | Demand, place: Place): void {
  const value: unknown = Reflect.get(options, name);
  if (typeof option === 'function') {
    if (value !== undefined) option(value, place);
    return;
  }
  const { presence, check } = option;
  if (value !== undefined || presence === 'required' || name in options) check(value, place);
}

/**
 * Returns whether a value is an object whose properties are options. An instance of a user's class may be; a map, a date or a promise is
 * not.
 */
function isOptions(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const tag = Object.prototype.toString.call(value);
  return tag === '[object Object]' || tag === '[object Module]';
}
