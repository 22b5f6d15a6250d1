import { MillraceError } from '../../errors.ts';

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
/** A word that starts a read. `WITH` may still lead to an `INSERT`; the database detects that when it runs. */
const reading = new RegExp(`^${blank}(select|values|explain|with)\\b`, 'i');

/** Returns the first word of a reading statement, in lower case. Throws `MILL_INVALID_REQUEST` for any other statement. */
export function readingVerbOf(sql: string): string {
  const verb = reading.exec(sql)?.[1]?.toLowerCase();
  if (verb === undefined) throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected a statement that reads, such as SELECT');
  return verb;
}

const nothingMore = new RegExp(`^${blank}$`);

/** Returns whether a text holds only blanks and comments. */
export function isBlankSql(sql: string): boolean {
  return nothingMore.test(sql);
}
