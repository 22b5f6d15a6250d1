import { durationText, momentText } from '../lib/format.ts';
import type { Item } from './model.ts';

/** One row of the story: an item, or several attempts that failed alike. */
export interface Row {
  readonly text: string;
  /** The newest first. */
  readonly items: readonly Item[];
}

/** What happened without a long pause. */
export interface Chapter {
  readonly title: string;
  readonly note: string;
  readonly isParked: boolean;
  readonly rows: readonly Row[];
}

const pauseMs = 10_000;

/** The story in chapters, cut where nothing happened for long; the newest first. */
export function chaptersOf(items: readonly Item[]): readonly Chapter[] {
  const groups: Item[][] = [];
  for (const item of items) {
    const group = groups.at(-1);
    const later = group?.at(-1);
    if (group === undefined || later === undefined || later.at - item.end > pauseMs) groups.push([item]);
    else group.push(item);
  }
  return groups.flatMap((group, at) => {
    const newer = groups[at - 1];
    const pause = newer === undefined ? [] : [pauseBetween(group, newer)];
    return [...pause, chapterOf(group)];
  });
}

function chapterOf(items: readonly Item[]): Chapter {
  const first = items.at(-1) as Item;
  const last = items[0] as Item;
  const failures = items.filter(({ isGood }) => isGood === false).length;
  const span = Math.max(0, last.end - first.at);
  const failed = failures === 0 ? '' : `${failures} ${failures === 1 ? 'failure' : 'failures'}, `;
  const title = span < 1_000 ? momentText(first.at) : `${momentText(first.at)} – ${momentText(last.end)}`;
  return { title, note: `${failed}${durationText(span)}`, isParked: false, rows: rowsOf(items) };
}

function pauseBetween(older: readonly Item[], newer: readonly Item[]): Chapter {
  const from = older[0] as Item;
  const to = newer.at(-1) as Item;
  const text = durationText(to.at - from.end);
  const isParked =
    older.some(({ kind }) => kind === 'parked') &&
    !older.some(({ kind, at }) => kind === 'turn' && at > (older.find((one) => one.kind === 'parked')?.at ?? 0));
  return { title: isParked ? `Parked for ${text}` : `${text} of nothing`, note: '', isParked, rows: [] };
}

/** Attempts at the same that failed alike are one row; the last of them, after which it gave up, stands for itself. */
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
  const which = attempts.length === items.length ? `${Math.min(...attempts)} to ${Math.max(...attempts)}` : `${items.length} times`;
  return `${last?.label === '' ? '' : `${last?.label}, `}${noun} ${which} failed the same way${last?.reason === undefined ? '' : `: ${last.reason}`}`;
}
