import { type ColumnKind, enumeratedBy, isNullable, kindOf, lengthMaxOf } from '../../pipeline/declared-table.ts';
import type { SqlValue, Table } from '../../pipeline/table.ts';
import { charactersOf } from '../../pipeline/text.ts';

/** The types by which a database keeps each kind of column. */
export type SqlTypes = Readonly<Record<ColumnKind, string>>;

/** A column as a database keeps it. */
export interface SqlColumn {
  readonly name: string;
  readonly type: string;
  readonly notNull: boolean;
}

/** A column as a database shall make it. */
export interface DeclaredColumn extends SqlColumn {
  readonly default: SqlValue | undefined;
  /** Whether its texts are JSON. */
  readonly json: boolean;
  /** Whether its values are moments. */
  readonly moment: boolean;
  /** The texts of an enumeration. */
  readonly texts: readonly string[] | undefined;
  /** The most characters of a text; undefined where any number goes. */
  readonly lengthMax: number | undefined;
}

/** A column as a database has it. */
export interface FoundColumn extends SqlColumn {
  /** Its place in the primary key from 1; 0: not part of it. */
  readonly keyPlace: number;
  /** Computed by the database from others. */
  readonly generated: boolean;
  /** Whether SQL that does not name the column can add a row. */
  readonly optional: boolean;
}

/** The declared columns as a database of these types keeps them. The columns of a primary key are never null. */
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

/** The type of a column and whether it may be null, as SQL and people write it. */
export function typeOf(column: SqlColumn): string {
  return `${column.type}${column.notNull ? ' NOT NULL' : ''}`;
}
