import type { FoundValue, Table } from '../pipeline/table.ts';
import type { UnreadableColumn } from '../pipeline/unreadable.ts';
import type { Logger } from './logger.ts';

/** Maximum rows remembered, so that each is reported once. */
const rowsMax = 1_000;

/** Reports rows that cannot be read completely to an operator: each once, and no more than {@link rowsMax}. */
export class UnreadableRows {
  readonly #log: Logger;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(table: Table, found: Readonly<Record<string, FoundValue>>, columns: readonly UnreadableColumn[]): void {
    if (this.#told.size >= rowsMax) return;
    // A query that selects no key cannot name the row.
    const key = Object.fromEntries(table.primaryKey.filter((column) => column in found).map((column) => [column, shown(found[column])]));
    const unreadable = columns.map(({ column, message }) => ({ column, message }));
    const row = JSON.stringify([table.name, Object.keys(key).length > 0 ? key : unreadable]);
    if (this.#told.has(row)) return;
    this.#told.add(row);
    this.#log.warn({ table: table.name, primaryKey: key, columns: unreadable }, 'a row holds values that do not fit its columns');
    if (this.#told.size === rowsMax) this.#log.warn({ rows: rowsMax }, 'further rows like these are not logged');
  }
}

function shown(value: FoundValue | undefined): string | number | null {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value.subarray(0, 32)).toString('hex')}'`;
  return typeof value === 'string' ? value.slice(0, 512) : (value ?? null);
}
