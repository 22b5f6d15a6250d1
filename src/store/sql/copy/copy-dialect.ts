import type { Table } from '../../../pipeline/table.ts';
import type { CopiedRow } from '../../copy/copy-part.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Statement } from '../connection/statement.ts';
import type { SqlStatements } from '../statements.ts';
import type { Column } from '../write/columns.ts';

/** Differences between databases in writing a copy. */
export interface CopyDialect {
  readonly schemaVersion: number;
  readonly statements: Pick<SqlStatements, 'now' | 'isAmong' | 'texts' | 'writes' | 'reads'>;

  /** A part's name and number of rows, as columns of a table. */
  readonly progress: string;

  /** Keeps others from creating the engine's tables until the transaction ends. */
  readonly lock: string;

  /** Updates table statistics, for databases whose first queries would otherwise be slow. */
  readonly analyze: string | undefined;

  /** Adds rows of a declared table, in order, in the database's form. */
  rows(transaction: Transaction, table: Table, rows: readonly CopiedRow[]): Promise<readonly Statement[]>;

  /** Sets the events of dead letters: `id`, `position`, `order`. */
  letters(columns: readonly Column[]): Statement;
}
