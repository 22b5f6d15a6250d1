import { AliasNode, ColumnNode, IdentifierNode, type OperationNode, ReferenceNode, SelectAllNode, SelectQueryNode } from 'kysely';
import { columnReader, expressionReader, type ReadValue, UnreadableValue } from '../pipeline/read-value.ts';
import type { ColumnType, FoundValue, Table } from '../pipeline/table.ts';
import { type FoundColumn, markUnreadable } from '../pipeline/unreadable.ts';

export type FoundRow = Readonly<Record<string, FoundValue>>;

/** Gives the columns of a query's rows their declared types back, and marks what cannot be of its type. */
export class RowReader {
  readonly #table: Table;
  readonly #declared: ReadonlyMap<string, ColumnType>;
  readonly #unreadable: (found: FoundRow, columns: readonly FoundColumn[]) => void;
  /** Of the columns of the first row; all rows have the same. */
  #columns: readonly (readonly [column: string, read: ReadValue])[] | undefined;

  /** `unreadable` is called for each row that is marked. */
  constructor(table: Table, query: OperationNode, unreadable: (found: FoundRow, columns: readonly FoundColumn[]) => void) {
    this.#table = table;
    this.#declared = declaredColumns(table, query);
    this.#unreadable = unreadable;
  }

  read(found: FoundRow): Record<string, unknown> {
    this.#columns ??= Object.keys(found).map((column) => [column, this.#readerOf(column)]);
    const row: Record<string, unknown> = {};
    let unreadable: FoundColumn[] | undefined;
    for (const [column, read] of this.#columns) {
      const value = read(found[column] ?? null);
      if (value instanceof UnreadableValue) {
        unreadable ??= [];
        unreadable.push({ column, message: value.message, found: value.found });
        row[column] = value.placeholder;
      } else row[column] = value;
    }
    if (unreadable !== undefined) {
      markUnreadable(row, unreadable);
      this.#unreadable(found, unreadable);
    }
    return row;
  }

  #readerOf(column: string): ReadValue {
    const declared = this.#declared.get(column);
    if (declared !== undefined) return columnReader(declared);
    return expressionReader(Object.hasOwn(this.#table.columns, column) ? this.#table.columns[column] : undefined);
  }
}

/**
 * The selected columns that are the table's own, by the names that the query gives them. Behind a join or a union nobody can
 * tell: a declared column may be null there, or another's.
 */
function declaredColumns(table: Table, query: OperationNode): ReadonlyMap<string, ColumnType> {
  const declared = new Map<string, ColumnType>();
  if (!SelectQueryNode.is(query) || query.joins !== undefined || query.setOperations !== undefined) return declared;
  for (const { selection } of query.selections ?? []) {
    if (SelectAllNode.is(selection) || (ReferenceNode.is(selection) && SelectAllNode.is(selection.column))) {
      for (const [column, type] of Object.entries(table.columns)) declared.set(column, type);
    } else {
      const [node, alias] = AliasNode.is(selection) ? [selection.node, selection.alias] : [selection, undefined];
      const column = columnOf(node);
      const type = column !== undefined && Object.hasOwn(table.columns, column) ? table.columns[column] : undefined;
      const name = alias === undefined ? column : IdentifierNode.is(alias) ? alias.name : undefined;
      if (name === undefined) continue;
      if (type === undefined) declared.delete(name);
      else declared.set(name, type);
    }
  }
  return declared;
}

function columnOf(node: OperationNode): string | undefined {
  const column = ReferenceNode.is(node) ? node.column : node;
  return ColumnNode.is(column) ? column.column.name : undefined;
}
