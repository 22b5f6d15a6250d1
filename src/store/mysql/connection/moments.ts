/* A moment is a text such as `2022-02-02T18:39:05.863Z` everywhere except in the database, whose sessions are in UTC (`session.ts`). */

const iso = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d\.\d{3,6})Z$/;
const kept = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?$/;

/** Converts a moment to the database's form; leaves any other text unchanged. */
export function momentText(moment: string): string {
  return moment.replace(iso, '$1 $2');
}

/** Converts the database's moment to a text, to the millisecond or finer; leaves anything else, such as the day 0, unchanged. */
export function momentOf(found: string): string {
  const [, day, time, fraction = ''] = kept.exec(found) ?? [];
  if (day === undefined) return found;
  const finer = fraction.slice(3).replace(/0+$/, '');
  return `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${finer}Z`;
}
