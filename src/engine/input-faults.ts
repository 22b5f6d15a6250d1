import type { ErrorCode } from '../errors.ts';
import { codeOf } from '../fault.ts';

/** Errors about a single inbox row or broker record: retrying would change nothing. */
const faultsOfInput: ReadonlySet<ErrorCode> = new Set([
  'MILL_INVALID_EVENT',
  'MILL_INVALID_REQUEST',
  'MILL_BODY_TOO_LARGE',
  'MILL_EVENT_TOO_EARLY',
  'MILL_EVENT_TOO_LATE',
  'MILL_PIPELINE_FAILED',
  'MILL_INTERNAL',
]);

/** Returns whether retrying would change nothing. An exception that is none of our errors is the fault of a function of the pipeline. */
export function isFaultOfInput(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === undefined || faultsOfInput.has(code);
}

/** For these the stack says more than the message. */
export const faultsWithStack: ReadonlySet<ErrorCode> = new Set(['MILL_PIPELINE_FAILED', 'MILL_INTERNAL']);

/** After these nothing was stored, so there is nothing to check. */
export const unchanged: ReadonlySet<ErrorCode | undefined> = new Set(['MILL_STORE_BUSY', 'MILL_STORE_FENCED'] as const);

/** An unreachable or full store, or an expired lease: reported elsewhere. */
export const saidElsewhere: ReadonlySet<ErrorCode> = new Set([
  'MILL_STORE_UNAVAILABLE',
  'MILL_STORE_BUSY',
  'MILL_STORE_FULL',
  'MILL_STORE_FENCED',
]);
