import { AliasNode, ColumnNode, IdentifierNode, type OperationNode, ReferenceNode, SelectAllNode, SelectQueryNode } from 'kysely';
import type { ColumnType, Table } from '../pipeline/table.ts';

/**
 * Returns the selected columns that are the table's own, by their names in the query. Behind a join or a union this is unknowable: a
 * declared column may be null there, or another table's.
 */
export function declaredColumns(table: Table, query: OperationNode): ReadonlyMap<string, ColumnType> {
  const declared = new Map<string, ColumnType>();
  if (!SelectQueryNode.is(query) || query.joins !== undefined || query.setOperations !== undefined) return declared;
  for (const { selection } of query.selections ?? []) {
    for (const [name, column] of namesOf(table, selection)) {
      const type = column !== undefined && Object.hasOwn(table.columns, column) ? table.columns[column] : undefined;
      if (type === undefined) declared.delete(name);
      else declared.set(name, type);
    }
  }
  return declared;
}

/** Returns the row name of each selection and its column; no column for an expression. */
function namesOf(table: Table, selection: OperationNode): (readonly [name: string, column: string | undefined])[] {
  const selected = ReferenceNode.is(selection) ? selection.column : selection;
  if (SelectAllNode.is(selected)) return Object.keys(table.columns).map((column) => [column, column]);
  if (ColumnNode.is(selected)) return [[selected.column.name, selected.column.name]];
  if (!AliasNode.is(selected) || !IdentifierNode.is(selected.alias)) return [];
  const aliased = ReferenceNode.is(selected.node) ? selected.node.column : selected.node;
  return [[selected.alias.name, ColumnNode.is(aliased) ? aliased.column.name : undefined]];
}
