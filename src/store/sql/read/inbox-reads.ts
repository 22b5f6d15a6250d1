import { upTo } from '../../list-size.ts';
import type { InboxQuery, InboxRow, NamedCount } from '../../store.ts';
import { strangersMax } from '../../tables/inbox-sql.ts';
import type { ReadStatements } from '../statements.ts';
import type { Read } from './bounded.ts';

/** Counts the waiting rows of the named pipelines and of some others. */
export async function readWaiting(
  read: Read,
  statements: ReadStatements,
  { pipelines, countMax }: { readonly pipelines: readonly string[]; readonly countMax: number },
): Promise<readonly NamedCount[]> {
  const [there] = await read({ text: statements.strangers, values: [strangersMax + pipelines.length] });
  const names = new Set([...pipelines, ...(there?.rows.map(([name]) => String(name)) ?? [])]);
  if (names.size === 0) return [];
  const [found] = await read(statements.waiting(Array.from(names), countMax));
  const counts = found?.rows.map(([name, count]) => ({ name: String(name), count: Number(count) })) ?? [];
  return counts.filter(({ count }) => count > 0);
}

/** Reads the first committed rows of a pipeline. */
export async function readInbox(read: Read, statements: ReadStatements, query: InboxQuery): Promise<readonly InboxRow[]> {
  const [found] = await read(statements.inboxRows(query));
  const all = (found?.rows ?? []).map(([place, id, traceparent, event, length]) => ({
    place: Number(place),
    id: id as string | null,
    traceparent: traceparent as string | null,
    event: String(event),
    length: Number(length),
  }));
  return upTo(all, ({ event }) => event.length, query.charactersMax);
}
