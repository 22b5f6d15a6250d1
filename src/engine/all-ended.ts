/** Resolves once all the work has ended, and only then throws the first failure: nothing is still running once it is reported as failed. */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
