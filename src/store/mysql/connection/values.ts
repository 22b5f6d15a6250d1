import type { FoundValue } from '../../../pipeline/table.ts';
import { momentOf } from './moments.ts';

/** The driver's description of a value, and how to read it. */
export interface FoundField {
  readonly type: string;
  string(encoding?: string): string | null;
}

const integers: ReadonlySet<string> = new Set(['TINY', 'SHORT', 'LONG', 'INT24', 'LONGLONG', 'YEAR']);
const decimals: ReadonlySet<string> = new Set(['DECIMAL', 'NEWDECIMAL']);
const moments: ReadonlySet<string> = new Set(['DATETIME', 'TIMESTAMP', 'DATETIME2', 'TIMESTAMP2']);
const reals: ReadonlySet<string> = new Set(['FLOAT', 'DOUBLE']);

/** Reads our own rows: an integer written by the store is one that JavaScript holds exactly, and bytes are texts. */
export function ownValue(field: FoundField): unknown {
  const text = field.string('utf8');
  if (text === null) return null;
  return integers.has(field.type) || decimals.has(field.type) || reals.has(field.type) ? Number(text) : text;
}

/** Reads rows of a user's query, which may hold anything: the same values that any other store finds in its columns. */
export function foundValue(field: FoundField, next: () => unknown): FoundValue {
  const { type } = field;
  if (integers.has(type)) return exact(field.string('latin1'));
  if (reals.has(type)) return toNumber(field.string('latin1'));
  if (decimals.has(type)) {
    const text = field.string('latin1');
    return text !== null && /^-?\d+$/.test(text) ? exact(text) : toNumber(text);
  }
  if (type === 'JSON') return field.string('utf8');
  if (moments.has(type)) return toMoment(field.string('latin1'));
  const value = next();
  return Buffer.isBuffer(value) ? new Uint8Array(value) : (value as string | null);
}

function toMoment(text: string | null): string | null {
  return text === null ? null : momentOf(text);
}

function toNumber(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** Returns a number, or a bigint if a number would round it. */
function exact(text: string | null): number | bigint | null {
  if (text === null) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}
