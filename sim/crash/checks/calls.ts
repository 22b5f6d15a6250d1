import type { Book, Call } from '../book.ts';

/** Calls repeated after one that was accepted, and what they reveal about the engine. */
export interface Repeats {
  readonly count: number;
  /** The longest time from such an answer to the death of its life, in milliseconds: its commit was under way. */
  readonly beforeDeathMsMax: number;
  readonly broken: readonly string[];
}

/** Promise 6: an accepted call is repeated only if the server died before it could record the acceptance. */
export function checkRepeats({ calls, lives }: Book): Repeats {
  const repeats = { count: 0, beforeDeathMsMax: 0 };
  const broken: string[] = [];
  for (const [name, own] of Map.groupBy(calls, ({ endpoint, id }) => `${endpoint} ${id}`)) {
    for (const [at, call] of own.entries()) {
      const taken = takenBefore(own.slice(0, at), call);
      if (taken === undefined) continue;
      const life = lives[taken.life - 1];
      repeats.count += 1;
      if (taken.life === call.life) broken.push(`${name} was accepted in life ${call.life} and called again in it`);
      else if (life?.end !== 'killed') broken.push(`${name} was accepted in life ${taken.life}, which was not killed, and called again`);
      else repeats.beforeDeathMsMax = Math.max(repeats.beforeDeathMsMax, life.endedAt - taken.answeredAt);
    }
  }
  return { ...repeats, broken };
}

/** Returns the last call that had been accepted by then. */
function takenBefore(earlier: readonly Call[], { arrivedAt }: Call): Call | undefined {
  return earlier.findLast(({ result, answeredAt }) => result === 'delivered' && answeredAt <= arrivedAt);
}
