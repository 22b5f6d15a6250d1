import type { Item } from './model.ts';

/** Actions that cause a retry. */
const triesAgain: ReadonlySet<unknown> = new Set(['redrive', 'resume', 'resume key', 'resume-key', 'skip gap', 'skip-gap']);

/**
 * Returns the items with inferred causes: a call comes from the requested delivery, an outcome from the last call, a timer's turn from the
 * moment it came due, and a turn after a redrive from whoever redrove. A timer ending by its own turn is no action, and is left out.
 */
export function withCauses(items: readonly Item[]): readonly Item[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  const inOrder = items.toSorted((a, b) => a.at - b.at);
  const redriven = redrivenTurns(inOrder);
  return items.flatMap((item): readonly Item[] => {
    if (item.kind === 'timer cancelled' && byId.get(item.causedBy ?? '')?.details.timer === item.name) return [];
    const causedBy = redriven.get(item.id) ?? item.causedBy ?? causeOf(item, inOrder, byId);
    return [{ ...item, causedBy }];
  });
}

function causeOf(item: Item, inOrder: readonly Item[], byId: ReadonlyMap<string, Item>): string | null {
  const lastBefore = (fits: (other: Item) => boolean) =>
    inOrder.findLast((other) => other.at <= item.at && other !== item && fits(other))?.id ?? null;
  const { delivery, timer } = item.details;
  switch (item.kind) {
    case 'call':
      return lastBefore((other) => other.kind === 'delivery asked' && other.details.delivery === delivery);
    case 'outcome':
      return lastBefore((other) => other.kind === 'call' && other.details.delivery === delivery);
    case 'timer due':
      return lastBefore((other) => other.kind === 'timer set' && other.name === item.name);
    case 'turn':
      return timer === undefined ? null : (byId.get(`${item.id} due`)?.id ?? null);
    default:
      return null;
  }
}

/** Returns the first turn after each action that causes a retry, by its id. */
function redrivenTurns(inOrder: readonly Item[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [at, item] of inOrder.entries()) {
    if (item.kind !== 'operator' || !triesAgain.has(item.details.action)) continue;
    const turn = inOrder.slice(at + 1).find(({ kind }) => kind === 'turn');
    if (turn !== undefined) found.set(turn.id, item.id);
  }
  return found;
}
