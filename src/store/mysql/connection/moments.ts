/*
 * A moment is a text such as `2022-02-02T18:39:05.863Z` everywhere but in the database, whose sessions are in UTC (`session.ts`).
 */

const iso = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3,6})Z$/;
const kept = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?$/;

/** A moment as the database takes it; any other text as it is. */
export function momentText(moment: string): string {
  return moment.replace(iso, '$1 $2');
}

/** A moment of the database as a text, to the millisecond or as fine as it is; what is none, such as the day 0, as it is. */
export function momentOf(found: string): string {
  const [, day, time, fraction = ''] = kept.exec(found) ?? [];
  if (day === undefined) return found;
  const finer = fraction.slice(3).replace(/0+$/, '');
  return `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${finer}Z`;
}
