import { describeNotJson, isPlain } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';

/** Levels of arrays and objects that a value may have. Code that walks a value recurses, and far deeper ones would exhaust its stack. */
export const levelsMax = 1_000;

/** Characters of a place that are shown. */
const pathLengthMax = 200;

/** A value that JSON does not hold as it is. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
  /** Where in the value: `items[3].at`; empty for the value itself. */
  path = '';

  constructor(found: string) {
    super(`expected JSON, found ${found}`);
  }

  /** The message with the place in front of it. `what` names the whole value. */
  describe(what: string): string {
    const path = this.shownPath;
    return `${what}${path === '' || path.startsWith('[') ? '' : '.'}${path}: ${this.message}`;
  }

  /** The place, cut where it is long: of a value that nests deeply it has as many parts as the value has levels. */
  get shownPath(): string {
    return this.path.length > pathLengthMax ? `${this.path.slice(0, pathLengthMax)}…` : this.path;
  }
}

class TooDeep extends NotJson {
  constructor() {
    super(`more than ${levelsMax} levels of nesting`);
  }
}

/**
 * Copies a value exactly as writing it as JSON and reading that again would, and throws {@link NotJson} where that would
 * change or lose something: a `Date`, a `Map`, `NaN`, a function, an instance of a class, `undefined` in an array. A property
 * that is `undefined` counts as absent. The copy shares nothing with the value, so whoever holds the value can change it and
 * the copy stays as it is.
 *
 * JSON drops properties of an array beside its items, and those of an object that have a symbol or are not enumerable. They are refused
 * where there is nothing else (`Math`, an array used as a map), and dropped beside others: to look for them there costs a third of the copy.
 */
export function copyJson(value: unknown): unknown {
  try {
    return copy(value, levelsMax);
  } catch (error) {
    throw error instanceof TooDeep ? (circleIn(value, new Set(), new Set()) ?? error) : error;
  }
}

/** The JSON text of a value that a handler gave. Throws `MILL_INVALID_EFFECT` that names the place of what JSON does not hold; `what` names the whole. */
export function effectJson(value: unknown, what: string): string {
  return JSON.stringify(effectValue(value, what));
}

/** A copy of a value that a handler gave. Throws like {@link effectJson}. */
export function effectValue(value: unknown, what: string): unknown {
  try {
    return copyJson(value);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    throw new MillraceError('MILL_INVALID_EFFECT', error.describe(what));
  }
}

function copy(value: unknown, levels: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  // JSON has no negative zero.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  if (typeof value !== 'object') throw new NotJson(describeNotJson(value));
  if (levels === 0) throw new TooDeep();
  return Array.isArray(value) ? copyArray(value, levels) : copyObject(value, levels);
}

function copyArray(items: readonly unknown[], levels: number): unknown[] {
  const copied: unknown[] = [];
  let at = 0;
  try {
    for (; at < items.length; at += 1) copied.push(copy(items[at], levels - 1));
  } catch (error) {
    throw within(`[${at}]`, error);
  }
  if (at === 0 && Object.keys(items).length > 0) throw new NotJson('an array whose properties JSON does not hold');
  return copied;
}

function copyObject(value: object, levels: number): object {
  if (!isPlain(value)) throw new NotJson(describeNotJson(value));
  const copied: Record<string, unknown> = {};
  let key = '';
  try {
    // Twice as fast as by `Object.keys`; a plain object inherits nothing that is listed.
    for (key in value) {
      const child: unknown = (value as Readonly<Record<string, unknown>>)[key];
      if (child === undefined) continue;
      // As a property of an object it would become the prototype.
      if (key === '__proto__') throw new NotJson('a key __proto__');
      copied[key] = copy(child, levels - 1);
    }
  } catch (error) {
    throw within(key, error);
  }
  // No key was seen, or the last was empty.
  if (key === '' && hidesProperties(value)) throw new NotJson('an object whose properties JSON does not hold');
  return copied;
}

function hidesProperties(value: object): boolean {
  const names = Object.getOwnPropertyNames(value);
  if (names.length > 0 && names.length !== Object.keys(value).length) return true;
  return Object.getOwnPropertySymbols(value).length > 0;
}

/** The first place at which a value holds itself, as the error that it is; undefined when it only nests too deeply. */
function circleIn(value: unknown, holders: Set<object>, searched: Set<object>): NotJson | undefined {
  if (typeof value !== 'object' || value === null || searched.has(value) || holders.size > levelsMax) return undefined;
  if (holders.has(value)) return new NotJson(`an ${Array.isArray(value) ? 'array' : 'object'} that holds itself`);
  holders.add(value);
  for (const [key, child] of Object.entries(value)) {
    const circle = circleIn(child, holders, searched);
    if (circle !== undefined) {
      within(Array.isArray(value) ? `[${key}]` : key, circle);
      return circle;
    }
  }
  holders.delete(value);
  searched.add(value);
  return undefined;
}

/** Puts a place in front of where an error is. */
function within(place: string, error: unknown): unknown {
  if (error instanceof NotJson)
    error.path = error.path === '' || error.path.startsWith('[') ? place + error.path : `${place}.${error.path}`;
  return error;
}
