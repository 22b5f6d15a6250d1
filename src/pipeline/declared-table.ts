/** The kind of a column's values. `moment` is a text: a moment in UTC with milliseconds, as `Date.toISOString()` writes it. */
export type ColumnKind = 'text' | 'integer' | 'real' | 'boolean' | 'json' | 'moment';
type NamedType = ColumnKind | `text(${number})`;
/** The texts that a column may hold, such as `['open', 'closed']`, and null if it is listed. */
export type Enumeration = readonly (string | null)[];
/**
 * The type of a column; `docs/tables.md` has the limits. `text(50)` is a text of at most 50 characters, `json` any JSON value; a trailing
 * `?` allows null.
 */
export type ColumnType = NamedType | `${NamedType}?` | Enumeration;
export type Columns = Readonly<Record<string, ColumnType>>;

/** A value that a store binds to a statement. Booleans travel as 0 and 1, JSON as text. */
export type SqlValue = string | number | null;

/** A value that a store finds in a column. Hand-written SQL may have stored one that no handler could: an integer beyond 2⁵³, or a blob. */
export type FoundValue = SqlValue | bigint | Uint8Array;

/**
 * A SQL table that handlers write through effects and anyone may query. The store creates it with real columns and
 * indexes, and migrates it when the declaration gains or loses indexes, or columns that are nullable or have a default.
 */
export interface Table<Name extends string = string, C extends Columns = Columns, K extends boolean = boolean> {
  readonly name: Name;
  readonly columns: C;
  /** The columns of the primary key; empty for an append-only table. */
  readonly primaryKey: readonly string[];
  /** Each index as its columns, in order. */
  readonly indexes: readonly (readonly string[])[];
  /** Column values for rows that SQL adds without them. */
  readonly defaults: Readonly<Record<string, SqlValue>>;
  /** Type-level only: whether there is a primary key, and so whether rows can be replaced. */
  readonly keyed: K;
}

export interface TableOptions<C extends Columns, K extends readonly (keyof C & string)[]> {
  readonly primaryKey?: K;
  readonly indexes?: readonly (readonly (keyof C & string)[])[];
  /** Column values for rows that hand-written SQL adds without them. Handlers write every column that may not be null. */
  readonly defaults?: { readonly [N in keyof C]?: ValueOf<C[N]> };
}

type ValueOf<T extends ColumnType> = T extends readonly (infer Value)[]
  ? NonNullable<Value>
  : ValueOfKind<T extends `${infer Kind}?` ? Kind : T>;
type ValueOfKind<Kind> = Kind extends 'text' | `text(${number})` | 'moment'
  ? string
  : Kind extends 'integer' | 'real'
    ? number
    : Kind extends 'boolean'
      ? boolean
      : unknown;
type IsNullable<T extends ColumnType> = T extends readonly (infer Value)[]
  ? null extends Value
    ? true
    : false
  : T extends `${string}?`
    ? true
    : false;
type NullableKeys<C extends Columns> = { [N in keyof C]: IsNullable<C[N]> extends true ? N : never }[keyof C];

/** A row as a handler writes it: nullable columns may be left out. */
export type RowOf<T extends Table> = {
  readonly [N in Exclude<keyof T['columns'], NullableKeys<T['columns']>>]: ValueOf<T['columns'][N]>;
} & {
  readonly [N in NullableKeys<T['columns']>]?: ValueOf<T['columns'][N]> | null | undefined;
};

/** A change to a row: its primary key, and the columns that get a new value. */
export type ChangedRowOf<T extends Table> = { readonly [N in keyof T['columns']]?: StoredRowOf<T>[N] | undefined };

/** A row as a query returns it: every column, null if it has no value. */
export type StoredRowOf<T extends Table> = {
  [N in keyof T['columns']]: IsNullable<T['columns'][N]> extends true ? ValueOf<T['columns'][N]> | null : ValueOf<T['columns'][N]>;
};

/** Returns the kind of a type's values, whatever their limits. */
export function kindOf(type: ColumnType): ColumnKind {
  return typeof type === 'string' ? (type.replace(/[(?].*$/, '') as ColumnKind) : 'text';
}

/** Returns whether a type allows null. */
export function isNullable(type: ColumnType): boolean {
  return typeof type === 'string' ? type.endsWith('?') : type.includes(null);
}

/** The type without null. */
export function withoutNull(type: ColumnType): ColumnType {
  return typeof type === 'string' ? (type.replace('?', '') as NamedType) : type.filter((value) => value !== null);
}

/** The texts that a column may hold; undefined if it is not an enumeration. */
export function enumeratedBy(type: ColumnType): readonly string[] | undefined {
  return typeof type === 'string' ? undefined : type.filter((value) => value !== null);
}

/** Maximum characters (code points) of a text; undefined for unlimited. */
export function lengthMaxOf(type: ColumnType): number | undefined {
  const [, length] = typeof type === 'string' ? (/\((\d+)\)/.exec(type) ?? []) : [];
  return length === undefined ? undefined : Number(length);
}
