/** What an engine should do about the slices of a pipeline. */
export interface Share {
  /** Slices that nobody has, to claim. */
  readonly take: readonly number[];
  /** Slices that others should have, to release. */
  readonly handOver: readonly number[];
}

/**
 * The share of one of the engines that work on a pipeline. Everybody looks at the same table and comes to the same answer, so nobody has
 * to be asked. Who has what keeps it, as long as it is not more than is due to it: then a change of the fleet moves no slice that need
 * not move. As leases alone say who works, two that see different tables at times do no harm.
 *
 * @param members the ids of those that live, this one among them, in an order that is the same for everybody
 * @param owners who has each slice; null or one that does not live: nobody
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
 * The share of an engine in a pipeline whose slices go where those of another one are.
 *
 * @param leaders who has each slice of that other one
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

/** How many slices each is due: all as many, and where that leaves some over, those that have the most one more. */
function dueTo(held: ReadonlyMap<string, readonly number[]>, slices: number): ReadonlyMap<string, number> {
  const most = [...held].sort(([, a], [, b]) => b.length - a.length);
  const each = Math.floor(slices / most.length);
  const over = slices % most.length;
  return new Map(most.map(([member], nth) => [member, nth < over ? each + 1 : each]));
}

/** Deals the free slices out, one by one in turn, to those that have less than they are due. */
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
