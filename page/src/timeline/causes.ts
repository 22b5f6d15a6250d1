import type { Item } from './model.ts';

/** Acts that let a whole key continue: they cause its first turn afterwards. */
const letsGo: ReadonlySet<unknown> = new Set(['resume', 'resume key', 'skip gap']);

/**
 * Returns the items with causes that involve the page's own items: a timer's turn is caused by the timer coming due, and the first turn
 * after a key was released by the release. The end of a timer by its own turn is not an act, and is left out.
 */
export function withCauses(items: readonly Item[]): readonly Item[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  const letGo = turnsLetGo(items.toSorted((a, b) => a.at - b.at));
  return items.flatMap((item): readonly Item[] => {
    if (item.kind === 'timer cancelled' && byId.get(item.causedBy ?? '')?.details.timer === item.name) return [];
    return [{ ...item, causedBy: byId.get(`${item.id} due`)?.id ?? letGo.get(item.id) ?? item.causedBy }];
  });
}

/** The first turn after each act that lets a key continue, by its id. */
function turnsLetGo(inOrder: readonly Item[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [at, item] of inOrder.entries()) {
    if (item.kind !== 'operator' || !letsGo.has(item.details.action)) continue;
    const turn = inOrder.slice(at + 1).find(({ kind }) => kind === 'turn');
    if (turn !== undefined) found.set(turn.id, item.id);
  }
  return found;
}
