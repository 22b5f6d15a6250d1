/** Resolves once all of some work has ended. Throws the first failure, and not before: nothing goes on of what was said to have failed. */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
