/**
 * Splits a list before each item with the name of an earlier one, so that a statement for each segment sees no name twice. The segments
 * keep the list's order.
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

/** Returns the last item of each name, in the order of each name's first. */
export function lastOfEach<T>(items: Iterable<T>, nameOf: (item: T) => string): readonly T[] {
  const last = new Map<string, T>();
  for (const item of items) last.set(nameOf(item), item);
  return Array.from(last.values());
}
