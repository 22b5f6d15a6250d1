import type { ErrorCode } from '../errors.ts';

/** What is wrong with one row of the inbox, or one record of a broker: trying again would change nothing. */
export const faultsOfInput: ReadonlySet<ErrorCode> = new Set([
  'MILL_INVALID_EVENT',
  'MILL_INVALID_REQUEST',
  'MILL_BODY_TOO_LARGE',
  'MILL_EVENT_TOO_EARLY',
  'MILL_EVENT_TOO_LATE',
  'MILL_PIPELINE_FAILED',
  'MILL_INTERNAL',
]);

/** Of these the stack says more than the message. */
export const faultsWithStack: ReadonlySet<ErrorCode> = new Set(['MILL_PIPELINE_FAILED', 'MILL_INTERNAL']);

/** After these nothing was stored, so that nobody need ask. */
export const unchanged: ReadonlySet<ErrorCode | undefined> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FENCED'] as const);

/** That a store cannot be reached, or has no room, or that a lease is over: others say so. */
export const saidElsewhere: ReadonlySet<ErrorCode> = new Set([
  'MILL_STORE_UNAVAILABLE',
  'MILL_STORE_BUSY',
  'MILL_STORE_FULL',
  'MILL_STORE_FENCED',
]);
