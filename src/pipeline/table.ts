import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { invalid } from './check.ts';
import { checkTable } from './check-table.ts';
import { copyJson, effectJson, NotJson } from './json.ts';
import { isStorableText } from './text.ts';

/** What a column may hold; `docs/tables.md` has the bounds. `json` is any JSON value; a trailing `?` allows null. */
type ColumnKind = 'text' | 'integer' | 'real' | 'boolean' | 'json';
export type ColumnType = ColumnKind | `${ColumnKind}?`;
export type Columns = Readonly<Record<string, ColumnType>>;

/** What a store binds to a statement. Booleans travel as 0 and 1, JSON as text. */
export type SqlValue = string | number | null;

/** What a store finds in a column. Somebody's SQL may have put a value there that no handler could: an integer beyond 2⁵³, or a blob. */
export type FoundValue = SqlValue | bigint | Uint8Array;

/**
 * A SQL table that handlers write through effects and anyone may query. The store creates it with real columns and
 * indexes, and migrates it when the declaration gains or loses indexes, or columns that are nullable or have a default.
 */
export interface Table<Name extends string = string, C extends Columns = Columns, K extends boolean = boolean> {
  readonly name: Name;
  readonly columns: C;
  /** The columns of the primary key; empty for a table that is only added to. */
  readonly primaryKey: readonly string[];
  /** Each index as its columns, in order. */
  readonly indexes: readonly (readonly string[])[];
  /** What a column holds when SQL adds a row without it. */
  readonly defaults: Readonly<Record<string, SqlValue>>;
  /** Type-level only: whether there is a primary key, and so whether rows can be replaced. */
  readonly keyed: K;
}

export interface TableOptions<C extends Columns, K extends readonly (keyof C & string)[]> {
  readonly primaryKey?: K;
  readonly indexes?: readonly (readonly (keyof C & string)[])[];
  /** What a column holds when somebody's SQL adds a row without it. Handlers say every column that may not be null. */
  readonly defaults?: { readonly [N in keyof C]?: ValueOf<KindOf<C[N]>> };
}

type KindOf<T extends ColumnType> = T extends `${infer Kind}?` ? Kind : T;
type ValueOf<Kind> = Kind extends 'text' ? string : Kind extends 'integer' | 'real' ? number : Kind extends 'boolean' ? boolean : unknown;
type NullableKeys<C extends Columns> = { [N in keyof C]: C[N] extends `${string}?` ? N : never }[keyof C];

/** A row as a handler writes it: nullable columns may be left out. */
export type RowOf<T extends Table> = {
  readonly [N in Exclude<keyof T['columns'], NullableKeys<T['columns']>>]: ValueOf<KindOf<T['columns'][N]>>;
} & {
  readonly [N in NullableKeys<T['columns']>]?: ValueOf<KindOf<T['columns'][N]>> | null | undefined;
};

/** What a handler changes of a row: its primary key, and the columns that shall have another value. */
export type ChangedRowOf<T extends Table> = { readonly [N in keyof T['columns']]?: StoredRowOf<T>[N] | undefined };

/** A row as a query returns it: every column, null where there is none. */
export type StoredRowOf<T extends Table> = {
  [N in keyof T['columns']]: T['columns'][N] extends `${string}?`
    ? ValueOf<KindOf<T['columns'][N]>> | null
    : ValueOf<KindOf<T['columns'][N]>>;
};

/**
 * Declares a table.
 *
 * ```ts
 * const rockets = table('rockets', { id: 'text', speed: 'real', reason: 'text?' }, { primaryKey: ['id'], indexes: [['speed']] });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` for a name that is no lower-case SQL identifier, an unknown column type or option, or a key
 * or index over columns that are not there.
 */
export function table<const Name extends string, const C extends Columns, const K extends readonly (keyof C & string)[] = readonly []>(
  name: Name,
  columns: C,
  options: TableOptions<C, K> = {},
): Table<Name, C, K extends readonly [] ? false : true> {
  checkTable(name, columns, options);
  const { primaryKey = [], indexes = [] } = options;
  const defaults = Object.fromEntries(
    Object.entries(options.defaults ?? {}).map(([column, value]) => [column, defaultOf(name, columns, column, value)]),
  );
  return { name, columns, primaryKey, indexes, defaults, keyed: (primaryKey.length > 0) as K extends readonly [] ? false : true };
}

