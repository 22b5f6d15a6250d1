import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import type { SqlErrors } from '../../sql/connection/connections.ts';

/*
 * Errors by number: the driver knows only MySQL's names, which are wrong for MariaDB's numbers from 4000 on. The numbers are those of the
 * servers' manuals ("Server Error Message Reference"; "MariaDB Error Codes").
 */

/**
 * Errors after which a transaction without effect may be repeated. After the second one the transaction is still open: roll back before
 * repeating it.
 */
const repeatable: ReadonlySet<number> = new Set([
  1213, // deadlock
  1205, // lock wait time-out
  1020, // MariaDB: a row has changed since it was read
  1412, // a table has changed since the transaction began
  1317, // the statement was killed
  1969, // MariaDB: the statement timed out
  3024, // MySQL: the same
]);

const connectionFaults: ReadonlySet<number> = new Set([
  1040, // too many connections
  1203, // the same, for one user
  1226, // the same, by an account limit
  1047, // Galera: the node is not ready
  1053, // the server is shutting down
  1152,
  1158,
  1159,
  1160,
  1161,
  1184, // the connection was aborted
  1927, // MariaDB: the connection was killed
  4031, // MySQL: the connection was idle for too long
  1290, // the server is read-only
  1836, // the same
]);

/** Failed authentication, a missing privilege, or a missing database. */
const closed: ReadonlySet<number> = new Set([1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1370, 1698]);

const full: ReadonlySet<number> = new Set([1021, 1114]);
const corrupt: ReadonlySet<number> = new Set([126, 127, 1034, 1035, 1194, 1195, 1712]);

/** Errors caused by a value or a constraint, although their state says nothing or something else. */
const valueFaults: ReadonlySet<number> = new Set([
  1153, // a packet that is too large
  1071, // a key that is too long
  1118, // a row that is too long
  1366, // a text of another encoding
  1364, // no value for a column without a default
  3819, // MySQL: a check constraint
  3140, // MySQL: invalid JSON
]);

const tooLong = 1406;
const outOfRange = 1690;

/** The fence counts from here: one more is out of range. Its error shows the expression. */
export const fenceLimit = '9223372036854775807';

/** Returns the database's error number; undefined for an error from elsewhere: the driver gives socket errors no state. */
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

/** Returns whether the transaction had no effect and may succeed if repeated. */
export function isRepeatable(thrown: unknown): boolean {
  return isAmong(repeatable, thrown);
}

/** Returns whether the connection is broken, or its server cannot work: statements under way may or may not have taken effect. */
export function isConnectionFault(thrown: unknown): boolean {
  // Any other error comes from the socket or the driver.
  if (numberOf(thrown) === undefined) return !(thrown instanceof MillraceError);
  return isAmong(connectionFaults, thrown) || stateOf(thrown).startsWith('08');
}

/** Returns whether the database refused something specific, so that the rest of a group may succeed without it. */
export function isRefusal(thrown: unknown): boolean {
  return numberOf(thrown) !== undefined && !isConnectionFault(thrown) && !isRepeatable(thrown);
}

/** Returns whether a value or a constraint was at fault. A trigger reports that with the state 45000. */
function isValueFault(thrown: unknown): boolean {
  return /^(?:22|23|44|45)/.test(stateOf(thrown)) || isAmong(valueFaults, thrown);
}

/** Converts a thrown value to one of our errors, naming the database; our own errors stay unchanged. */
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
