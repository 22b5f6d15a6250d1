import { createHash } from 'node:crypto';

/** Placeholders for a name, an id and a number in a reason. Normalising a pattern again leaves it unchanged. */
const placeholders = { name: '‹name›', id: '‹id›', number: '‹number›' } as const;

const quoted = /"[^"\n]{1,200}"|`[^`\n]{1,200}`|“[^”\n]{1,200}”|«[^»\n]{1,200}»|(?<!\w)'[^'\n]{1,200}'(?!\w)/g;
/**
 * A UUID, a long hexadecimal word with a digit, or a word followed by a hyphen, an underscore, a slash before digits, or a hash, and then a
 * digit.
 */
const ids =
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b|\b[A-Za-z]\w*?(?:[_#-]\w*)*[_#-]\d[\w-]*\b/gi;
const numbers = /\d+(?:[.,:]\d+)*/g;

/**
 * Returns the common pattern of similar failure reasons: quoted names, ids and numbers are replaced by placeholders.
 *
 * ```ts
 * patternOf('order "shoes" of ord_7: 503'); // order ‹name› of ‹id›: ‹number›
 * ```
 */
export function patternOf(reason: string): string {
  return reason.replace(quoted, placeholders.name).replace(ids, placeholders.id).replace(numbers, placeholders.number);
}

/** Returns the index key for the pattern of a reason. */
export function reasonHash(reason: string): string {
  return createHash('sha256').update(patternOf(reason)).digest('base64url').slice(0, 22);
}
