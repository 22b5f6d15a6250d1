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
    | 'delivery-called';
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly durationMs?: number | undefined;
  /** The index, among the items of its key and block, of the item that caused it. */
  readonly of?: number | undefined;
  /** The id of the event that caused it. */
  readonly event?: string | undefined;
  readonly [fact: string]: unknown;
}

/** Formats a key's line in a block. */
export function lineOf(key: string, before: number | undefined, items: readonly ToldItem[]): string {
  let told = '';
  for (const item of items) told += `${told === '' ? '' : ','}${textOf(item)}`;
  return `[${JSON.stringify(key)},${before ?? null},[${told}]]\n`;
}

/** Returns a block's contents for a key; undefined if there are none. No line contains a line break. */
export function findLine(text: string, key: string): { readonly before: number | null; readonly items: readonly ToldItem[] } | undefined {
  const start = `[${JSON.stringify(key)},`;
  const found = text.startsWith(start) ? 0 : text.indexOf(`\n${start}`) + 1;
  if (found === 0 && !text.startsWith(start)) return undefined;
  const [, before, items] = JSON.parse(text.slice(found, text.indexOf('\n', found)));
  return { before, items: items.map((item: ToldItem | Plain) => (Array.isArray(item) ? fromPlain(item as Plain) : item)) };
}

/** A compact form, half the size, for the most frequent item: an event that is handled. */
type Plain = readonly [
  at: number,
  durationMs: number,
  attempt: number,
  event: string,
  position: number,
  number: number | null,
  waitedMs: number,
];

function textOf(item: ToldItem): string {
  const { kind, at, durationMs, attempt, event, position, number = null, acceptedAt } = item;
  if (kind !== 'handled' || typeof position !== 'number' || typeof acceptedAt !== 'number') return JSON.stringify(item);
  return `[${at},${durationMs},${attempt},${JSON.stringify(event)},${position},${number},${at - acceptedAt}]`;
}

function fromPlain([at, durationMs, attempt, event, position, number, waitedMs]: Plain): ToldItem {
  return { kind: 'handled', at, durationMs, attempt, event, position, ...(number !== null && { number }), acceptedAt: at - waitedMs };
}
