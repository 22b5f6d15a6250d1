import { type ErrorCode, MillraceError, messageOf } from '../../../errors.ts';
import type { SqlErrors } from '../../sql/connection/connections.ts';

/** The SQLSTATE that `millrace_fence` raises for a lease that is over. */
export const fencedState = 'MF001';

/** The SQLSTATE of a limit of the database, such as the length of an entry of an index. */
const limitState = '54000';

/** What a transaction that had no effect may be repeated after: a conflict, a deadlock, a lock that was not had in time, a statement that was cancelled. */
const repeatable: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * The SQLSTATE of what the database said; undefined for what did not come from the database. What it says has a severity. A code alone
 * tells nothing: some of the operating system have five letters too, such as EPIPE.
 */
export function stateOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('severity' in thrown) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  return /^[0-9A-Z]{5}$/.test(thrown.code) ? thrown.code : undefined;
}

/** Whether the transaction had no effect and may succeed when it is repeated. */
export function isRepeatable(thrown: unknown): boolean {
  return repeatable.has(stateOf(thrown) ?? '');
}

/** Whether a value or a constraint was at fault. A program limit is what a key is too long for. */
function isValueFault(thrown: unknown): boolean {
  const state = stateOf(thrown) ?? '';
  return /^(?:22|23|44)/.test(state) || state === limitState || state === 'P0001';
}

/** Whether the connection is none any more, or the server behind it cannot do its work: what was under way may have taken effect or not. */
export function isConnectionFault(thrown: unknown): boolean {
  const state = stateOf(thrown);
  // What is no error of the database comes from the socket or the driver.
  if (state === undefined) return !(thrown instanceof MillraceError);
  return /^(?:08|53|57P|58)/.test(state) || ['40003', '25006', '25P03', '25P04'].includes(state);
}

/** Whether the database refused something in particular, so that others of a group may succeed without the one that asked for it. */
export function isRefusal(thrown: unknown): boolean {
  return stateOf(thrown) !== undefined && !isConnectionFault(thrown) && !isRepeatable(thrown);
}

/** What was thrown, as an error of ours that names the database; one of ours stays as it is. */
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
