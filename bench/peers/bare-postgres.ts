import { Client, type QueryArrayResult } from 'pg';
import { bigints, integers, texts } from '../../src/store/postgres/connection/binary-arrays.ts';
import type { WorkEvent } from '../work/event.ts';
import type { WorkState } from '../work/state.ts';
import { type LoopRows, makeBareLoop } from './bare-loop.ts';
import type { MakePeer } from './peer.ts';
import { makeHistory, type Query, readCountOfStates, readHistory } from './postgres-work.ts';

/** The limit, with this many events in a transaction of handlers. */
export function bareLoopOf(eventsPerCommit: number): MakePeer {
  return ({ database, handled }) => makeBareLoop(rowsIn(database), handled, eventsPerCommit);
}

/** Every transaction is sent at once, each table by one `unnest` of binary arrays, prepared. */
function rowsIn(url: string): LoopRows {
  const appends = new Line(url);
  const reads = new Line(url);
  const commits = new Line(url);
  const query: Query = (text, values) => reads.client.query(text, values);
  return {
    async open() {
      for (const line of [appends, reads, commits]) await line.client.connect();
      await makeTables(query);
      const { rows } = await query(
        'SELECT (SELECT coalesce(max(position), 0) FROM log)::float8 AS head, (SELECT coalesce(max(position), 0) FROM cursor)::float8 AS cursor',
        [],
      );
      return rows[0] as { readonly head: number; readonly cursor: number };
    },
    async states() {
      const { rows } = await reads.run({ text: 'SELECT key, body FROM state', values: [] });
      return new Map(rows.map(([key, body]) => [String(key), JSON.parse(String(body)) as WorkState]));
    },
    async append(first, events) {
      const positions = events.map((_, at) => first + at);
      const values = [bigints(positions), texts(events.map(({ key }) => key)), texts(events.map((event) => JSON.stringify(event)))];
      await appends.transaction([{ text: 'INSERT INTO log SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])', values }]);
    },
    async read(after, max) {
      const { rows } = await reads.run({
        text: 'SELECT body FROM log WHERE position > $1 ORDER BY position LIMIT $2',
        values: [after, max],
      });
      return rows.map(([body]) => JSON.parse(String(body)) as WorkEvent);
    },
    async commit({ history, states, cursor }) {
      await commits.transaction([
        {
          text: 'INSERT INTO history (key, seq, n, total) SELECT * FROM unnest($1::text[], $2::int4[], $3::int4[], $4::int4[])',
          values: [
            texts(history.map(({ event }) => event.key)),
            integers(history.map(({ event }) => event.seq)),
            integers(history.map(({ event }) => event.n)),
            integers(history.map(({ total }) => total)),
          ],
        },
        {
          text: 'INSERT INTO state SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (key) DO UPDATE SET body = excluded.body',
          values: [texts([...states.keys()]), texts(Array.from(states.values(), (state) => JSON.stringify(state)))],
        },
        { text: 'INSERT INTO cursor VALUES ($1)', values: [cursor] },
      ]);
    },
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query, "(SELECT (body::json ->> 'count')::int8 AS count FROM state) AS state"),
    async close() {
      for (const line of [appends, reads, commits]) await line.client.end();
    },
  };
}

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** A connection whose statements are sent without waiting for answers. */
export class Line {
  readonly client: Client;

  constructor(url: string) {
    this.client = new Client({ connectionString: url, pipeline: true } as ConstructorParameters<typeof Client>[0]);
  }

  /** Names a statement by its own text: it is prepared once. */
  run({ text, values }: Statement): Promise<QueryArrayResult> {
    return this.client.query({ name: text.slice(0, 60), text, values, rowMode: 'array' });
  }

  /** Runs the statements as one transaction, in one flight. Resolves to their results. */
  async transaction(statements: readonly Statement[]): Promise<readonly QueryArrayResult[]> {
    const began = this.client.query('BEGIN');
    const sent = statements.map((statement) => this.run(statement));
    const [, commit, ...answers] = await Promise.all([began, this.client.query('COMMIT'), ...sent]);
    // After a failed statement, COMMIT succeeds too, as a rollback.
    if (commit.command !== 'COMMIT') throw new Error(`expected COMMIT, found ${commit.command}`);
    return answers;
  }
}

async function makeTables(query: Query): Promise<void> {
  await query('CREATE TABLE IF NOT EXISTS log (position int8 PRIMARY KEY, key text NOT NULL, body text NOT NULL)', []);
  await query('CREATE TABLE IF NOT EXISTS state (key text COLLATE "C" PRIMARY KEY, body text NOT NULL) WITH (fillfactor = 80)', []);
  await query('CREATE TABLE IF NOT EXISTS cursor (position int8 PRIMARY KEY)', []);
  await makeHistory(query);
}
