import type { Turn } from '../../src/index.ts';

/** An event in the life of an account's version, `at` in milliseconds since 1970. */
export type Happening = {
  readonly id: string;
  readonly version: number;
} & (
  | { readonly event: 'indexed' /** The time at which it was accepted. */; readonly at: number }
  | { readonly event: 'callback'; readonly at: number }
  | { readonly event: 'cancelled' /** The newer version. */; readonly by: number; readonly at: number }
  | { readonly event: 'ignored' /** The version that is not older. */; readonly current: number; readonly at: number }
);

/**
 * Called for each happening, in order for each account, as soon as it is decided and before it is on disk: after a crash, those of
 * the last commit are reported again. The tables are exact.
 */
export type Observe = (happening: Happening, turn: Pick<Turn, 'log'>) => void;

/** The default. The engine itself logs ignored events, at debug. */
export const logHappening: Observe = (happening, turn) => {
  if (happening.event === 'ignored') return;
  const { event, ...fields } = happening;
  turn.log.info(event, fields);
};
