import { addAbortListener } from 'node:events';

/** Waits for work that ignores signals. Throws the signal's reason as soon as it aborts. */
export async function abortable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work(), aborted]);
}
