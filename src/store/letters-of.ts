import type { DeadLetter, DeadLetterKind, DeadLetterOf } from './store.ts';

/** Returns the dead letters of one kind. */
export function lettersOf<Kind extends DeadLetterKind>(kind: Kind, letters: readonly DeadLetter[]): readonly DeadLetterOf<Kind>[] {
  return letters.filter((letter): letter is DeadLetterOf<Kind> => letter.kind === kind);
}
