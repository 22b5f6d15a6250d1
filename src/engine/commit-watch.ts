import type { Draft } from './draft.ts';

/** A commit on disk, as watchers see it. */
export interface SeenCommit {
  readonly pipeline: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** Number of turns in it. */
  readonly turns: number;
  /** The subject of its first turn. Undefined for a commit without turns. */
  readonly first: { readonly key: string; readonly kind: 'event' | 'timer' | 'outcome' } | undefined;
  /** The last dead letter in it. */
  readonly letter: { readonly key: string; readonly kind: string; readonly reason: string } | undefined;
}

type Watcher = (commit: SeenCommit) => void;

/** Shows commits to watchers. Without watchers, commits cost nothing extra. */
export class CommitWatch {
  readonly #watchers = new Set<Watcher>();

  /** Shows every commit from now on; the returned function stops it. */
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
