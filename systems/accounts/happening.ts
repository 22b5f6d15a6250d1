import type { Turn } from '../../src/index.ts';

/** Something that happened to a version of an account, `at` in milliseconds since 1970. */
export type Happening = {
  readonly id: string;
  readonly version: number;
} & (
  | { readonly event: 'indexed' /** When it was taken in. */; readonly at: number }
  | { readonly event: 'callback'; readonly at: number }
  | { readonly event: 'cancelled' /** The newer version. */; readonly by: number; readonly at: number }
  | { readonly event: 'ignored' /** The version that is not older. */; readonly current: number; readonly at: number }
);

/**
 * Is told what happens, in the order in which it happens to each account, as soon as it is decided and before it is on
 * disk: after a crash, what the last commit would have held is told once more. What must be exact is in the tables.
 */
export type Observe = (happening: Happening, turn: Pick<Turn, 'log'>) => void;

/** The default. What is ignored the engine logs itself, at debug. */
export const logHappening: Observe = (happening, turn) => {
  if (happening.event === 'ignored') return;
  const { event, ...fields } = happening;
  turn.log.info(event, fields);
};
