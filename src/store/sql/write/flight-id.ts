import { randomInt } from 'node:crypto';

const flightIdMax = 2 ** 48 - 1;

/** Returns a number for a flight, by which the entries that it appends can be told from others if its answer is lost. */
export function newFlightId(): number {
  return randomInt(flightIdMax);
}
