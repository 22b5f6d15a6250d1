import type { KeysQuery } from './store.ts';

/** The keys of a list, as a range of an index. Keys are compared by their UTF-8 bytes. */
export interface KeyRange {
  /** Its lower end, inclusive unless it is the last key of the previous page. */
  readonly from: string;
  readonly isBehind: boolean;
  /** The first text after it; undefined if it has no upper end. */
  readonly below: string | undefined;
}

/** Returns the range of the keys that begin with a query's prefix and come after its `after`. No key is empty. */
export function keyRangeOf({ prefix = '', after = '' }: Pick<KeysQuery, 'prefix' | 'after'>): KeyRange {
  const isBehind = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0;
  return { from: isBehind ? after : prefix, isBehind, below: firstBehind(prefix) };
}

const surrogates = { first: 0xd800, last: 0xdfff };
const codePointMax = 0x10ffff;

/** Returns the first text, by UTF-8 bytes, after all that begin with a prefix. */
function firstBehind(prefix: string): string | undefined {
  const points = Array.from(prefix.toWellFormed(), (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === codePointMax) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  const next = last + 1 === surrogates.first ? surrogates.last + 1 : last + 1;
  return String.fromCodePoint(...points, next);
}
