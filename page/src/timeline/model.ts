/** An item of a key's history, as the picture and the story show it. */
export interface Item {
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** The time at which it ended; the same moment for an instantaneous one. */
  readonly end: number;
  readonly kind: ItemKind;
  /** True if it went well; undefined if that does not apply. */
  readonly isGood: boolean | undefined;
  /** Its subject: the id of an event, the name of a timer or endpoint, the key that something was sent to. */
  readonly name: string;
  /** The same in words. */
  readonly text: string;
  /** A few words to show beside its shape. */
  readonly label: string;
  readonly causedBy: string | null;
  /** Items with the same commit are on disk together. */
  readonly commit: string | null;
  /** The attempt's number. */
  readonly attempt: number | undefined;
  readonly reason: string | undefined;
  /** Further details. */
  readonly details: Readonly<Record<string, unknown>>;
}

type ItemKind =
  | 'accepted'
  | 'turn'
  | 'parked'
  | 'timer set'
  | 'timer due'
  | 'timer cancelled'
  | 'delivery asked'
  | 'call'
  | 'withdrawn'
  | 'outcome'
  | 'sent'
  | 'operator'
  | 'other';

export const lanes = ['operator', 'events', 'turns', 'timers', 'deliveries', 'sends'] as const;
export type Lane = (typeof lanes)[number];

const laneOfKind: Readonly<Record<ItemKind, Lane>> = {
  operator: 'operator',
  accepted: 'events',
  turn: 'turns',
  parked: 'turns',
  outcome: 'turns',
  other: 'turns',
  'timer set': 'timers',
  'timer due': 'timers',
  'timer cancelled': 'timers',
  'delivery asked': 'deliveries',
  call: 'deliveries',
  withdrawn: 'deliveries',
  sent: 'sends',
};

export function laneOf({ kind }: Item): Lane {
  return laneOfKind[kind];
}

/** Returns whether something was under way for the item's whole time: a fold never hides it. */
export function isWork({ kind }: Item): boolean {
  return kind === 'turn' || kind === 'call';
}

/** Groups items of the same commit by its name. */
export function commitsOf(items: readonly Item[]): ReadonlyMap<string, readonly Item[]> {
  const commits = new Map<string, Item[]>();
  for (const item of items) {
    if (item.commit === null) continue;
    const known = commits.get(item.commit);
    if (known === undefined) commits.set(item.commit, [item]);
    else known.push(item);
  }
  return commits;
}
