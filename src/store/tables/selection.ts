import type { FoundValue } from '../../pipeline/table.ts';

/** What a query found, column by column and row by row: half the size of objects on its way between threads. */
export interface Selection {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly FoundValue[])[];
}

/** The rows as objects. */
export function toRows(selection: Selection): Record<string, FoundValue>[] {
  const { columns } = selection;
  return selection.rows.map((values) => {
    const row: Record<string, FoundValue> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i] ?? ''] = values[i] ?? null;
    return row;
  });
}
