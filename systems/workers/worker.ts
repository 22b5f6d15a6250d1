import * as z from 'zod';

/** What a worker remembers. */
export const Worker = z.object({
  /** Who spoke to it last; 0 while nobody has. */
  worker_listened: z.int(),
  /** What it heard then; empty while nobody has spoken to it. */
  message_listened: z.string(),
  messages_heard: z.int(),
  messages_spoken: z.int(),
});
export type Worker = z.infer<typeof Worker>;

/** A worker to whom nothing has happened yet. */
export const silentWorker: Worker = { worker_listened: 0, message_listened: '', messages_heard: 0, messages_spoken: 0 };
