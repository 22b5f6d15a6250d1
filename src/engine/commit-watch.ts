import type { Draft } from './draft.ts';

/** A commit that is on disk, as somebody who watches sees it. */
export interface SeenCommit {
  readonly pipeline: string;
  /** Since the epoch, in milliseconds. */
  readonly at: number;
  /** How many turns it had. */
  readonly turns: number;
  /** The first of them: what it was about. Undefined for a commit without a turn. */
  readonly first: { readonly key: string; readonly kind: 'event' | 'timer' | 'outcome' } | undefined;
  /** What was given up last in it. */
  readonly letter: { readonly key: string; readonly kind: string; readonly reason: string } | undefined;
}

type Watcher = (commit: SeenCommit) => void;

/** Shows commits to those who watch. While nobody does, a commit costs nothing more. */
export class CommitWatch {
  readonly #watchers = new Set<Watcher>();

  /** Shows every commit from now on; returns what ends that. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  landed(pipeline: string, { turns, cause, causeKey, lastLetter }: Draft, at: number): void {
    if (this.#watchers.size === 0) return;
    const first = cause === undefined || causeKey === undefined ? undefined : { key: causeKey, kind: cause.kind };
    const letter = lastLetter && { key: lastLetter.key, kind: lastLetter.kind, reason: lastLetter.reason };
    for (const watcher of this.#watchers) watcher({ pipeline, at, turns, first, letter });
  }
}
