import { MillraceError } from '../../../errors.ts';
import type { FoundValue } from '../../../pipeline/table.ts';
import { momentOf } from './moments.ts';

/** Type oids of `pg_type`. */
const oids = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, float4: 700, float8: 701, timestamptz: 1184, numeric: 1700 } as const;

type Parse = (text: string) => FoundValue;

/** Parsers for the texts of a row's columns, by type oid. */
export interface ColumnTypes {
  getTypeParser(oid: number): Parse;
}

function parsing(parsers: ReadonlyMap<number, Parse>): ColumnTypes {
  const asItIs: Parse = (text) => text;
  return { getTypeParser: (oid) => parsers.get(oid) ?? asItIs };
}

const number: Parse = (text) => Number(text);
const boolean: Parse = (text) => (text === 't' ? 1 : 0);

/** For our own rows: an integer written by the store is one that JavaScript holds exactly. */
export const ownTypes = parsing(
  new Map<number, Parse>([
    [oids.int2, number],
    [oids.int4, number],
    [oids.int8, number],
    [oids.bool, boolean],
  ]),
);

/** For rows of a user's query, which may hold anything: the same values that any other store finds in its columns. */
export const foundTypes = parsing(
  new Map<number, Parse>([
    [oids.int2, number],
    [oids.int4, number],
    [oids.int8, exact],
    [oids.numeric, (text) => (/^-?\d+$/.test(text) ? exact(text) : Number(text))],
    [oids.float4, number],
    [oids.float8, number],
    [oids.bool, boolean],
    [oids.timestamptz, momentOf],
    [oids.bytea, (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))],
  ]),
);

/** Returns a number, or a bigint if a number would round it. */
function exact(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/**
 * Returns a parameter as the driver sends it: everything but bytes as text, which the database converts as the statement requires. Throws
 * `MILL_INVALID_REQUEST` for an integer that no column can hold.
 */
export function toParameter(value: FoundValue): string | Buffer | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value)
    throw new MillraceError('MILL_INVALID_REQUEST', `query: expected an integer of 64 bits as parameter, found ${value}`);
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : String(value);
}
