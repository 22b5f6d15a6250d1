import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { Acceptances } from './acceptances.ts';
import { markText } from './mark.ts';

/** The counts of `GET /pipelines`. */
export const Counts = z.object({
  items: z.array(z.object({ name: z.string(), received: z.int(), processed: z.int(), ignored: z.int(), depth: z.int(), held: z.int() })),
});
export type PipelineCounts = z.infer<typeof Counts>['items'][number];

const isMarked = `(instr(body, '${markText}') > 0)`;

/** Compares the rows of the file with the expected ones. */
export class Rows {
  readonly #database: DatabaseSync;
  /** The ids and keys in a log, read once: a look-up of each would read the log each time. */
  readonly #known = new Map<string, ReadonlySet<string>>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  count(table: string, where = 'true'): number {
    return Number(this.#database.prepare(`SELECT count(*) AS count FROM "${table}" WHERE ${where}`).get()?.count);
  }

  /** @param before number of rows before the first request */
  differencesInLog(pipeline: string, acceptances: Acceptances, before: number): string[] {
    const { plain, marked, ids } = acceptances.of(pipeline);
    const found = (which: string) => this.count(logOf(pipeline), which) - this.#own(pipeline, ids, which);
    const lost = [...ids].filter((id) => !this.#has(pipeline, id));
    return [
      ...differ(`${pipeline}: events in its log`, found(`NOT ${isMarked}`) - before, plain.count, plain.perhaps),
      ...differ(`${pipeline}: marked events in its log`, found(isMarked), marked.count, marked.perhaps),
      ...(lost.length > 0
        ? [`${pipeline}: expected the accepted events in its log, found ${lost.length} missing: ${lost.slice(0, 5)}`]
        : []),
    ];
  }

  /** Each accepted event must have left one row in its system's table. */
  differencesInTables(counts: readonly PipelineCounts[]): string[] {
    const handled = (pipeline: string) => {
      const found = counts.find(({ name }) => name === pipeline);
      return found === undefined ? 0 : found.processed - found.ignored;
    };
    const dead = (pipeline: string) => this.count('millrace_dead_letters', `pipeline = '${pipeline}' AND position IS NOT NULL`);
    // A message submitted again under its id stays the same row.
    const submitted = new Set(this.#values('messages', 'key', "body ->> 'kind' = 'submitted'")).size;
    return [
      ...differ('rows of processed_events', this.count('processed_events'), this.count(logOf('events'))),
      ...differ('rows of rocket_messages', this.count('rocket_messages'), handled('rockets')),
      ...differ('rows of account_updates', this.count('account_updates'), handled('accounts')),
      ...differ('rows of messages', this.count('messages'), submitted),
      // Events that cannot be processed are refused at the door; only deliveries fail later.
      ...counts.flatMap(({ name }) => differ(`${name}: events among the dead letters`, dead(name), 0)),
    ];
  }

  /** The row of an event must match the event. */
  differencesInEvents(): string[] {
    const both = `SELECT body, user_id, processed_data FROM processed_events JOIN "${logOf('events')}" USING (id)`;
    return this.#database
      .prepare(both)
      .all()
      .flatMap(({ body, user_id, processed_data }) => {
        const event = Object(JSON.parse(String(body)));
        if (user_id === (event.user_id ?? null) && isDeepStrictEqual(JSON.parse(String(processed_data)), event.data)) return [];
        return [`rows of processed_events: expected the event’s values, found ${user_id} ${processed_data} of ${body}`.slice(0, 1_000)];
      });
  }

  /** The row of a key must match its state. */
  differencesInState(table: string, fields: Readonly<Record<string, string>>): string[] {
    const both = `SELECT ${Object.keys(fields).join(', ')}, state FROM ${table} JOIN "millrace_keys_${table}" ON key = id`;
    return this.#database
      .prepare(both)
      .all()
      .flatMap(({ state, ...row }) => {
        const stored = Object(JSON.parse(String(state)));
        const different = Object.entries(fields).filter(([column, field]) => row[column] !== stored[field]);
        return different.map(([column, field]) => `rows of ${table}: expected ${column} ${stored[field]}, found ${row[column]}`);
      });
  }

  /** Events that the engine created itself: batches of messages, and what workers hear. */
  #own(pipeline: string, ids: ReadonlySet<string>, which: string): number {
    if (pipeline === 'messages') {
      const due = this.#values(pipeline, 'id', `${which} AND body ->> 'kind' = 'due' AND key IN (SELECT id FROM messages)`);
      return due.filter((id) => !ids.has(id)).length;
    }
    return pipeline === 'workers' ? this.count(logOf(pipeline), `${which} AND body ->> 'act' = 'speak'`) : 0;
  }

  /** Returns whether an event with that id, or key, is in the log. */
  #has(pipeline: string, id: string): boolean {
    const [column, value] = id.startsWith('key:') ? ['key', id.slice('key:'.length)] : ['id', id];
    const name = `${pipeline}.${column}`;
    const known = this.#known.get(name) ?? new Set(this.#values(pipeline, column));
    this.#known.set(name, known);
    return known.has(value);
  }

  #values(pipeline: string, column: string, where = 'true'): string[] {
    const rows = this.#database.prepare(`SELECT ${column} AS value FROM "${logOf(pipeline)}" WHERE ${where}`).all();
    return rows.map(({ value }) => String(value));
  }
}

/** The table of a pipeline's log. */
export function logOf(pipeline: string): string {
  return `millrace_log_${pipeline}`;
}

/** Describes a number that differs from the expected one by more than the allowance. */
export function differ(what: string, found = 0, expected = 0, more = 0): string[] {
  if (found >= expected && found <= expected + more) return [];
  return [`${what}: expected ${expected}${more > 0 ? ` to ${expected + more}` : ''}, found ${found}`];
}
