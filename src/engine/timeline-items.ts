/** What happened to a key, as a block has it. The id of an item is its block and its place among those of its key. */
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
  /** The place, among the items of its key and block, of the one that it came from. */
  readonly of?: number | undefined;
  /** The id of the event that it came from. */
  readonly event?: string | undefined;
  readonly [fact: string]: unknown;
}

/** The line of a block that tells of a key. */
export function lineOf(key: string, before: number | undefined, items: readonly ToldItem[]): string {
  let told = '';
  for (const item of items) told += `${told === '' ? '' : ','}${textOf(item)}`;
  return `[${JSON.stringify(key)},${before ?? null},[${told}]]\n`;
}

/** What a block says of a key; undefined where it says nothing. No line break stands within a line. */
export function findLine(text: string, key: string): { readonly before: number | null; readonly items: readonly ToldItem[] } | undefined {
  const start = `[${JSON.stringify(key)},`;
  const found = text.startsWith(start) ? 0 : text.indexOf(`\n${start}`) + 1;
  if (found === 0 && !text.startsWith(start)) return undefined;
  const [, before, items] = JSON.parse(text.slice(found, text.indexOf('\n', found)));
  return { before, items: items.map((item: ToldItem | Plain) => (Array.isArray(item) ? fromPlain(item as Plain) : item)) };
}

/** Most of all that happens, an event that is handled, in half the bytes. */
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
