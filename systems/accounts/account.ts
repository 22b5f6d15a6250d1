import * as z from 'zod';
import { AccountUpdate } from './update.ts';

/** An account: its current version, and whether the callback of that is still to come. */
export const Account = z.object({
  ...AccountUpdate.shape,
  /** When the version was taken in, in milliseconds since 1970. */
  indexedAt: z.int(),
  callbackPending: z.boolean(),
});
export type Account = z.infer<typeof Account>;

/** When the callback of its current version is due, in milliseconds since 1970. */
export function callbackDueAt({ indexedAt, callbackTimeMs }: Account): number {
  return indexedAt + callbackTimeMs;
}

/** What became of the callback of a version: undefined while it is to come. */
export type Outcome = { readonly callbackAt: number } | { readonly cancelledAt: number; readonly by: number } | undefined;
