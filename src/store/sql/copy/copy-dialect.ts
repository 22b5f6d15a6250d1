import type { Table } from '../../../pipeline/table.ts';
import type { CopiedRow } from '../../copy/copy-part.ts';
import type { Transaction } from '../connection/connections.ts';
import type { Statement } from '../connection/statement.ts';
import type { SqlStatements } from '../statements.ts';
import type { Column } from '../write/columns.ts';

/** What a database says in its own way when a copy is written into it. */
export interface CopyDialect {
  readonly schemaVersion: number;
  readonly statements: Pick<SqlStatements, 'now' | 'isAmong' | 'texts' | 'writes'>;

  /** The name and the number of rows of a part, as columns of a table. */
  readonly progress: string;

  /** Keeps others from making tables of the engine until the transaction ends. */
  readonly lock: string;

  /** Finds out what is in the tables, where the first queries would be slow without it. */
  readonly analyze: string | undefined;

  /** What adds rows of a declared table, in their order, as the database keeps it. */
  rows(transaction: Transaction, table: Table, rows: readonly CopiedRow[]): Promise<readonly Statement[]>;

  /** Says at which events dead letters are: `id`, `position`, `order`. */
  letters(columns: readonly Column[]): Statement;
}
