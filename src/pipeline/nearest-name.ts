import { closestMatch } from 'leven';

/** How much of a name may be mistyped. */
const mistypedShare = 0.4;

/** The known name that an unknown one was most likely meant to be; undefined when none is near. */
export function nearestName(found: string, known: Iterable<string>): string | undefined {
  return closestMatch(found, Array.from(known), { maxDistance: Math.ceil(found.length * mistypedShare) });
}
