import type { PartitionId } from '../../store.ts';

/** The kind of a column's values: texts, integers of 64 or 32 bits, booleans, bytes. */
export type ColumnKind = 'text' | 'int8' | 'int4' | 'bool' | 'bytes';

export type ColumnValue = string | number | boolean | Buffer | null;

/** A column of rows to write or look up, with one value per row. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly values: readonly ColumnValue[];
}

/** An item of a part of a commit, with its partition. */
export interface Of<T> {
  readonly partition: PartitionId;
  readonly item: T;
}

/** A column of a list of items. */
export function column<T>(name: string, kind: ColumnKind, items: readonly T[], of: (item: T) => ColumnValue): Column {
  return { name, kind, values: items.map(of) };
}

/** The first two columns of every table kept by partition. */
export function partitionColumns(items: readonly { readonly partition: PartitionId }[]): readonly Column[] {
  return [
    column('pipeline', 'text', items, ({ partition }) => partition.pipeline),
    column('slice', 'int4', items, ({ partition }) => partition.slice),
  ];
}

/** Converts columns to rows. */
export function rowsOf(columns: readonly Column[]): readonly (readonly ColumnValue[])[] {
  return (columns[0]?.values ?? []).map((_, at) => columns.map(({ values }) => values[at] ?? null));
}
