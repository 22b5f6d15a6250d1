import { upTo } from '../../list-size.ts';
import type { InboxQuery, InboxRow, NamedCount } from '../../store.ts';
import { inboxIdLengthMax, strangersMax, strangersText } from '../../tables/inbox-sql.ts';
import type { ReadStatements } from '../statements.ts';
import { type Read, readBounded } from './bounded.ts';

const columns = 'place, id, traceparent, event, length';

/** Counts the rows that wait, of pipelines that are named and of some others. */
export async function readWaiting(
  read: Read,
  statements: ReadStatements,
  { pipelines, countMax }: { readonly pipelines: readonly string[]; readonly countMax: number },
): Promise<readonly NamedCount[]> {
  const [there] = await read({ text: strangersText('$1'), values: [strangersMax + pipelines.length] });
  const names = new Set([...pipelines, ...(there?.rows.map(([name]) => String(name)) ?? [])]);
  if (names.size === 0) return [];
  const [found] = await read(statements.waiting(Array.from(names), countMax));
  const counts = found?.rows.map(([name, count]) => ({ name: String(name), count: Number(count) })) ?? [];
  return counts.filter(({ count }) => count > 0);
}

/** Reads the first rows of a pipeline that have committed. */
export async function readInbox(read: Read, statements: ReadStatements, query: InboxQuery): Promise<readonly InboxRow[]> {
  const { pipeline, except, eventLengthMax, limit, charactersMax } = query;
  const rows = `SELECT place, left(id, ${inboxIdLengthMax}) AS id, left(traceparent, ${inboxIdLengthMax}) AS traceparent, left(event, $4) AS event,
      char_length(event) AS length, octet_length(left(event, $4)) AS size
    FROM millrace_inbox WHERE pipeline = $1 AND ${statements.exceptPlaces('$2')} ORDER BY place LIMIT $3`;
  const values = [pipeline, statements.places(except), limit, eventLengthMax];
  const [found] = await readBounded(read, { rows, order: 'place', columns, values }, charactersMax);
  const all = (found?.rows ?? []).map(([place, id, traceparent, event, length]) => ({
    place: Number(place),
    id: id as string | null,
    traceparent: traceparent as string | null,
    event: String(event),
    length: Number(length),
  }));
  return upTo(all, ({ event }) => event.length, charactersMax);
}
