import type { Issue } from '../errors.ts';
import { type Issues, issuesMax, shownPart } from './issues.ts';

/** The fewest digits of an integer that JavaScript rounds. */
const digitsMin = 16;
/** A pattern in every number beyond JavaScript's range, unless it has that many digits. */
const longExponent = /[eE][+-]?\d{3}/;
/** Starts where a number can start and has too many digits before its point, or an exponent, or is very close to 0. */
const maybeInexact = /(?:^|[\s:,[])-?(?:\d{16}|0\.0{300}|\d[\d.]*[eE])/;

/** `JSON.parse` with the reviver argument that ECMA-262 recently added: the source text of a primitive value. */
const parse: (
  text: string,
  reviver: (this: object, key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown = JSON.parse as never;

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Values returned by {@link findInexactNumbers} that hold such numbers at any depth, each mapped to the source text of its own ones, by
 * key.
 */
const holders = new WeakMap<object, ReadonlyMap<string, string>>();
const noSources: ReadonlyMap<string, string> = new Map();
/** The result for a value without inexact numbers, which nearly every value is. */
const nothing: Issues = { issues: [], issueCount: 0 };

/**
 * Finds numbers that JavaScript rounds in a JSON text: integers it cannot hold exactly, and numbers beyond its range. Returns the parsed
 * value, in which {@link inexactNumbersOf} knows every such number; undefined if there are none. The text must be JSON and not deeply
 * nested.
 */
export function findInexactNumbers(text: string): { readonly value: unknown } | undefined {
  if (!(hasLongNumber(text) || longExponent.test(text)) || !maybeInexact.test(text)) return undefined;
  const sources = new Map<object, Map<string, string>>();
  const value = parse(text, function (this: object, key, value, { source }) {
    if (typeof value !== 'number' || source === undefined || isKept(source, value)) return value;
    const own = sources.get(this) ?? new Map<string, string>();
    sources.set(this, own.set(key, source));
    return value;
  });
  if (sources.size === 0) return undefined;
  mark(value, sources);
  return { value };
}

/** Returns the numbers in a value that JavaScript has rounded, as issues: the places of the first ones, and their source text. */
export function inexactNumbersOf(value: unknown): Issues {
  if (sourcesIn(value) === undefined) return nothing;
  const issues: Issue[] = [];
  tell(value, '', issues);
  return { issues, issueCount: countIn(value) };
}

/** Returns whether a value directly holds a number that JavaScript has rounded, not counting nested values. */
export function holdsInexactNumber(value: unknown): boolean {
  return (sourcesIn(value)?.size ?? 0) > 0;
}

/** The message for a number that JavaScript rounds. */
export function inexactMessage(source: string): string {
  const shown = source.length > 60 ? `${source.slice(0, 60)}…` : source;
  return `expected a number that JavaScript can hold exactly, found ${shown}; send it as text`;
}

/** Replaces each number in a value that JavaScript has rounded by its source text. */
export function inexactNumbersAsText(value: unknown): void {
  const sources = sourcesIn(value);
  if (sources === undefined) return;
  const holder = value as Record<string, unknown>;
  for (const child of Object.values(holder)) inexactNumbersAsText(child);
  for (const [key, source] of sources) holder[key] = source;
}

/** Returns whether a text has a long enough run of digits and points. Looking at every sixteenth character costs next to nothing. */
function hasLongNumber(text: string): boolean {
  for (let at = digitsMin - 1; at < text.length; at += digitsMin) {
    if (!isPartOfNumber(text.charCodeAt(at))) continue;
    let from = at;
    while (isPartOfNumber(text.charCodeAt(from - 1))) from -= 1;
    let to = at;
    while (isPartOfNumber(text.charCodeAt(to + 1))) to += 1;
    if (to - from + 1 >= digitsMin) return true;
  }
  return false;
}

/** Returns whether a character is a digit or a point (or the slash between them in Unicode). */
function isPartOfNumber(unit: number): boolean {
  return unit >= 0x2e && unit <= 0x39;
}

/** Returns whether the number survives being written again. Digits lost only from a fraction do not count. */
export function isKept(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (value === 0) return !/[1-9]/.test(source.replace(/[eE].*/, ''));
  const written = integerOf(source);
  return written === undefined || written === integerOf(String(value));
}

/** Returns the digits of a decimal that is an integer; undefined for one that is not. */
function integerOf(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = decimal.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/0+$/, '');
  const zeros = whole.length + Number(exponent) - digits.length;
  return zeros < 0 ? undefined : `${sign}${digits}${'0'.repeat(zeros)}`.replace(/^(-?)0+(?=\d)/, '$1');
}

/** Remembers which values hold inexact numbers. Returns whether this one does. */
function mark(value: unknown, sources: ReadonlyMap<object, ReadonlyMap<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const own = sources.get(value);
  let isHolder = own !== undefined;
  for (const child of Object.values(value)) isHolder = mark(child, sources) || isHolder;
  if (isHolder) holders.set(value, own ?? noSources);
  return isHolder;
}

function sourcesIn(value: unknown): ReadonlyMap<string, string> | undefined {
  return typeof value === 'object' && value !== null ? holders.get(value) : undefined;
}

function tell(value: unknown, path: string, issues: Issue[]): void {
  const sources = sourcesIn(value);
  if (sources === undefined) return;
  for (const [key, child] of Object.entries(value as object)) {
    if (issues.length >= issuesMax) return;
    const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const source = sources.get(key);
    if (source === undefined) tell(child, place, issues);
    else issues.push({ path: shownPart(place), message: inexactMessage(source) });
  }
}

function countIn(value: unknown): number {
  const sources = sourcesIn(value);
  if (sources === undefined) return 0;
  return Object.values(value as object).reduce((count: number, child: unknown) => count + countIn(child), sources.size);
}
