import type { OperationProgress, StoredOperation } from '../../store.ts';
import { numberColumns, operationColumns, operationRow } from '../../tables/operations-sql.ts';
import type { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { column } from './columns.ts';

/** Adds an operation on dead letters to a transaction. */
export function addOperation(flight: Flight, statements: Pick<WriteStatements, 'addInsert'>, operation: StoredOperation): void {
  const rows = [operationRow(operation)];
  const columns = operationColumns.map((name, at) =>
    column(name, numberColumns.has(name) ? 'int8' : 'text', rows, (row) => row[at] ?? null),
  );
  statements.addInsert(flight, 'millrace_operations', columns);
}

/** Adds the progress of operations, in the same order for everyone, since owners of several partitions may do so at once. */
export function addProgress(flight: Flight, progress: readonly OperationProgress[]): void {
  const done = new Map<string, number>();
  for (const one of progress) done.set(one.id, (done.get(one.id) ?? 0) + one.done);
  for (const [id, more] of Array.from(done).sort(([a], [b]) => (a < b ? -1 : 1)))
    flight.add({ text: 'UPDATE millrace_operations SET done = done + $1 WHERE id = $2', values: [more, id] });
}
