import type { EventAt } from '../store/store.ts';
import { isPlain, type PlainItem, type ToldItem } from './timeline-items.ts';

/* Takes blocks apart for a copy, whose log has the same events at other positions. */

/** Returns the positions of the events that a block only names by position. */
export function positionsIn(text: string): readonly number[] {
  return partsOf(text).lines.flatMap(({ items }) =>
    items.flatMap((item) => (isPlain(item) && typeof item[0] === 'number' ? [item[0]] : [])),
  );
}

/**
 * Returns the lines of a block for a block of the same number whose moment is that number. Events named by position are named by id; those
 * not among the given events stay unnamed.
 */
export function linesOf(
  block: number,
  text: string,
  events: ReadonlyMap<number, EventAt>,
): readonly { readonly key: string; readonly text: string }[] {
  const { moment, lines } = partsOf(text);
  return lines.map(({ key, before, items }) => {
    const moved = items.map((item) => (isPlain(item) ? movePlain(item, { moment, to: block, events }) : withoutPosition(item)));
    return { key, text: JSON.stringify([key, before === null ? null : before - moment + block, moved]) };
  });
}

interface BlockParts {
  readonly moment: number;
  readonly lines: readonly {
    readonly key: string;
    readonly before: number | null;
    readonly items: readonly (PlainItem | ToldItem)[];
  }[];
}

function partsOf(text: string): BlockParts {
  const [first = '', ...rest] = text.split('\n');
  const [moment] = JSON.parse(first);
  const lines = rest.slice(0, -1).map((line) => {
    const [key, before, items] = JSON.parse(line);
    return { key, before, items };
  });
  return { moment, lines };
}

interface Move {
  readonly moment: number;
  /** The new moment. */
  readonly to: number;
  readonly events: ReadonlyMap<number, EventAt>;
}

function movePlain([event, after, tenths = 0, accepted, number]: PlainItem, { moment, to, events }: Move): PlainItem {
  const by = moment - to;
  if (typeof event !== 'number')
    return accepted === undefined ? [event, after + by, tenths] : named([event, after + by, tenths, accepted + by], number);
  const found = events.get(event);
  if (found === undefined) return [null, after + by, tenths];
  return named([found.id, after + by, tenths, found.acceptedAt - to], found.number ?? undefined);
}

function named(item: readonly [id: string | null, after: number, tenths: number, accepted: number], number: number | undefined): PlainItem {
  return number === undefined ? item : [...item, number];
}

function withoutPosition({ position: _, ...item }: ToldItem): ToldItem {
  return item;
}