function defaultOf(table: string, columns: Columns, column: string, value: unknown): SqlValue {
  const type = columns[column];
  if (type === undefined) return invalid(`table ${table}: defaults: expected columns of the table, found ${column}`);
  const bound = bind[kindOf(type)](value);
  return bound ?? invalid(`table ${table}: defaults: column ${column}: expected ${expected(type)}, found ${describeFound(value)}`);
}

/** The columns that a change names and their values as the store binds them; throws like {@link toSqlValues}, and when the primary key is not whole. */
export function toSqlChange(
  table: Table,
  row: Readonly<Record<string, unknown>>,
): { readonly columns: string[]; readonly values: SqlValue[] } {
  const changed = bindersOf(table).filter(({ column }) => row[column] !== undefined || table.primaryKey.includes(column));
  return { columns: changed.map(({ column }) => column), values: changed.map((binder) => toSqlValue(table, binder, row[binder.column])) };
}

/**
 * The row as the store binds it, in the order of the table's columns; properties that are no columns are left out.
 * Throws `MILL_INVALID_EFFECT` that names the column for a value of the wrong type.
 */
export function toSqlValues(table: Table, row: Readonly<Record<string, unknown>>): SqlValue[] {
  const values: SqlValue[] = [];
  for (const binder of bindersOf(table)) values.push(toSqlValue(table, binder, row[binder.column]));
  return values;
}

/** How values of a column are bound. */
interface ColumnBinder {
  readonly column: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  readonly bind: (value: unknown) => SqlValue | undefined;
}

/** Made with the first row: handlers write many. */
const binders = new WeakMap<Table, readonly ColumnBinder[]>();

function bindersOf(table: Table): readonly ColumnBinder[] {
  const known = binders.get(table);
  if (known !== undefined) return known;
  const made = Object.entries(table.columns).map(([column, declared]) => {
    // SQLite would make up a number for an integer key that is null.
    const type = table.primaryKey.includes(column) ? kindOf(declared) : declared;
    return { column, type, isNullable: type.endsWith('?'), bind: bind[kindOf(type)] };
  });
  binders.set(table, made);
  return made;
}

function toSqlValue(table: Table, { column, type, isNullable, bind }: ColumnBinder, value: unknown): SqlValue {
  const bound = value ?? null;
  if (bound === null && isNullable) return null;
  const sqlValue = bound === null ? undefined : bind(bound);
  if (sqlValue !== undefined) return sqlValue;
  // Says in which place of the value what is no JSON stands.
  if (bound !== null && kindOf(type) === 'json') effectJson(bound, `table ${table.name}: column ${column}`);
  throw new MillraceError(
    'MILL_INVALID_EFFECT',
    `table ${table.name}: column ${column}: expected ${expected(type)}, found ${describeFound(value)}`,
  );
}

/** The type without what it says of null. */
export function kindOf(type: ColumnType): ColumnKind {
  return type.replace('?', '') as ColumnKind;
}

/** How the store binds a value of each kind; undefined for one that is not of it. */
const bind: Readonly<Record<ColumnKind, (value: unknown) => SqlValue | undefined>> = {
  text: (value) => (typeof value === 'string' && isStorableText(value) ? value : undefined),
  integer: (value) => (Number.isSafeInteger(value) ? Number(value) : undefined),
  real: (value) => (Number.isFinite(value) ? Number(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? Number(value) : undefined),
  json: jsonOf,
};

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(copyJson(value));
  } catch (error) {
    if (error instanceof NotJson) return undefined;
    throw error;
  }
}

function expected(type: ColumnType): string {
  return `${type}${bounds[kindOf(type)] ?? ''}`;
}

/** What a value of a kind keeps to, for messages. */
const bounds: Readonly<Partial<Record<ColumnKind, string>>> = {
  text: ' (well-formed, without U+0000)',
  integer: ` (from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER})`,
  real: ' (finite)',
};
