import type { Book } from './clients.ts';
import type { Query } from './database.ts';
import type { Member } from './member.ts';

/** Kinds of items, and what a turn recorded for each. */
const recorded: ReadonlyMap<string, string> = new Map([
  ['timer-set', 'armed'],
  ['sent', 'sent'],
  ['delivery-asked', 'asked'],
]);
const itemsPerPage = 100;
/** Keys whose timelines are read, per pipeline. */
const keysMax = 2_000;

interface Item {
  readonly kind: string;
  readonly event?: string;
}

/**
 * Checks that timelines, read from any process, show each event of their key once and in order, and the effects of its turns, whichever
 * processes owned the key. Everything must be at rest.
 */
export async function timelineFaults(members: readonly Member[], query: Query, book: Book): Promise<readonly string[]> {
  const rows = await query('SELECT pipeline, "key", what, count(*) AS count FROM happenings GROUP BY pipeline, "key", what');
  const counts = new Map(rows.map(({ pipeline, key, what, count }) => [`${pipeline} ${key} ${what}`, Number(count)]));
  const faults: string[] = [];
  for (const [pipeline, keys] of book.acknowledged) {
    const every = Math.ceil(keys.size / keysMax);
    const chosen = Array.from(keys).filter((_, at) => at % every === 0);
    for (const [at, [key, last]] of chosen.entries()) {
      const items = await readTimeline(members[at % members.length] as Member, pipeline, key);
      const shown = items.toReversed().flatMap(({ kind, event }) => (kind === 'handled' && event !== undefined ? [numberIn(event)] : []));
      if (shown.length !== last || shown.some((n, nth) => n !== nth + 1))
        faults.push(`${pipeline}, ${key}: expected its timeline to show 1 to ${last}, found ${shown.join(' ')}`);
      for (const [kind, what] of recorded) {
        const found = items.filter((item) => item.kind === kind).length;
        const expected = counts.get(`${pipeline} ${key} ${what}`) ?? 0;
        if (found !== expected) faults.push(`${pipeline}, ${key}: expected its timeline to show ${expected} × ${kind}, found ${found}`);
      }
    }
  }
  return faults;
}

/** Returns all items, newest first. */
async function readTimeline({ name, connection }: Member, pipeline: string, key: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const query: URLSearchParams = new URLSearchParams({ limit: String(itemsPerPage), ...(cursor !== '' && { cursor }) });
    const reply = await connection.get(`/pipelines/${pipeline}/keys/${encodeURIComponent(key)}/timeline?${query}`);
    if (reply.kind !== 'answered' || reply.status !== 200)
      throw new Error(`${name}: expected the timeline of ${pipeline}, ${key}, found ${JSON.stringify(reply)}`);
    const page = reply.body as { readonly items: readonly Item[]; readonly nextCursor?: string };
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

/** The event's number is at the end of its id. */
function numberIn(id: string): number {
  return Number(/\d+$/.exec(id)?.[0]);
}
