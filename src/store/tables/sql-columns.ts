import { type ColumnKind, enumeratedBy, isNullable, kindOf, lengthMaxOf } from '../../pipeline/declared-table.ts';
import type { SqlValue, Table } from '../../pipeline/table.ts';
import { charactersOf } from '../../pipeline/text.ts';

/** The database types for each kind of column. */
export type SqlTypes = Readonly<Record<ColumnKind, string>>;

/** A column as a database keeps it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** A column for a database to create. */
export interface DeclaredColumn extends SqlColumn {
  readonly default: SqlValue | undefined;
  /** True if its texts are JSON. */
  readonly json: boolean;
  /** True if its values are moments. */
  readonly moment: boolean;
  /** The texts of an enumeration. */
  readonly texts: readonly string[] | undefined;
  /** Maximum characters of a text; undefined for unlimited. */
  readonly lengthMax: number | undefined;
}

/** A column found in a database. */
export interface FoundColumn extends SqlColumn {
  /** Its place in the primary key, from 1; 0: not part of it. */
  readonly keyPlace: number;
  /** Computed by the database from other columns. */
  readonly generated: boolean;
  /** True if SQL can add a row without naming the column. */
  readonly optional: boolean;
}

/** Returns the declared columns as a database with these types keeps them. Primary-key columns are never null. */
export function sqlColumnsOf(table: Table, types: SqlTypes): readonly DeclaredColumn[] {
  return Object.entries(table.columns).map(([name, type]) => {
    const texts = enumeratedBy(type);
    return {
      name,
      type: types[kindOf(type)],
      notNull: !isNullable(type) || table.primaryKey.includes(name),
      default: Object.hasOwn(table.defaults, name) ? table.defaults[name] : undefined,
      json: kindOf(type) === 'json',
      moment: kindOf(type) === 'moment',
      texts,
      lengthMax: texts === undefined ? lengthMaxOf(type) : Math.max(...texts.map(charactersOf)),
    };
  });
}

/** Returns the type of a column and its nullability, as SQL and people write it. */
export function typeOf(column: SqlColumn): string {
  return `${column.type}${column.notNull ? ' NOT NULL' : ''}`;
}
