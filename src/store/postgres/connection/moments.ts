/*
 * A moment is a text such as `2022-02-02T18:39:05.863Z` everywhere except in the database, where reading transactions use UTC and ISO dates
 * (`connections.ts`). The text's year 0 is 1 BC there.
 */

const yearZero = /^0000(-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z)$/;
const kept = /^(\d{4})(-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00( BC)?$/;

/** Converts a moment to the database's form; leaves any other text unchanged. */
export function momentText(moment: string): string {
  return moment.replace(yearZero, '0001$1 BC');
}

/** Converts the database's moment to a text, to the millisecond or finer; leaves it unchanged if the text cannot express its year. */
export function momentOf(found: string): string {
  const [, year, day, time, fraction = '', era] = kept.exec(found) ?? [];
  if (year === undefined || (era !== undefined && year !== '0001')) return found;
  const finer = fraction.slice(3);
  return `${era === undefined ? year : '0000'}${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${finer}Z`;
}
