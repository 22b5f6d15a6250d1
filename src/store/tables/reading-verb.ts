import { MillraceError } from '../../errors.ts';

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
/** A word that reads. `WITH` may still lead to an `INSERT`; the database finds that out when it runs. */
const reading = new RegExp(`^${blank}(select|values|explain|with)\\b`, 'i');

/** The first word of a statement that reads, in lower case. Throws `MILL_INVALID_REQUEST` for any other statement. */
export function readingVerbOf(sql: string): string {
  const verb = reading.exec(sql)?.[1]?.toLowerCase();
  if (verb === undefined) throw new MillraceError('MILL_INVALID_REQUEST', 'query: expected a statement that reads, such as SELECT');
  return verb;
}

const nothingMore = new RegExp(`^${blank}$`);

/** Whether nothing stands there but blanks and comments. */
export function isBlankSql(sql: string): boolean {
  return nothingMore.test(sql);
}
