/**
 * Resolves once all that was written to a stream has gone to its reader, or nobody reads it any more. Node.js does not wait for a pipe
 * when a process ends: what the pipe had no room for is lost.
 */
export function flushed(stream: NodeJS.WriteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (stream.writableLength === 0 || stream.errored !== null) resolve();
  else {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  }
  return promise;
}
