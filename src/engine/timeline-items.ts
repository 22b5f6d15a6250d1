import type { EventAt } from '../store/store.ts';

/** An item of a key's history, as a block stores it. Its id is its block and its index among the key's items. */
export interface ToldItem {
  readonly kind:
    | 'handled'
    | 'ignored'
    | 'failed'
    | 'gave-up'
    | 'gap-skipped'
    | 'timer-set'
    | 'timer-cancelled'
    | 'sent'
    | 'delivery-asked'
    | 'delivery-called'
    | 'delivery-withdrawn'
    | 'redriven'
    | 'discarded';
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly durationMs?: number | undefined;
  /** The index, among the items of its key and block, of the item that caused it. */
  readonly of?: number | undefined;
  /** The id of the event that caused it. */
  readonly event?: string | undefined;
  readonly [fact: string]: unknown;
}

/**
 * Finds a key's line in a block's text (`src/store/block-text.ts`); undefined if there is none. JSON has no line break within a line.
 */
export function findLine(text: string, key: string): { readonly before: number | null; readonly items: readonly ToldItem[] } | undefined {
  const found = text.indexOf(`\n[${JSON.stringify(key)},`) + 1;
  if (found === 0) return undefined;
  const [moment] = JSON.parse(text.slice(0, text.indexOf('\n')));
  const [, before, items] = JSON.parse(text.slice(found, text.indexOf('\n', found)));
  return {
    before: before === null ? null : moment - before,
    items: items.map((item: ToldItem | PlainItem) => (isPlain(item) ? fromPlain(item, moment) : item)),
  };
}

/** The compact form of an item, see `src/store/block-text.ts`. */
export type PlainItem = readonly [event: number | string | null, after: number, tenths?: number, accepted?: number, number?: number];

export function isPlain(item: ToldItem | PlainItem): item is PlainItem {
  return Array.isArray(item);
}

function fromPlain([event, after, tenths = 0, accepted = 0, number]: PlainItem, moment: number): ToldItem {
  const item = { kind: 'handled', at: moment + after, durationMs: tenths / 10, attempt: 1 } as const;
  if (typeof event === 'number') return { ...item, position: event };
  return event === null ? item : { ...item, event, ...(number !== undefined && { number }), acceptedAt: moment + accepted };
}

/** Returns the log position from which an item's event must be looked up; undefined if the item names its event. */
export function namelessPosition({
  kind,
  event,
  position,
}: {
  readonly kind: string;
  readonly [fact: string]: unknown;
}): number | undefined {
  return kind === 'handled' && event === undefined && typeof position === 'number' ? position : undefined;
}

/** The facts about its event that an item shows. */
export function factsOf({ id, number, acceptedAt }: EventAt): object {
  return { event: id, ...(number !== null && { number }), acceptedAt };
}
