import type { DeadLetter } from '../../lib/types.ts';

/** Dead letters of one kind and pipeline whose reasons are alike. */
export interface LetterGroup {
  readonly pipeline: string;
  readonly kind: DeadLetter['kind'];
  readonly reason: string;
  readonly count: number;
  readonly first: string;
  readonly last: string;
  /** How many came in each minute of the last hour, the oldest first. */
  readonly arrivals: readonly number[];
}

/** Something that an operator does to many dead letters. */
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
  /** Letters that came since it began and fit its filter. */
  readonly failedAgain: number;
  /** Those that cannot be redriven. */
  readonly refused: number;
  readonly left: number;
}

/** What is chosen, so that all that match are meant and not those on the screen. */
export function keyOf({ pipeline, kind, reason }: Pick<LetterGroup, 'pipeline' | 'kind' | 'reason'>): string {
  return JSON.stringify([pipeline, kind, reason]);
}

export function filterOf({ pipeline, kind, reason }: LetterGroup): Readonly<Record<'pipeline' | 'kind' | 'reason', string>> {
  return { pipeline, kind, reason };
}
