/**
 * Cuts a list where an item has the name of one before it, so that a statement for each piece sees no name twice. The pieces come in
 * the order of the list.
 */
export function segmentsOf<T>(items: Iterable<T>, nameOf: (item: T) => string): readonly (readonly T[])[] {
  const segments: T[][] = [];
  let names = new Set<string>();
  for (const item of items) {
    const name = nameOf(item);
    const last = segments.at(-1);
    if (last === undefined || names.has(name)) {
      segments.push([item]);
      names = new Set();
    } else last.push(item);
    names.add(name);
  }
  return segments;
}

/** Of items of one name the last, in the order of the first of each name. */
export function lastOfEach<T>(items: Iterable<T>, nameOf: (item: T) => string): readonly T[] {
  const last = new Map<string, T>();
  for (const item of items) last.set(nameOf(item), item);
  return Array.from(last.values());
}
