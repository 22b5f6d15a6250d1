import type { MillraceError } from '../errors.ts';
import { type Cause, nameInPartition } from './cause.ts';
import type { Draft } from './draft.ts';

/**
 * Finds out whose row the store refused. A refused draft runs again with each turn in its own commit; the turn that is refused alone has
 * failed, and the rest are unharmed.
 */
export class Refusals {
  readonly #found = new Map<string, MillraceError>();
  #suspects = 0;

  /** True if turns must be committed one by one. */
  get isSearching(): boolean {
    return this.#suspects > 0;
  }

  refused(draft: Draft, error: MillraceError): void {
    const culprit = draft.cause;
    if (draft.turns === 1 && culprit !== undefined) this.#found.set(nameOf(culprit), error);
    this.#suspects = Math.max(this.#suspects, draft.turns);
  }

  committed(draft: Draft): void {
    this.#suspects = Math.max(0, this.#suspects - draft.turns);
    if (this.#found.size === 0) return;
    for (const timer of draft.timers) this.#found.delete(nameInPartition(timer));
    for (const outcome of draft.outcomes) this.#found.delete(nameInPartition(outcome));
  }

  /** Returns why a turn must not run again; only once, since the next attempt may succeed. */
  take(cause: Cause): MillraceError | undefined {
    if (this.#found.size === 0) return undefined;
    const name = nameOf(cause);
    const refusal = this.#found.get(name);
    this.#found.delete(name);
    return refusal;
  }
}

function nameOf(cause: Cause): string {
  return cause.kind === 'event' ? `event ${cause.position}` : nameInPartition(cause);
}
