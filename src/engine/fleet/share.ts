/** An engine's next steps for the slices of a pipeline. */
export interface Share {
  /** Free slices to claim. */
  readonly take: readonly number[];
  /** Slices to release, which others should have. */
  readonly handOver: readonly number[];
}

/**
 * Returns an engine's share of a pipeline. Everyone looks at the same table and reaches the same answer, so nobody has to be asked. Owners
 * keep their slices up to their fair share, so that a change of the fleet moves no slice unnecessarily. Since only leases decide who works,
 * two engines that briefly see different tables do no harm.
 *
 * @param members the ids of the live engines, including this one, in the same order for everyone
 * @param owners the owner of each slice; null, or an engine that is not alive, means free
 */
export function shareOf(self: string, members: readonly string[], owners: readonly (string | null)[]): Share {
  const held = new Map<string, number[]>(members.map((member) => [member, []]));
  const free: number[] = [];
  for (const [slice, owner] of owners.entries()) (held.get(owner ?? '') ?? free).push(slice);
  const due = dueTo(held, owners.length);
  const own = held.get(self) ?? [];
  const mine = due.get(self) ?? 0;
  return { take: dealt(free, held, due).get(self) ?? [], handOver: own.slice(mine) };
}

/**
 * Returns an engine's share of a pipeline whose slices follow those of another one.
 *
 * @param leaders the owner of each slice of that other pipeline
 */
export function shareBeside(
  self: string,
  members: readonly string[],
  owners: readonly (string | null)[],
  leaders: readonly (string | null)[],
): Share {
  const lives = new Set(members);
  const slices = Array.from(owners.keys());
  const isFree = (slice: number) => !lives.has(owners[slice] ?? '');
  const isElsewhere = (slice: number) => leaders[slice] !== self && lives.has(leaders[slice] ?? '');
  return {
    take: slices.filter((slice) => isFree(slice) && leaders[slice] === self),
    handOver: slices.filter((slice) => owners[slice] === self && isElsewhere(slice)),
  };
}

/** Computes each one's fair share: equal numbers, with any remainder going to those that already have the most. */
function dueTo(held: ReadonlyMap<string, readonly number[]>, slices: number): ReadonlyMap<string, number> {
  const most = [...held].sort(([, a], [, b]) => b.length - a.length);
  const each = Math.floor(slices / most.length);
  const over = slices % most.length;
  return new Map(most.map(([member], nth) => [member, nth < over ? each + 1 : each]));
}

/** Deals the free slices out in turn to those below their fair share. */
function dealt(
  free: readonly number[],
  held: ReadonlyMap<string, readonly number[]>,
  due: ReadonlyMap<string, number>,
): Map<string, number[]> {
  const hands = new Map<string, number[]>(Array.from(due.keys(), (member) => [member, []]));
  const isWaiting = ([member, hand]: [string, number[]]) => (held.get(member)?.length ?? 0) + hand.length < (due.get(member) ?? 0);
  let at = 0;
  for (let waiting = [...hands].filter(isWaiting); at < free.length && waiting.length > 0; waiting = waiting.filter(isWaiting)) {
    for (const [, hand] of waiting.slice(0, free.length - at)) {
      hand.push(free[at] as number);
      at += 1;
    }
  }
  return hands;
}
