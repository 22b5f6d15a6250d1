import { describeFound } from '../describe-found.ts';
import { type ColumnKind, enumeratedBy, isNullable, kindOf } from './declared-table.ts';
import { isKept } from './inexact-numbers.ts';
import { isMomentText } from './moment.ts';
import type { ColumnType, FoundValue } from './table.ts';

/** A value that does not fit its column's type, and its placeholder. */
export class UnreadableValue {
  readonly found: FoundValue;
  readonly placeholder: unknown;
  /** The expected and the found value. */
  readonly message: string;

  constructor(found: FoundValue, expected: string, placeholder: unknown, shown = describeValue(found)) {
    this.found = found;
    this.placeholder = placeholder;
    this.message = `expected ${expected}, found ${shown}`;
  }
}

/** Converts a database value to JavaScript, or to an {@link UnreadableValue}. */
export type ReadValue = (found: FoundValue) => unknown;

const integers = `an integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;

const readers: Readonly<Record<ColumnKind, ReadValue>> = {
  text: (found) => (typeof found === 'string' ? found : new UnreadableValue(found, 'text', '')),
  integer: (found) => (Number.isSafeInteger(found) ? found : new UnreadableValue(found, integers, Math.round(nearestNumber(found)))),
  real: (found) => (Number.isFinite(found) ? found : new UnreadableValue(found, 'a finite number', nearestNumber(found))),
  boolean: (found) => (found === 0 || found === 1 ? found === 1 : new UnreadableValue(found, '0 or 1', found !== null)),
  json: readJson,
  moment: readMoment,
};

/** Returns a reader for a column as the table declares it. */
export function columnReader(type: ColumnType): ReadValue {
  const enumerated = enumeratedBy(type);
  const read = enumerated === undefined ? readers[kindOf(type)] : enumerationReader(enumerated);
  return isNullable(type) ? (found) => (found === null ? null : read(found)) : read;
}

function enumerationReader(texts: readonly string[]): ReadValue {
  const known = new Set<FoundValue>(texts);
  const expected = `one of ${texts.map((text) => JSON.stringify(text)).join(', ')}`;
  return (found) => (known.has(found) ? found : new UnreadableValue(found, expected, texts[0]));
}

/** A moment finer than milliseconds, possible only in a column the user created. */
const finerMoment = /^(.{19}\.\d{3})\d+Z$/;

function readMoment(found: FoundValue): unknown {
  if (typeof found === 'string' && isMomentText(found)) return found;
  const cut = `${typeof found === 'string' ? finerMoment.exec(found)?.[1] : ''}Z`;
  return new UnreadableValue(found, 'a moment in UTC with milliseconds', isMomentText(cut) ? cut : new Date(0).toISOString());
}

/**
 * Returns a reader for the result of an expression, such as `max(n)`, or a joined column. `type` is that of the declared column with the
 * same name: JSON and booleans are converted, while null, texts and numbers may be the expression's purpose.
 */
export function expressionReader(type: ColumnType | undefined): ReadValue {
  const kind = type === undefined ? undefined : kindOf(type);
  return (found) => {
    if (found === null) return null;
    if (typeof found === 'bigint') return new UnreadableValue(found, integers, Number(found));
    if (typeof found === 'object') return kind === undefined ? found : readers[kind](found);
    if (kind === 'boolean') return found !== 0;
    if (typeof found === 'number') return readers.real(found);
    return kind === 'json' ? readJson(found) : found;
  };
}

/** Numbers that JavaScript may be unable to hold. */
const farNumber = /\d{16}|\d[eE]\+?\d{3}/;

function readJson(found: FoundValue): unknown {
  if (typeof found !== 'string') return new UnreadableValue(found, 'JSON', null);
  try {
    return farNumber.test(found) ? readExactly(found) : JSON.parse(found);
  } catch {
    return new UnreadableValue(found, 'JSON', null);
  }
}

/**
 * Returns the value of a JSON text, or a placeholder with the nearest numbers if JavaScript rounds one of its integers or reads a number as
 * infinity.
 */
function readExactly(text: string): unknown {
  let rounded: string | undefined;
  const value: unknown = JSON.parse(text, (_key: string, part: unknown, { source }: { source?: string } = {}) => {
    if (typeof part !== 'number' || source === undefined || isKept(source, part)) return part;
    rounded ??= source;
    return nearestNumber(part);
  });
  if (rounded === undefined) return value;
  const shown = rounded.length > 60 ? `${rounded.slice(0, 60)}…` : rounded;
  return new UnreadableValue(text, 'JSON with numbers that JavaScript can hold', value, shown);
}

/** Returns the finite number nearest to a value; 0 if it is not a number. */
function nearestNumber(found: FoundValue): number {
  if (typeof found !== 'number' && typeof found !== 'bigint') return 0;
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, Number(found)));
}

function describeValue(found: FoundValue): string {
  if (typeof found === 'bigint') return String(found);
  if (found instanceof Uint8Array) return `a blob of ${found.length} ${found.length === 1 ? 'byte' : 'bytes'}`;
  return describeFound(found);
}
