import { closestMatch } from 'leven';

/**
 * Returns the known name that was most likely meant, or undefined when none is close. Names are close when few letters differ, ignoring
 * case (`timeOut`, `primarykey`), or when one contains the other (`logger`, `signingSecret`).
 */
export function nearestName(found: string, known: Iterable<string>): string | undefined {
  const names = new Map(Array.from(known, (name) => [plain(name), name]));
  const candidates = Array.from(names.keys());
  const sought = plain(found);
  const misspelt = closestMatch(sought, candidates, { maxDistance: Math.ceil(sought.length / 3) });
  const near = misspelt ?? longest(candidates.filter((name) => holdsOther(sought, name)));
  return near === undefined ? undefined : names.get(near);
}

/** The fewest letters that mean something inside another name: `to` occurs in too many. */
const heldLengthMin = 3;

function holdsOther(one: string, other: string): boolean {
  return Math.min(one.length, other.length) >= heldLengthMin && (one.includes(other) || other.includes(one));
}

function longest(names: readonly string[]): string | undefined {
  return names.toSorted((one, other) => other.length - one.length)[0];
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}
