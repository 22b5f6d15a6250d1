import type { Store } from '../../src/store/store.ts';
import type { Ledger, ShownItem, Witness } from '../ledger.ts';
import type { Evidence } from './evidence.ts';
import { Retelling } from './retelling.ts';
import { TimelineFacts } from './timeline-facts.ts';

type Say = (broken: string) => void;

/** Page sizes, one key after another, so that pages end at all kinds of places. */
const limits = [2, 5, 40];
/** Before everything rests one key in so many is looked at: whatever its timeline tells by then, it still tells in the end. */
const keysPerLook = 3;
/** More pages than any timeline here has. */
const pagesMax = 1_000;

/**
 * Promise 9: the timeline of a key tells everything that committed, each item once and newest first: the turns with what they decided, the
 * attempts that failed, the calls, the dead letters and what became of them; and nothing that did not commit.
 */
export async function checkTimelines(evidence: readonly Evidence[], ledger: Ledger, { store, isAtRest, say }: Context): Promise<void> {
  const logged = new Map(evidence.flatMap(({ witness, events }) => events.map((event) => [`${witness.pipeline} ${event.id}`, event])));
  for (const one of evidence) {
    const { witness, keys } = one;
    if (witness.timeline === undefined) continue;
    const facts = new TimelineFacts(one, ledger, logged);
    for (const [at, [key, record]] of Array.from(keys).entries()) {
      if (!isAtRest && at % keysPerLook > 0) continue;
      const tell = (broken: string) => say(`${witness.pipeline}: the timeline of key ${key} ${broken}`);
      const items = await readAll(witness, store, { key, limit: limits[Math.floor(at / keysPerLook) % limits.length] ?? 1, say: tell });
      checkNewestFirst(items, tell);
      new Retelling(facts.of(key, record), tell).check(items.toReversed());
    }
  }
}

interface Context {
  readonly store: Store;
  readonly isAtRest: boolean;
  readonly say: Say;
}

interface Reading {
  readonly key: string;
  readonly limit: number;
  readonly say: Say;
}

async function readAll(witness: Witness, store: Store, { key, limit, say }: Reading): Promise<readonly ShownItem[]> {
  const all: ShownItem[] = [];
  let place: unknown;
  let first: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const { items, next } = (await witness.timeline?.(store, key, { limit, place })) ?? { items: [] };
    const isRepeated = items.some(({ id }) => id === first);
    first = items[0]?.id;
    all.push(...items);
    // What a page shows again, the next one may show again too, and so on for ever.
    if (next === undefined || isRepeated) return all;
    place = next;
  }
  say(`does not end within ${pagesMax} pages`);
  return all;
}

function checkNewestFirst(items: readonly ShownItem[], say: Say): void {
  const seen = new Set<string>();
  let last = Number.POSITIVE_INFINITY;
  for (const { id, commit } of items) {
    if (seen.has(id)) say(`shows item ${id} twice`);
    seen.add(id);
    if (commit === null) continue;
    if (Number(commit) > last) say(`shows commit ${commit} after ${last}, which is older`);
    last = Number(commit);
  }
}
