import type { SqlStatements } from '../sql/statements.ts';
import { texts } from './connection/binary-arrays.ts';
import { leaseStatements } from './lease/lease-statements.ts';
import { readStatements } from './read/read-statements.ts';
import { declaredStatements } from './write/declared-statements.ts';
import { writeStatements } from './write/write-statements.ts';

/** The statements for PostgreSQL. */
export const postgresStatements: SqlStatements = {
  now: 'millrace_now()',
  isAmong: (column, parameter) => `${column} = ANY (${parameter}::text[])`,
  texts,
  leases: leaseStatements,
  writes: writeStatements,
  reads: readStatements,
  declared: declaredStatements,
};
