import type { DatabaseSync } from 'node:sqlite';
import type { OperationChange, OperationProgress, StoredOperation } from '../../store.ts';
import { operationColumns, operationRow, operationUpdate } from '../../tables/operations-sql.ts';

/** Writes dead-letter operations. That is rare, apart from their progress. */
export class OperationsWriter {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(operation: StoredOperation): void {
    const places = operationColumns.map(() => '?').join(', ');
    this.#db.prepare(`INSERT INTO millrace_operations VALUES (${places})`).run(...operationRow(operation));
  }

  change(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange): boolean {
    const { text, values } = operationUpdate({ id, from, change }, () => '?');
    return Number(this.#db.prepare(text).run(...values).changes) > 0;
  }

  advance({ id, done }: OperationProgress): void {
    this.#db.prepare('UPDATE millrace_operations SET done = done + ? WHERE id = ?').run(done, id);
  }

  forget(before: number): void {
    this.#db.prepare('DELETE FROM millrace_operations WHERE asked_at < ?').run(before);
  }
}
