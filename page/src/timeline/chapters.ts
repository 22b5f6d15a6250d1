import { countOf, durationText, momentText } from '../lib/format.ts';
import type { Item } from './model.ts';

/** One row of the story: an item, or several attempts that failed in the same way. */
export interface Row {
  readonly text: string;
  /** The newest first. */
  readonly items: readonly Item[];
}

/** Items without a long pause between them, or those of a time when the key was parked. */
export interface Chapter {
  readonly title: string;
  readonly note: string;
  readonly isParked: boolean;
  readonly rows: readonly Row[];
}

const pauseMs = 10_000;

interface Group {
  /** The time at which the key was parked, for items during the park. */
  readonly park: Park | undefined;
  readonly items: Item[];
}

interface Park {
  readonly from: number;
  readonly to: number;
}

/** Returns the story in chapters, split at long pauses and where the key was parked; newest first. */
export function chaptersOf(items: readonly Item[]): readonly Chapter[] {
  const parks = parksIn(items);
  const groups: Group[] = [];
  for (const item of items) {
    const park = parks.find(({ from, to }) => item.at > from && item.at < to);
    const group = groups.at(-1);
    const later = group?.items.at(-1);
    const goesOn = group !== undefined && later !== undefined && group.park === park;
    if (goesOn && (park !== undefined || later.at - item.end <= pauseMs)) group.items.push(item);
    else groups.push({ park, items: [item] });
  }
  return groups.map((group, at) =>
    group.park === undefined ? chapterOf(group.items, groups[at + 1]) : parkedChapter(group.items, group.park),
  );
}

/** Returns the times from each park to its end. */
function parksIn(items: readonly Item[]): readonly Park[] {
  const inOrder = items.toReversed();
  return inOrder.flatMap((item, at) => {
    if (item.kind !== 'parked') return [];
    const end = inOrder.slice(at + 1).find(({ kind, at: moment }) => moment > item.at && (kind === 'turn' || kind === 'operator'));
    return [{ from: item.at, to: end?.at ?? Number.POSITIVE_INFINITY }];
  });
}

function chapterOf(items: readonly Item[], before: Group | undefined): Chapter {
  const first = items.at(-1) as Item;
  const last = items[0] as Item;
  const failures = items.filter(({ isGood }) => isGood === false).length;
  const span = Math.max(0, last.end - first.at);
  const title = span < 1_000 ? momentText(first.at) : `${momentText(first.at)} – ${momentText(last.end)}`;
  const parts = [failures === 0 ? '' : countOf(failures, 'failure'), span < 1_000 ? '' : durationText(span), pauseBefore(first, before)];
  return { title, note: parts.filter((part) => part !== '').join(', '), isParked: false, rows: rowsOf(items) };
}

function pauseBefore(first: Item, before: Group | undefined): string {
  const earlier = before?.items[0];
  if (earlier === undefined || before?.park !== undefined) return '';
  return first.at - earlier.end > pauseMs ? `after a pause of ${durationText(first.at - earlier.end)}` : '';
}

function parkedChapter(items: readonly Item[], { from, to }: Park): Chapter {
  const title = Number.isFinite(to) ? `Parked for ${durationText(to - from)}` : 'Parked';
  return { title, note: `nothing ran; ${countOf(items.length, 'item')} queued`, isParked: true, rows: rowsOf(items) };
}

/** Combines similar failures of the same thing into one row. */
function rowsOf(items: readonly Item[]): readonly Row[] {
  const rows: { text: string; items: Item[] }[] = [];
  for (const item of items) {
    const row = rows.at(-1);
    if (row !== undefined && isAlike(row.items[0], item)) row.items.push(item);
    else rows.push({ text: item.text, items: [item] });
  }
  return rows.map((row) => (row.items.length === 1 ? row : { ...row, text: textOfAlike(row.items) }));
}

function isAlike(a: Item | undefined, b: Item): boolean {
  return a !== undefined && a.isGood === false && b.isGood === false && a.kind === b.kind && a.name === b.name && a.reason === b.reason;
}

function textOfAlike(items: readonly Item[]): string {
  const [last] = items;
  const attempts = items.flatMap(({ attempt }) => attempt ?? []);
  const noun = last?.kind === 'call' ? 'calls' : 'attempts';
  const which =
    attempts.length === items.length ? `${noun} ${Math.min(...attempts)} to ${Math.max(...attempts)}` : `${items.length} ${noun}`;
  const name = last === undefined || last.name === '' ? '' : `${last.name}, `;
  return `${name}${which} failed the same way${last?.reason === undefined ? '' : `: ${last.reason}`}`;
}
