import { describeFound } from '../describe-found.ts';
import { MillraceError } from '../errors.ts';
import { invalid } from './check.ts';
import { checkTable } from './check-table.ts';
import {
  type ColumnKind,
  type Columns,
  type ColumnType,
  enumeratedBy,
  isNullable,
  kindOf,
  lengthMaxOf,
  type SqlValue,
  type Table,
  type TableOptions,
  withoutNull,
} from './declared-table.ts';
import { copyJson, effectJson, NotJson } from './json.ts';
import { isMomentText } from './moment.ts';
import { charactersOf, hasAtMost, isStorableText } from './text.ts';

export {
  type ChangedRowOf,
  type Columns,
  type ColumnType,
  type Enumeration,
  type FoundValue,
  kindOf,
  type RowOf,
  type SqlValue,
  type StoredRowOf,
  type Table,
  type TableOptions,
} from './declared-table.ts';

/**
 * Declares a table.
 *
 * ```ts
 * const rockets = table('rockets', { id: 'text', speed: 'real', reason: 'text?' }, { primaryKey: ['id'], indexes: [['speed']] });
 * const jobs = table('jobs', { id: 'text(36)', status: ['open', 'done', 'failed'], since: 'moment' }, { primaryKey: ['id'] });
 * ```
 *
 * Throws `MILL_INVALID_DECLARATION` for a name that is not a lower-case SQL identifier, an unknown column type or option, or a key or index
 * over missing columns.
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
  const bound = binderOf(type)(value);
  return bound ?? invalid(`table ${table}: defaults: column ${column}: expected ${expected(type)}, found ${describeValue(type, value)}`);
}

/**
 * Returns the columns that a change names and their values as the store binds them. Throws like {@link toSqlValues}, and if the primary key
 * is incomplete.
 */
export function toSqlChange(
  table: Table,
  row: Readonly<Record<string, unknown>>,
): { readonly columns: string[]; readonly values: SqlValue[] } {
  const changed = bindersOf(table).filter(({ column }) => row[column] !== undefined || table.primaryKey.includes(column));
  return { columns: changed.map(({ column }) => column), values: changed.map((binder) => toSqlValue(table, binder, row[binder.column])) };
}

/**
 * Returns the row as the store binds it, in the order of the table's columns; other properties are left out. Throws `MILL_INVALID_EFFECT`,
 * naming the column, for a value of the wrong type.
 */
export function toSqlValues(table: Table, row: Readonly<Record<string, unknown>>): SqlValue[] {
  const values: SqlValue[] = [];
  for (const binder of bindersOf(table)) values.push(toSqlValue(table, binder, row[binder.column]));
  return values;
}

/** Binds the values of one column. */
interface ColumnBinder {
  readonly column: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
  readonly bind: Bind;
}

/** Converts a value as a store binds it; undefined if the column cannot hold it. */
type Bind = (value: unknown) => SqlValue | undefined;

/** Built on a table's first row: handlers write many. */
const binders = new WeakMap<Table, readonly ColumnBinder[]>();

function bindersOf(table: Table): readonly ColumnBinder[] {
  const known = binders.get(table);
  if (known !== undefined) return known;
  const made = Object.entries(table.columns).map(([column, declared]) => {
    // SQLite would make up a number for an integer key that is null.
    const type = table.primaryKey.includes(column) ? withoutNull(declared) : declared;
    return { column, type, isNullable: isNullable(type), bind: binderOf(type) };
  });
  binders.set(table, made);
  return made;
}

function toSqlValue(table: Table, { column, type, isNullable, bind }: ColumnBinder, value: unknown): SqlValue {
  const bound = value ?? null;
  if (bound === null && isNullable) return null;
  const sqlValue = bound === null ? undefined : bind(bound);
  if (sqlValue !== undefined) return sqlValue;
  // The error names the place in the value that is not JSON.
  if (bound !== null && kindOf(type) === 'json') effectJson(bound, `table ${table.name}: column ${column}`);
  throw new MillraceError(
    'MILL_INVALID_EFFECT',
    `table ${table.name}: column ${column}: expected ${expected(type)}, found ${describeValue(type, value)}`,
  );
}

function binderOf(type: ColumnType): Bind {
  const enumerated = enumeratedBy(type);
  if (enumerated !== undefined) return (value) => enumerated.find((text) => text === value);
  const bind = binds[kindOf(type)];
  const lengthMax = lengthMaxOf(type);
  if (lengthMax === undefined) return bind;
  return (value) => (typeof value === 'string' && hasAtMost(value, lengthMax) ? bind(value) : undefined);
}

/** Binds a value of each kind, whatever its limits. */
const binds: Readonly<Record<ColumnKind, Bind>> = {
  text: (value) => (typeof value === 'string' && isStorableText(value) ? value : undefined),
  integer: (value) => (Number.isSafeInteger(value) ? Number(value) : undefined),
  real: (value) => (Number.isFinite(value) ? Number(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? Number(value) : undefined),
  json: jsonOf,
  moment: (value) => (typeof value === 'string' && isMomentText(value) ? value : undefined),
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
  if (typeof type !== 'string') return `one of ${type.map((value) => JSON.stringify(value)).join(', ')}`;
  return `${type}${bounds[kindOf(type)] ?? ''}`;
}

/** Truncated, a text that is too long would not show how. */
function describeValue(type: ColumnType, value: unknown): string {
  const lengthMax = lengthMaxOf(type);
  if (lengthMax === undefined || typeof value !== 'string' || hasAtMost(value, lengthMax)) return describeFound(value);
  return `one of ${charactersOf(value)} characters: ${describeFound(value)}`;
}

/** The limits of each kind, for messages. */
const bounds: Readonly<Partial<Record<ColumnKind, string>>> = {
  text: ' (well-formed, without U+0000)',
  integer: ` (from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER})`,
  real: ' (finite)',
  moment: ' (in UTC with milliseconds, such as 2022-02-02T18:39:05.863Z)',
};
