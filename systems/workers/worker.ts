import * as z from 'zod';

/** A worker's memory. */
export const Worker = z.object({
  /** The last worker to speak to it; 0 before any has. */
  worker_listened: z.int(),
  /** The last message it heard; empty before any. */
  message_listened: z.string(),
  messages_heard: z.int(),
  messages_spoken: z.int(),
});
export type Worker = z.infer<typeof Worker>;

/** A worker with no history. */
export const silentWorker: Worker = { worker_listened: 0, message_listened: '', messages_heard: 0, messages_spoken: 0 };
