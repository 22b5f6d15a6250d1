import type { DeadLetter, DeadLetterOf, DeadLetterQuery } from '../store/store.ts';

/** Letters of a key read at once. */
const lettersMax = 100;

/** Returns the dead letter that has parked a key; undefined if none has. A key may have others, from timers and deliveries. */
export async function parkingLetter(
  query: (query: DeadLetterQuery) => Promise<readonly DeadLetter[]>,
  { pipeline, key }: { readonly pipeline: string; readonly key: string },
): Promise<DeadLetterOf<'event'> | undefined> {
  for (let after: string | undefined; ; ) {
    const letters: readonly DeadLetter[] = await query({ pipeline, key, after, limit: lettersMax });
    const parking = letters.find((letter) => letter.kind === 'event' && letter.parked);
    if (parking?.kind === 'event') return parking;
    if (letters.length < lettersMax) return undefined;
    after = letters.at(-1)?.id;
  }
}
