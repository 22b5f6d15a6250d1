import { closestMatch } from 'leven';

/**
 * Returns the known name that somebody most likely meant, or undefined when none is near. A name is near when few letters differ,
 * whatever their case (`timeOut`, `primarykey`), or when one name holds the other (`logger`, `signingSecret`).
 */
export function nearestName(found: string, known: Iterable<string>): string | undefined {
  const names = new Map(Array.from(known, (name) => [plain(name), name]));
  const candidates = Array.from(names.keys());
  const sought = plain(found);
  const misspelt = closestMatch(sought, candidates, { maxDistance: Math.ceil(sought.length / 3) });
  const near = misspelt ?? longest(candidates.filter((name) => holdsOther(sought, name)));
  return near === undefined ? undefined : names.get(near);
}

/** The fewest letters that mean something inside of another name: `to` stands in too many. */
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
