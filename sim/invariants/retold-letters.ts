import type { DeadLetterKind } from '../../src/store/store.ts';
import type { Resolved, ShownItem } from '../ledger.ts';
import type { RetoldAttempts } from './retold-attempts.ts';
import type { KnownKey } from './timeline-facts.ts';

/** The kinds of dead letters that a timeline tells of. */
const ofKeys: ReadonlySet<DeadLetterKind> = new Set(['event', 'timer', 'outcome', 'delivery', 'gap']);

/** Follows the dead letters of a key: that each came to be, and what became of it. */
export class RetoldLetters {
  readonly #known: KnownKey;
  readonly #attempts: RetoldAttempts;
  readonly #say: (broken: string) => void;
  readonly #told = new Set<unknown>();
  readonly #ended = new Set<unknown>();

  constructor(known: KnownKey, attempts: RetoldAttempts, say: (broken: string) => void) {
    this.#known = known;
    this.#attempts = attempts;
    this.#say = say;
  }

  take({ kind, deadLetter: id, attempts, causedBy }: ShownItem): void {
    const letter = this.#known.letters.get(String(id));
    if (letter === undefined) {
      this.#say(`tells of dead letter ${id}, which is not there and which nobody resolved`);
      return;
    }
    if (this.#told.has(id)) this.#say(`tells twice of dead letter ${id}`);
    this.#told.add(id);
    if ((kind === 'gap-skipped') !== (letter.kind === 'gap')) this.#say(`tells ${kind} of a dead letter of kind ${letter.kind}`);
    const failed = this.#attempts.of(letter.subject);
    if (attempts !== failed)
      this.#say(`tells that ${letter.subject} was given up after ${attempts} attempts, and of ${failed} that failed`);
    if (attempts !== (letter.attempts ?? attempts))
      this.#say(`tells ${attempts} attempts of dead letter ${id}, which has ${letter.attempts}`);
    if (causedBy !== undefined && causedBy !== this.#attempts.lastItemOf(letter.subject))
      this.#say(`tells that dead letter ${id} came from ${causedBy}, which is no failed attempt at ${letter.subject}`);
    this.#attempts.over(letter.subject);
  }

  takeEnd({ commit }: ShownItem, { id, how }: { readonly id: unknown; readonly how: Resolved['how'] }): void {
    if (this.#ended.has(id)) this.#say(`tells twice what became of dead letter ${id}`);
    this.#ended.add(id);
    // The clock may have been set back between a commit and an operator's action.
    if (commit !== null && !this.#told.has(id)) this.#say(`tells that dead letter ${id} was ${how} before it was given up`);
    const letter = this.#known.letters.get(String(id));
    if (letter?.attempts === undefined && letter?.ends.includes(how) !== true)
      this.#say(`tells that dead letter ${id} was ${how}, which nobody did`);
  }

  end(): void {
    for (const [id, { kind, attempts }] of this.#known.letters) {
      if (!ofKeys.has(kind)) continue;
      const isThere = attempts !== undefined;
      if (!this.#told.has(id)) this.#say(`does not tell of dead letter ${id} (${kind})`);
      else if (isThere && this.#ended.has(id)) this.#say(`tells that dead letter ${id} (${kind}) was resolved, and it is there`);
      else if (!isThere && !this.#ended.has(id)) this.#say(`does not tell what became of dead letter ${id} (${kind})`);
    }
  }
}
