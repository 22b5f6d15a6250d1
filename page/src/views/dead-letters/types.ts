import type { DeadLetter } from '../../lib/types.ts';

/** Dead letters of one kind and pipeline with similar reasons. */
export interface LetterGroup {
  readonly pipeline: string;
  readonly kind: DeadLetter['kind'];
  readonly reason: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  /** Arrivals in each minute of the last hour, oldest first. */
  readonly arrivals: readonly number[];
}

/** An operator's action on many dead letters. */
export interface Operation {
  readonly id: string;
  readonly action: 'redrive' | 'discard';
  readonly filter: { readonly pipeline: string };
  readonly state: 'starting' | 'running' | 'ended' | 'undone' | 'stopped';
  readonly who: string | null;
  readonly startsAt: string;
  readonly endedAt: string | null;
  readonly matched: number;
  readonly done: number;
  /** Letters that match its filter and came since it began. */
  readonly failedAgain: number;
  /** Letters that cannot be redriven. */
  readonly refused: number;
  readonly left: number;
}

/** Identifies a selection, so that it covers all matching letters and not only those on the screen. */
export function keyOf({ pipeline, kind, reason }: Pick<LetterGroup, 'pipeline' | 'kind' | 'reason'>): string {
  return JSON.stringify([pipeline, kind, reason]);
}

export function filterOf({ pipeline, kind, reason }: LetterGroup): Readonly<Record<'pipeline' | 'kind' | 'reason', string>> {
  return { pipeline, kind, reason };
}
