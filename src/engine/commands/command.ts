import { type ErrorCode, errorTable, MillraceError } from '../../errors.ts';
import type { AuditEntry, DeliveryName, StoredOperation } from '../../store/store.ts';

/** The commands to the owner of a partition. An engine of a later release may know more. */
export type Command =
  | { readonly do: 'redrive' | 'discard' /** A dead letter's id. */; readonly letter: string; readonly entry?: AuditEntry | undefined }
  /** Omits dead letters that others have resolved meanwhile. */
  | { readonly do: 'discardLetters'; readonly letters: readonly string[] }
  | { readonly do: 'actOnKey'; readonly act: 'park' | 'resume' | 'skipGap'; readonly key: string; readonly entry?: AuditEntry | undefined }
  /** For an operation, which counts them. Answers how many cannot be resolved. */
  | { readonly do: 'resolveLetters'; readonly letters: readonly string[]; readonly operation: Pick<StoredOperation, 'id' | 'action'> }
  /** The events of one key, or of all. */
  | { readonly do: 'discardEvents'; readonly key: string | null }
  | { readonly do: 'withdraw'; readonly endpoint: string }
  | { readonly do: 'sendDelivery'; readonly delivery: DeliveryName; readonly entry?: AuditEntry | undefined }
  /** Its key is notified of the reason. */
  | { readonly do: 'withdrawDelivery'; readonly delivery: DeliveryName; readonly reason: string; readonly entry?: AuditEntry | undefined };

/** The outcome of a command: the number of things affected, or why nothing was done. */
export type Outcome = { readonly count: number } | { readonly code: string; readonly message: string };

/** An outcome as the store keeps it. */
export function outcomeText(outcome: Outcome): string {
  return JSON.stringify(outcome);
}

/** Returns how many things a command affected, from its owner's answer. Throws what the owner would have thrown at its own caller. */
export function countIn(answer: string): number {
  const outcome: Outcome = JSON.parse(answer);
  if ('count' in outcome) return outcome.count;
  throw new MillraceError(isCode(outcome.code) ? outcome.code : 'MILL_INTERNAL', outcome.message);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}
