/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, with the exit code of that signal. */
export function stopRequested(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  const stop = (signalNumber: number) => {
    if (stopping) process.exit(128 + signalNumber);
    stopping = true;
    resolve();
  };
  process.on('SIGINT', () => stop(2));
  process.on('SIGTERM', () => stop(15));
  return promise;
}
