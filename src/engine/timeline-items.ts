import type { EventAt } from '../store/store.ts';

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
    | 'delivery-called';
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly durationMs?: number | undefined;
  /** The place, among the items of its key and block, of the one that it came from. */
  readonly of?: number | undefined;
  /** The id of the event that it came from. */
  readonly event?: string | undefined;
  readonly [fact: string]: unknown;
}

/*
 * The text of a block begins with a line `[moment]`, from which its lines count. A line for each key follows, `[key, before, items]`: `before` is
 * by how much the block that told of the key before lies below the moment, or null. An item is the JSON of what it tells. Nearly all that happens is
 * an event that is handled at its first attempt; of that, `[position, after, tenths]` says where it stands in the log, how many milliseconds after
 * the moment it was handled, and how long that took, where it took more than a twentieth of a millisecond. The log has the rest.
 */

/** Tells of an event that is handled at its first attempt, in a block that counts from a moment. */
export function plainText(
  position: number,
  { at, durationMs }: { readonly at: number; readonly durationMs: number },
  moment: number,
): string {
  const tenths = Math.round(durationMs * 10);
  return tenths === 0 ? `[${position},${at - moment}]` : `[${position},${at - moment},${tenths}]`;
}

/** The line of a block that tells of a key. */
export function lineOf(key: string, before: number | undefined, moment: number, items: string): string {
  return `[${JSON.stringify(key)},${before === undefined ? null : moment - before},[${items}]]\n`;
}

/** The line that a block begins with. */
export function momentLine(moment: number): string {
  return `[${moment}]\n`;
}

/** Finds what a block says of a key; undefined where it says nothing. No line break stands within a line. */
export function findLine(text: string, key: string): { readonly before: number | null; readonly items: readonly ToldItem[] } | undefined {
  const found = text.indexOf(`\n[${JSON.stringify(key)},`) + 1;
  if (found === 0) return undefined;
  const [moment] = JSON.parse(text.slice(0, text.indexOf('\n')));
  const [, before, items] = JSON.parse(text.slice(found, text.indexOf('\n', found)));
  return {
    before: before === null ? null : moment - before,
    items: items.map((item: ToldItem | Plain) => (Array.isArray(item) ? fromPlain(item as Plain, moment) : item)),
  };
}

type Plain = readonly [position: number, after: number, tenths?: number];

function fromPlain([position, after, tenths = 0]: Plain, moment: number): ToldItem {
  return { kind: 'handled', at: moment + after, durationMs: tenths / 10, attempt: 1, position };
}

/** Returns the position of an event that an item tells of without its name; undefined where it needs none. */
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

/** What an item says of its event. */
export function factsOf({ id, number, acceptedAt }: EventAt): object {
  return { event: id, ...(number !== null && { number }), acceptedAt };
}
