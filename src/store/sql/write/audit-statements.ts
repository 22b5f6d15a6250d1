import type { AuditEntry } from '../../store.ts';
import { auditColumns, auditRow } from '../../tables/audit-sql.ts';
import type { Flight } from '../connection/flight.ts';
import type { WriteStatements } from '../statements.ts';
import { column } from './columns.ts';

/** Adds operators' actions to a transaction. */
export function addAudit(flight: Flight, statements: Pick<WriteStatements, 'addInsert'>, entries: readonly AuditEntry[]): void {
  if (entries.length === 0) return;
  const rows = entries.map(auditRow);
  statements.addInsert(
    flight,
    'millrace_audit',
    auditColumns.map((name, at) => column(name, name === 'at' ? 'int8' : 'text', rows, (row) => row[at] ?? null)),
  );
}
