import type { SqlStatements } from '../sql/statements.ts';
import { leaseStatements } from './lease/lease-statements.ts';
import { now } from './lease/now.ts';
import { readStatements } from './read/read-statements.ts';
import { declaredStatements } from './write/declared-statements.ts';
import { writeStatements } from './write/write-statements.ts';

/** The statements for MySQL and MariaDB, using nothing that only one of them has. */
export const mysqlStatements: SqlStatements = {
  now,
  isAmong: (column, parameter) => `${column} IN ${parameter}`,
  texts: (values) => values,
  leases: leaseStatements,
  writes: writeStatements,
  reads: readStatements,
  declared: declaredStatements,
};
