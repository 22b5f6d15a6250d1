import type { DatabaseSync } from 'node:sqlite';
import { Select } from '../../node-sqlite/select.ts';
import type { InboxQuery, NamedCount } from '../../store.ts';
import { inboxIdLengthMax, strangersMax, strangersText } from '../../tables/inbox-sql.ts';

/** A row of the inbox, as it is selected. */
export type InboxSelection = readonly [place: number, id: string | null, traceparent: string | null, event: string, length: number];

/** Reads the inbox. SQLite's writers take turns, so the order of places is that of the commits. */
export class InboxReader {
  readonly #count: Select<[count: number]>;
  readonly #names: Select<[pipeline: string]>;
  readonly #rows: Select<InboxSelection>;

  constructor(db: DatabaseSync) {
    this.#count = new Select(db, 'SELECT count(*) FROM (SELECT 1 FROM millrace_inbox WHERE pipeline = ? LIMIT ?)');
    this.#names = new Select(db, strangersText('?'));
    this.#rows = new Select(
      db,
      `SELECT place, substr(id, 1, ${inboxIdLengthMax}), substr(traceparent, 1, ${inboxIdLengthMax}), substr(event, 1, ?1), length(event)
       FROM millrace_inbox WHERE pipeline = ?2 AND place NOT IN (SELECT value FROM json_each(?3)) ORDER BY place LIMIT ?4`,
    );
  }

  waiting(pipelines: readonly string[], countMax: number): readonly NamedCount[] {
    const names = this.#names.all(strangersMax + pipelines.length).map(([name]) => name);
    return Array.from(new Set([...pipelines, ...names]))
      .map((name) => ({ name, count: this.#count.get(name, countMax)?.[0] ?? 0 }))
      .filter(({ count }) => count > 0);
  }

  rows({ pipeline, except, eventLengthMax, limit, charactersMax }: InboxQuery): readonly InboxSelection[] {
    const sizeOf = ([, , , event]: InboxSelection) => event.length;
    return this.#rows.upTo(charactersMax, sizeOf, eventLengthMax, pipeline, JSON.stringify(except), limit);
  }
}
