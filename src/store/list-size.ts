import type { FoundValue } from '../pipeline/table.ts';
import type { DeadLetter, HeldEvent, KeyRecord, LoggedEvent, StoredCause, StoredDelivery } from './store.ts';

/*
 * Measures the items of a list, in UTF-16 units of their potentially large texts, and cuts a list at its size limit. Every store counts
 * alike, so a caller can tell whether a list ended early.
 */

/** Counts the body. */
export function sizeOfEvent({ body }: Pick<LoggedEvent | HeldEvent, 'body'>): number {
  return body.length;
}

/** Counts the data. */
export function sizeOfCause({ data }: Pick<StoredCause, 'data'>): number {
  return data?.length ?? 0;
}

/** Counts the state and the data of the timers and outcomes. */
export function sizeOfRecord({ state, timers, outcomes }: Pick<KeyRecord, 'state' | 'timers' | 'outcomes'>): number {
  let size = state?.json.length ?? 0;
  for (const timer of timers) size += sizeOfCause(timer);
  for (const outcome of outcomes) size += sizeOfCause(outcome);
  return size;
}

/** Counts the payload. */
export function sizeOfDelivery({ body }: Pick<StoredDelivery, 'body'>): number {
  return body.length;
}

/** Counts the event, the data of the timer or outcome, the payload, the origin and the stack. */
export function sizeOfLetter(letter: DeadLetter): number {
  return sizeOfFailure(letter) + (letter.stack?.length ?? 0);
}

function sizeOfFailure(letter: DeadLetter): number {
  switch (letter.kind) {
    case 'event':
      return letter.body.length + (letter.origin?.length ?? 0);
    case 'timer':
      return sizeOfCause(letter.timer);
    case 'outcome':
      return sizeOfCause(letter.outcome);
    case 'delivery':
      return sizeOfDelivery(letter.delivery);
    case 'gap':
      return 0;
    case 'origin':
      return letter.origin.length;
    case 'rejected':
      return letter.record.length;
  }
}

/** Counts the texts and blobs of a row. */
export function sizeOfValues(values: Iterable<FoundValue>): number {
  let size = 0;
  for (const value of values) if (typeof value === 'string' || value instanceof Uint8Array) size += value.length;
  return size;
}

/** Returns the size of all items. */
export function totalOf<T>(items: readonly T[], sizeOf: (item: T) => number): number {
  let size = 0;
  for (const item of items) size += sizeOf(item);
  return size;
}

/** Returns the items up to the one whose size reaches `sizeMax` in total. */
export function upTo<T>(items: Iterable<T>, sizeOf: (item: T) => number, sizeMax = Number.POSITIVE_INFINITY): T[] {
  return take(items, { sizeOf, sizeMax, countMin: 1 });
}

/** Like {@link upTo}, but with at least two items if there are two, so that a one-item page knows it is not the last. */
export function pageUpTo<T>(items: Iterable<T>, sizeOf: (item: T) => number, sizeMax = Number.POSITIVE_INFINITY): T[] {
  return take(items, { sizeOf, sizeMax, countMin: 2 });
}

interface Bounds<T> {
  readonly sizeOf: (item: T) => number;
  readonly sizeMax: number;
  readonly countMin: number;
}

function take<T>(items: Iterable<T>, { sizeOf, sizeMax, countMin }: Bounds<T>): T[] {
  const taken: T[] = [];
  let size = 0;
  for (const item of items) {
    taken.push(item);
    size += sizeOf(item);
    if (size >= sizeMax && taken.length >= countMin) break;
  }
  return taken;
}

/** Returns whether a list has reached its limit, so that there may be more items. */
export function isFullList<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  { limit = Number.POSITIVE_INFINITY, sizeMax }: { readonly limit?: number; readonly sizeMax: number },
): boolean {
  return items.length >= limit || sizeOfAll(items, sizeOf) >= sizeMax;
}

/** Returns the total size of all items. */
export function sizeOfAll<T>(items: Iterable<T>, sizeOf: (item: T) => number): number {
  let size = 0;
  for (const item of items) size += sizeOf(item);
  return size;
}
