import { createHash } from 'node:crypto';

/** What stands in a reason for a name, an id and a number. Patterns that are normalised again stay as they are. */
const placeholders = { name: '‹name›', id: '‹id›', number: '‹number›' } as const;

const quoted = /"[^"\n]{1,200}"|`[^`\n]{1,200}`|“[^”\n]{1,200}”|«[^»\n]{1,200}»|(?<!\w)'[^'\n]{1,200}'(?!\w)/g;
/** A UUID, a long hexadecimal word with a digit, or a word that a digit follows behind a hyphen, an underscore, a slash in front of digits, or a hash. */
const ids =
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b|\b[A-Za-z]\w*?(?:[_#-]\w*)*[_#-]\d[\w-]*\b/gi;
const numbers = /\d+(?:[.,:]\d+)*/g;

/**
 * Returns what the reasons of failures that are alike have in common: quoted names, ids and numbers are replaced by placeholders.
 *
 * ```ts
 * patternOf('order "shoes" of ord_7: 503'); // order ‹name› of ‹id›: ‹number›
 * ```
 */
export function patternOf(reason: string): string {
  return reason.replace(quoted, placeholders.name).replace(ids, placeholders.id).replace(numbers, placeholders.number);
}

/** Returns what stands in indexes for the pattern of a reason. */
export function reasonHash(reason: string): string {
  return createHash('sha256').update(patternOf(reason)).digest('base64url').slice(0, 22);
}
