import type { Issue } from '../errors.ts';
import { type Issues, issuesMax, shownPart } from './issues.ts';

/** Digits that every number needs to be an integer that JavaScript rounds. */
const digitsMin = 16;
/** What every number beyond JavaScript's range has, unless it has as many digits. */
const longExponent = /[eE][+-]?\d{3}/;
/** Begins where a number can begin, and has so many digits before its point, or an exponent, or is very close to 0. */
const maybeInexact = /(?:^|[\s:,[])-?(?:\d{16}|0\.0{300}|\d[\d.]*[eE])/;

/** `JSON.parse` with what ECMA-262 hands to a reviver of late: how a primitive value was written. */
const parse: (
  text: string,
  reviver: (this: object, key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown = JSON.parse as never;

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * The values out of {@link findInexactNumbers} that hold such numbers, at whatever depth: how those were written that they hold
 * themselves, by key.
 */
const holders = new WeakMap<object, ReadonlyMap<string, string>>();
const noSources: ReadonlyMap<string, string> = new Map();
/** Told of a value in which nothing was found, which is nearly every one. */
const nothing: Issues = { issues: [], issueCount: 0 };

/**
 * Looks for numbers that JavaScript rounds in a JSON text: integers that it cannot keep exactly, and numbers that are beyond its
 * range. Returns the value of the text, in which {@link inexactNumbersOf} knows every such number; undefined when there
 * is none. The text must be JSON and must not nest deeply.
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

/** The numbers in a value that JavaScript has rounded, as issues: the places of the first, and how they were written. */
export function inexactNumbersOf(value: unknown): Issues {
  if (sourcesIn(value) === undefined) return nothing;
  const issues: Issue[] = [];
  tell(value, '', issues);
  return { issues, issueCount: countIn(value) };
}

/** Whether a value itself, not a part of it, holds a number that JavaScript has rounded. */
export function holdsInexactNumber(value: unknown): boolean {
  return (sourcesIn(value)?.size ?? 0) > 0;
}

/** What is said of a number that JavaScript rounds. */
export function inexactMessage(source: string): string {
  const shown = source.length > 60 ? `${source.slice(0, 60)}…` : source;
  return `expected a number that JavaScript can keep exactly, found ${shown}; send it as text`;
}

/** Puts the text of each number in a value that JavaScript has rounded in its place. */
export function inexactNumbersAsText(value: unknown): void {
  const sources = sourcesIn(value);
  if (sources === undefined) return;
  const holder = value as Record<string, unknown>;
  for (const child of Object.values(holder)) inexactNumbersAsText(child);
  for (const [key, source] of sources) holder[key] = source;
}

/** Whether there are so many digits and points in a row. One look at every sixteenth character costs next to nothing. */
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

/** A digit or a point (or the slash that stands between them in Unicode). */
function isPartOfNumber(unit: number): boolean {
  return unit >= 0x2e && unit <= 0x39;
}

/** Whether the number, written again, is the one that was written. Digits that only a fraction loses do not count. */
export function isKept(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  if (value === 0) return !/[1-9]/.test(source.replace(/[eE].*/, ''));
  const written = integerOf(source);
  return written === undefined || written === integerOf(String(value));
}

/** The digits of a decimal that is an integer; undefined for one that is none. */
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
