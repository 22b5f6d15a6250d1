import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import type { SqlErrors } from '../../sql/connection/connections.ts';

/** The SQLSTATE that `millrace_fence` raises for a lease that is over. */
export const fencedState = 'MF001';

/** The SQLSTATE of a database limit, such as the length of an index entry. */
const limitState = '54000';

/** Errors after which a transaction without effect may be repeated: a conflict, a deadlock, a lock time-out, a cancelled statement. */
const repeatable: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * Returns the SQLSTATE of a database error; undefined for an error from elsewhere. A database error has a severity. A code alone proves
 * nothing: some operating-system codes have five letters too, such as EPIPE.
 */
export function stateOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('severity' in thrown) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(thrown.code) ? thrown.code : undefined;
}

/** Returns whether the transaction had no effect and may succeed if repeated. */
export function isRepeatable(thrown: unknown): boolean {
  return repeatable.has(stateOf(thrown) ?? '');
}

/** Returns whether a value or a constraint was at fault. A key that is too long exceeds a program limit. */
function isValueFault(thrown: unknown): boolean {
  const state = stateOf(thrown) ?? '';
  return /^(?:22|23|44)/.test(state) || state === limitState || state === 'P0001';
}

/** Returns whether the connection is broken, or its server cannot work: statements under way may or may not have taken effect. */
export function isConnectionFault(thrown: unknown): boolean {
  const state = stateOf(thrown);
  // Any other error comes from the socket or the driver.
  if (state === undefined) return !(thrown instanceof MillraceError);
  return /^(?:08|53|57P|58)/.test(state) || ['40003', '25006', '25P03', '25P04'].includes(state);
}

/** Returns whether the database refused something specific, so that the rest of a group may succeed without it. */
export function isRefusal(thrown: unknown): boolean {
  return stateOf(thrown) !== undefined && !isConnectionFault(thrown) && !isRepeatable(thrown);
}

/** Converts a thrown value to one of our errors, naming the database; our own errors stay unchanged. */
export function toStoreError(thrown: unknown, database: string): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError(codeOf(thrown), `${database}: ${messageOf(thrown)}`, { cause: thrown });
}

function codeOf(thrown: unknown): ErrorCode {
  const state = stateOf(thrown) ?? '';
  if (state === '53100') return 'MILL_STORE_FULL';
  if (state === 'XX001' || state === 'XX002') return 'MILL_STORE_CORRUPT';
  if (isRepeatable(thrown)) return 'MILL_STORE_BUSY';
  if (isConnectionFault(thrown) || /^(?:28|3D|42501)/.test(state)) return 'MILL_STORE_UNAVAILABLE';
  return 'MILL_INTERNAL';
}

export const postgresErrors: SqlErrors = {
  isConnectionFault,
  isRefusal,
  isValueFault,
  isFenced: (thrown) => stateOf(thrown) === fencedState,
  isTooLong: (thrown) => stateOf(thrown) === limitState,
  toStoreError,
};
