/** Pipelines that feed themselves: turns of each wait for room in the next, and turns of the last for room in the first. */
export interface SendLoop {
  /** In sending order, starting with the name that sorts first. A pipeline that sends to itself stands alone. */
  readonly pipelines: readonly string[];
  /** Number of keys whose turns wait for room. */
  readonly keys: number;
  /** Accepted, unsettled events of these pipelines. */
  readonly events: number;
}

/** Describes a loop in one sentence without its full stop: `a → b → a: 1,000,000 events wait`. */
export function describeLoop({ pipelines, keys, events }: SendLoop): string {
  const way = [...pipelines, pipelines[0]].join(' → ');
  const keysOf = keys === 1 ? '1 key waits' : `${keys.toLocaleString('en')} keys wait`;
  return `${way}: ${keysOf} for room to send, and ${events.toLocaleString('en')} events are not settled`;
}

/** Finds the shortest circle through each name that is on one. Each circle begins with the name that sorts first. */
export function circlesOf(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const circles = new Map<string, readonly string[]>();
  for (const name of edges.keys()) {
    const circle = shortestCircle(edges, name);
    if (circle === undefined) continue;
    const sorted = fromFirstName(circle);
    circles.set(sorted.join('\n'), sorted);
  }
  return Array.from(circles.values());
}

/** Returns the shortest path from a name back to itself, without repeating it. */
function shortestCircle(edges: ReadonlyMap<string, ReadonlySet<string>>, start: string): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  // Paths added during the loop are continued in their turn.
  for (const way of ways) {
    for (const next of edges.get(way.at(-1) as string) ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function fromFirstName(circle: readonly string[]): readonly string[] {
  const first = circle.indexOf(circle.toSorted()[0] as string);
  return [...circle.slice(first), ...circle.slice(0, first)];
}
