import type { BlockLines } from './port/timeline.ts';

/*
 * A block's text starts with a line `[moment]`; the other times in the block are relative to it. One line per key follows: `[key, before,
 * items]`. `before` is the distance from the moment down to the key's previous block, or null. An item is a JSON object. The exception is
 * the common case, an event handled on its first attempt: `[position, after, tenths]` gives its position in the log, the milliseconds from
 * the moment to its turn, and the duration of the turn in tenths of a millisecond, omitted if 0. The log has the rest. Where a copy has
 * moved the log, its id is there instead: `[id, after, tenths, accepted, number]`, accepted that many milliseconds after the moment, with
 * its number if it has one. Only `[null, after, tenths]` is left of an event that the log had deleted.
 */

/** Numbers of one item in {@link BlockLines.items}. */
const itemSize = 4;

/** Returns the text of a block to store. */
export function blockText({ moment, keys, before, items, texts }: BlockLines): string {
  const told = keys.map(() => '');
  for (let at = 0; at < items.length; at += itemSize) {
    const line = items[at] as number;
    const place = items[at + 1] as number;
    const item = place < 0 ? (texts[-1 - place] as string) : plainText(place, items[at + 2] as number, items[at + 3] as number);
    told[line] = told[line] === '' ? item : `${told[line]},${item}`;
  }
  let text = `[${moment}]\n`;
  for (const [line, key] of keys.entries()) {
    const distance = before[line] as number;
    text += `[${JSON.stringify(key)},${Number.isNaN(distance) ? null : distance},[${told[line]}]]\n`;
  }
  return text;
}

/** The compact form of an event handled on its first attempt. */
function plainText(position: number, after: number, tenths: number): string {
  return tenths === 0 ? `[${position},${after}]` : `[${position},${after},${tenths}]`;
}
