import { type Item, type Lane, laneOf, lanes } from './model.ts';
import type { Scale } from './scale.ts';

/** An item with its place. */
export interface Placed {
  readonly item: Item;
  readonly lane: Lane;
  readonly x: number;
  readonly right: number;
  readonly y: number;
}

/** A lane with its rows. */
export interface LaneBox {
  readonly lane: Lane;
  readonly top: number;
  readonly height: number;
  /** The names of its rows, if they have any. */
  readonly rows: readonly { readonly name: string; readonly y: number }[];
}

export interface Layout {
  readonly placed: readonly Placed[];
  readonly boxes: readonly LaneBox[];
  readonly height: number;
}

/** The top of the lanes, below the axis. */
export const lanesTop = 72;
const stepDown = 15;
const eventRows = 3;
const barMin = 8;
const callMin = 28;
/** Below the name of its lane. */
const firstRow = 30;

/** Places every item: in its lane, in the row of its subject, one step down for each failed attempt before it. */
export function layOut(items: readonly Item[], scale: Scale): Layout {
  const placed: Placed[] = [];
  const boxes: LaneBox[] = [];
  const ends = endsOfTurns(items, scale);
  let top = lanesTop;
  for (const lane of lanes) {
    const own = items.filter((item) => laneOf(item) === lane);
    if (own.length === 0) continue;
    const { rows, y, height } = rowsOf(lane, own);
    boxes.push({ lane, top, height, rows: rows.map(({ name, y: row }) => ({ name, y: top + row })) });
    for (const item of own) {
      const x = (isEffect(item) ? ends.get(item.causedBy ?? '') : undefined) ?? scale.x(item.at);
      placed.push({ item, lane, x, right: rightOf(item, x, scale), y: top + y(item) });
    }
    top += height;
  }
  return { placed, boxes, height: top };
}

function rightOf(item: Item, x: number, scale: Scale): number {
  if (isEffect(item)) return x;
  return Math.max(x + (item.kind === 'call' ? callMin : barMin), scale.x(item.end));
}

/** A turn's effects are on disk with the turn, so they hang from its end. */
export function isEffect({ kind }: Item): boolean {
  return kind === 'timer set' || kind === 'timer cancelled' || kind === 'delivery asked' || kind === 'sent';
}

/** Returns where each turn ends, by its id. */
function endsOfTurns(items: readonly Item[], scale: Scale): ReadonlyMap<string, number> {
  const turns = items.filter(({ kind }) => kind === 'turn' || kind === 'outcome');
  return new Map(turns.map((turn) => [turn.id, rightOf(turn, scale.x(turn.at), scale)]));
}

interface Rows {
  readonly rows: readonly { readonly name: string; readonly y: number }[];
  readonly height: number;
  y(item: Item): number;
}

function rowsOf(lane: Lane, items: readonly Item[]): Rows {
  if (lane === 'operator' || lane === 'sends') return { rows: [], height: 28, y: () => 14 };
  if (lane === 'events') return eventRowsOf(items);
  if (lane === 'turns') {
    const steps = stepsOf(items, () => '');
    const deepest = Math.max(0, ...items.map(({ id }) => steps.get(id) ?? 0));
    return { rows: [], height: 28 + deepest * stepDown, y: ({ id }) => 14 + (steps.get(id) ?? 0) * stepDown };
  }
  return namedRowsOf(items, lane === 'deliveries');
}

/** Stacks events that come close together, so that their names have room. */
function eventRowsOf(items: readonly Item[]): Rows {
  const rows = Math.min(eventRows, items.length);
  const order = new Map(items.toSorted((a, b) => a.at - b.at).map(({ id }, at) => [id, at % rows]));
  return { rows: [], height: 12 + rows * 20, y: ({ id }) => 18 + (order.get(id) ?? 0) * 20 };
}

/** Returns one row, or one stair, per name. */
function namedRowsOf(items: readonly Item[], hasStairs: boolean): Rows {
  const names = [...new Set(items.map(({ name }) => name))];
  const steps = hasStairs ? stepsOf(items, ({ details, name }) => `${name} ${String(details.delivery ?? '')}`) : new Map<string, number>();
  const tops = new Map<string, number>();
  let y = firstRow;
  for (const name of names) {
    tops.set(name, y);
    const deepest = Math.max(0, ...items.filter((item) => item.name === name).map(({ id }) => steps.get(id) ?? 0));
    y += 22 + deepest * stepDown;
  }
  return {
    rows: names.map((name) => ({ name, y: tops.get(name) ?? 0 })),
    height: y - 2,
    y: ({ id, name }) => (tops.get(name) ?? 0) + (steps.get(id) ?? 0) * stepDown,
  };
}

const stepsMax = 5;

/** Returns how far down each attempt is: below the failed one before it, and back at the top after a success. */
function stepsOf(items: readonly Item[], groupOf: (item: Item) => string): ReadonlyMap<string, number> {
  const depth = new Map<string, number>();
  const steps = new Map<string, number>();
  for (const item of items.toSorted((a, b) => a.at - b.at)) {
    const group = groupOf(item);
    const step = depth.get(group) ?? 0;
    steps.set(item.id, step);
    if (item.isGood === false) depth.set(group, Math.min(stepsMax, step + 1));
    else if (item.kind !== 'outcome' && item.kind !== 'other') depth.set(group, 0);
  }
  return steps;
}

/** Drops labels that would overlap others; the chosen one stays. */
export function withoutCollisions<L extends { readonly x: number; readonly y: number; readonly text: string; readonly isChosen: boolean }>(
  labels: readonly L[],
): readonly L[] {
  const taken: { readonly from: number; readonly to: number; readonly y: number }[] = [];
  const kept: L[] = [];
  for (const label of labels.toSorted((a, b) => Number(b.isChosen) - Number(a.isChosen) || a.x - b.x)) {
    const to = label.x + label.text.length * 6.2 + 6;
    if (taken.some((other) => Math.abs(other.y - label.y) < 12 && label.x < other.to && to > other.from)) continue;
    taken.push({ from: label.x, to, y: label.y });
    kept.push(label);
  }
  return kept;
}
