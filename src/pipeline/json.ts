import { describeNotJson, isPlain } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';

/** Maximum nesting of arrays and objects. Code that walks a value recurses, and much deeper values would exhaust its stack. */
export const levelsMax = 1_000;

/** Maximum characters shown of a place. */
const pathLengthMax = 200;

/** Thrown for a value that JSON cannot hold unchanged. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
  /** The place in the value, `items[3].at`; empty for the value itself. */
  path = '';

  constructor(found: string) {
    super(`expected JSON, found ${found}`);
  }

  /** Returns the message, prefixed with the place. `what` names the whole value. */
  describe(what: string): string {
    const path = this.shownPath;
    return `${what}${path === '' || path.startsWith('[') ? '' : '.'}${path}: ${this.message}`;
  }

  /** The place, shortened if long: for a deeply nested value it has as many parts as there are levels. */
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
 * Copies a value exactly as a JSON round trip would, and throws {@link NotJson} if that would change or lose something: a `Date`, a `Map`,
 * `NaN`, a function, an instance of a class, `undefined` in an array. A property that is `undefined` counts as absent. The copy shares
 * nothing with the value, so later changes to the value leave the copy alone.
 *
 * JSON drops non-index properties of arrays, and symbol or non-enumerable properties of objects. A value with only such properties (`Math`,
 * an array used as a map) is refused; beside others they are dropped, because looking for them would add a third to the cost of the copy.
 */
export function copyJson(value: unknown): unknown {
  try {
    return copy(value, levelsMax);
  } catch (error) {
    throw error instanceof TooDeep ? (circleIn(value, new Set(), new Set()) ?? error) : error;
  }
}

/**
 * Returns a handler's value as JSON text. Throws `MILL_INVALID_EFFECT` with the place of anything JSON cannot hold; `what` names the whole.
 */
export function effectJson(value: unknown, what: string): string {
  return JSON.stringify(effectValue(value, what));
}

/** Copies a handler's value. Throws like {@link effectJson}. */
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
  if (at === 0 && Object.keys(items).length > 0) throw new NotJson('an array with properties that JSON drops');
  return copied;
}

function copyObject(value: object, levels: number): object {
  if (!isPlain(value)) throw new NotJson(describeNotJson(value));
  const copied: Record<string, unknown> = {};
  let key = '';
  try {
    // Twice as fast as `Object.keys`; a plain object inherits no enumerable properties.
    for (key in value) {
      const child: unknown = (value as Readonly<Record<string, unknown>>)[key];
      if (child === undefined) continue;
      // As an object's property it would become the prototype.
      if (key === '__proto__') throw new NotJson('a key __proto__');
      copied[key] = copy(child, levels - 1);
    }
  } catch (error) {
    throw within(key, error);
  }
  // There were no keys, or the last was empty.
  if (key === '' && hidesProperties(value)) throw new NotJson('an object with properties that JSON drops');
  return copied;
}

function hidesProperties(value: object): boolean {
  const names = Object.getOwnPropertyNames(value);
  if (names.length > 0 && names.length !== Object.keys(value).length) return true;
  return Object.getOwnPropertySymbols(value).length > 0;
}

/** Returns the error for the first place where a value contains itself; undefined if the value is merely nested too deeply. */
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

/** Prefixes an error's place with another one. */
function within(place: string, error: unknown): unknown {
  if (error instanceof NotJson)
    error.path = error.path === '' || error.path.startsWith('[') ? place + error.path : `${place}.${error.path}`;
  return error;
}
