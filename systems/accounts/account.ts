import * as z from 'zod';
import { AccountUpdate } from './update.ts';

/** An account: its current version, and whether that version's callback is still pending. */
export const Account = z.object({
  ...AccountUpdate.shape,
  /** The time at which the version was accepted, in milliseconds since 1970. */
  indexedAt: z.int(),
  callbackPending: z.boolean(),
});
export type Account = z.infer<typeof Account>;

/** Returns when the callback of its current version is due, in milliseconds since 1970. */
export function callbackDueAt({ indexedAt, callbackTimeMs }: Account): number {
  return indexedAt + callbackTimeMs;
}

/** The outcome of a version's callback; undefined while it is pending. */
export type Outcome = { readonly callbackAt: number } | { readonly cancelledAt: number; readonly by: number } | undefined;
