import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import type { SqlErrors } from '../../sql/connection/connections.ts';

/*
 * Errors by their numbers: the driver knows MySQL's names alone, which are wrong for MariaDB's numbers from 4000 on. The numbers are those of the
 * servers' manuals ("Server Error Message Reference"; "MariaDB Error Codes").
 */

/** What a transaction that had no effect may be repeated after. After the second the transaction is still open: who repeats it rolls back first. */
const repeatable: ReadonlySet<number> = new Set([
  1213, // deadlock
  1205, // a lock that was not had in time
  1020, // MariaDB: a row has changed since it was read
  1412, // a table has changed since the transaction began
  1317, // the statement was ended
  1969, // MariaDB: the statement took too long
  3024, // MySQL: the same
]);

const connectionFaults: ReadonlySet<number> = new Set([
  1040, // too many connections
  1203, // the same, of a user
  1226, // the same, by a limit of the account
  1047, // Galera: the node is not ready
  1053, // the server shuts down
  1152,
  1158,
  1159,
  1160,
  1161,
  1184, // the connection was broken off
  1927, // MariaDB: the connection was ended
  4031, // MySQL: the connection was idle for too long
  1290, // the server only reads
  1836, // the same
]);

/** What nobody can sign in with, a right that is missing, or a database that is not there. */
const closed: ReadonlySet<number> = new Set([1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1370, 1698]);

const full: ReadonlySet<number> = new Set([1021, 1114]);
const corrupt: ReadonlySet<number> = new Set([126, 127, 1034, 1035, 1194, 1195, 1712]);

/** A value or a constraint is at fault, although the state says nothing or something else. */
const valueFaults: ReadonlySet<number> = new Set([
  1153, // a packet that is too large
  1071, // a key that is too long
  1118, // a row that is too long
  1366, // a text of another encoding
  1364, // no value for a column without a default
  3819, // MySQL: a check
  3140, // MySQL: no JSON
]);

const tooLong = 1406;
const outOfRange = 1690;

/** What the fence counts from: one more is out of range. Its error shows the expression. */
export const fenceLimit = '9223372036854775807';

/** The number of what the database said; undefined for what did not come from the database: the driver gives errors of sockets no state. */
export function numberOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errno' in thrown) || !('sqlState' in thrown)) return undefined;
  return typeof thrown.errno === 'number' && typeof thrown.sqlState === 'string' ? thrown.errno : undefined;
}

function stateOf(thrown: unknown): string {
  return numberOf(thrown) === undefined ? '' : String((thrown as { readonly sqlState?: unknown }).sqlState);
}

function isAmong(numbers: ReadonlySet<number>, thrown: unknown): boolean {
  const number = numberOf(thrown);
  return number !== undefined && numbers.has(number);
}

/** Whether the transaction had no effect and may succeed when it is repeated. */
export function isRepeatable(thrown: unknown): boolean {
  return isAmong(repeatable, thrown);
}

/** Whether the connection is none any more, or the server behind it cannot do its work: what was under way may have taken effect or not. */
export function isConnectionFault(thrown: unknown): boolean {
  // What is no error of the database comes from the socket or the driver.
  if (numberOf(thrown) === undefined) return !(thrown instanceof MillraceError);
  return isAmong(connectionFaults, thrown) || stateOf(thrown).startsWith('08');
}

/** Whether the database refused something in particular, so that others of a group may succeed without the one that asked for it. */
export function isRefusal(thrown: unknown): boolean {
  return numberOf(thrown) !== undefined && !isConnectionFault(thrown) && !isRepeatable(thrown);
}

/** Whether a value or a constraint was at fault. A trigger says that by the state 45000. */
function isValueFault(thrown: unknown): boolean {
  return /^(?:22|23|44|45)/.test(stateOf(thrown)) || isAmong(valueFaults, thrown);
}

/** What was thrown, as an error of ours that names the database; one of ours stays as it is. */
export function toStoreError(thrown: unknown, database: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError(codeOf(thrown), `${database}: ${messageOf(thrown)}`, { cause: thrown });
}

function codeOf(thrown: unknown): ErrorCode {
  if (isAmong(full, thrown)) return 'MILL_STORE_FULL';
  if (isAmong(corrupt, thrown)) return 'MILL_STORE_CORRUPT';
  if (isRepeatable(thrown)) return 'MILL_STORE_BUSY';
  if (isConnectionFault(thrown) || isAmong(closed, thrown)) return 'MILL_STORE_UNAVAILABLE';
  return 'MILL_INTERNAL';
}

export const mysqlErrors: SqlErrors = {
  isConnectionFault,
  isRefusal,
  isValueFault,
  isFenced: (thrown) => numberOf(thrown) === outOfRange && messageOf(thrown).includes(`${fenceLimit} +`),
  isTooLong: (thrown) => numberOf(thrown) === tooLong,
  toStoreError,
};
