import { type RawBuilder, sql } from 'kysely';

/**
 * Returns a moment in a column that people write with SQL, in a form that sorts chronologically: without the `T` and `Z` that
 * `datetime('now')` lacks, `2026-11-21 10:00:00` sorts before `2026-11-21 10:00:00.5`.
 */
export function timeOrder(column: 'created_at' | 'sent_at'): RawBuilder<string> {
  return sql<string>`replace(replace(${sql.ref(column)}, 'T', ' '), 'Z', '')`;
}

/** Returns the first and the last text in {@link timeOrder} of a millisecond, given in UTC as `2026-11-21T10:00:00.000Z`. */
export function timeBounds(moment: string): { readonly first: string; readonly last: string } {
  const bare = moment.replace('T', ' ').replace('Z', '');
  // Nothing in a time's text sorts after ~.
  return { first: bare.replace(/\.?0*$/, ''), last: `${bare}~` };
}

/** Converts a moment from the table to RFC 3339, in UTC with milliseconds; leaves any other text unchanged. */
export function toRfc3339(text: string): string {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[ Tt](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?([Zz]|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (parts === null) return text;
  const [, date, time = '00:00', zone = 'Z'] = parts;
  const moment = new Date(`${date}T${time}${zone.toUpperCase().replace(/(\d\d)(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(moment.getTime()) ? text : moment.toISOString();
}

/** Converts milliseconds since 1970 to the table's form. */
export function toText(moment: number): string {
  return new Date(moment).toISOString();
}
