/*
 * A moment is a text such as `2022-02-02T18:39:05.863Z` everywhere but in the database, where transactions that read have UTC and ISO dates
 * (`connections.ts`). What the text calls the year 0 is the year 1 BC there.
 */

const yearZero = /^0000(-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z)$/;
const kept = /^(\d{4})(-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00( BC)?$/;

/** A moment as the database takes it; any other text as it is. */
export function momentText(moment: string): string {
  return moment.replace(yearZero, '0001$1 BC');
}

/** A moment of the database as a text, to the millisecond or as fine as it is; what the text has no year for as it is. */
export function momentOf(found: string): string {
  const [, year, day, time, fraction = '', era] = kept.exec(found) ?? [];
  if (year === undefined || (era !== undefined && year !== '0001')) return found;
  const finer = fraction.slice(3);
  return `${era === undefined ? year : '0000'}${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${finer}Z`;
}
