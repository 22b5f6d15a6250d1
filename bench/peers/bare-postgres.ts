import { Client, type QueryArrayResult } from 'pg';
import { bigints, integers, texts } from '../../src/store/postgres/connection/binary-arrays.ts';
import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { MakePeer, Peer, PeerMeans } from './peer.ts';
import { makeHistory, type Query, readCountOfStates, readHistory } from './postgres-work.ts';

/** The limit, with so many events in a transaction of handlers. */
export function bareLoopOf(eventsPerCommit: number): MakePeer {
  return (means) => makeBarePostgres(means, eventsPerCommit);
}

/**
 * The limit: a loop that writes the rows that Millrace writes (log, state, history, cursor) with as little as possible around it.
 * Every transaction is sent at once, each table by one `unnest` of binary arrays, prepared. While one is committed, the next batch
 * is read and its effects are made; all states are in memory. No retries, timers, time limits, metrics; no lease, and so no second process.
 */
function makeBarePostgres({ postgres, handled }: PeerMeans, eventsPerCommit: number): Peer {
  const appends = new Line(postgres);
  const reads = new Line(postgres);
  const commits = new Line(postgres);
  const query: Query = (text, values) => reads.client.query(text, values);
  const states = new Map<string, WorkState>();
  const arrivals: { readonly events: readonly WorkEvent[]; readonly done: () => void }[] = [];
  let isAppending = false;
  let isWorking = false;
  let working: Promise<void> = Promise.resolve();
  let [head, cursor] = [0, 0];
  let grown = Promise.withResolvers<void>();

  function wake(): void {
    grown.resolve();
    grown = Promise.withResolvers();
  }

  /** One transaction for all who wait, one behind the other. */
  async function appendAll(): Promise<void> {
    isAppending = true;
    while (arrivals.length > 0) {
      const taken = arrivals.splice(0);
      const events = taken.flatMap((arrival) => arrival.events);
      const positions = events.map((_, at) => head + at + 1);
      const values = [bigints(positions), texts(events.map(({ key }) => key)), texts(events.map((event) => JSON.stringify(event)))];
      await appends.transaction([{ text: 'INSERT INTO log SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])', values }]);
      head += events.length;
      for (const { done } of taken) done();
      wake();
    }
    isAppending = false;
  }

  async function read(after: number): Promise<readonly WorkEvent[]> {
    const text = 'SELECT body FROM log WHERE position > $1 ORDER BY position LIMIT $2';
    const { rows } = await reads.run({ text, values: [after, eventsPerCommit] });
    return rows.map(([body]) => JSON.parse(String(body)) as WorkEvent);
  }

  /** All of them, once: the loop keeps them in memory. */
  async function loadStates(): Promise<void> {
    const { rows } = await reads.run({ text: 'SELECT key, body FROM state', values: [] });
    for (const [key, body] of rows) states.set(String(key), JSON.parse(String(body)) as WorkState);
  }

  /** Makes the effects of a batch, and the statements that store them. */
  function statementsFor(events: readonly WorkEvent[], position: number): readonly Statement[] {
    const changed = new Map<string, WorkState>();
    const totals: number[] = [];
    for (const event of events) {
      const next = nextState(event, states.get(event.key));
      states.set(event.key, next);
      changed.set(event.key, next);
      totals.push(next.count);
    }
    return [
      {
        text: 'INSERT INTO history (key, seq, n, total) SELECT * FROM unnest($1::text[], $2::int4[], $3::int4[], $4::int4[])',
        values: [
          texts(events.map(({ key }) => key)),
          integers(events.map(({ seq }) => seq)),
          integers(events.map(({ n }) => n)),
          integers(totals),
        ],
      },
      {
        text: 'INSERT INTO state SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (key) DO UPDATE SET body = excluded.body',
        values: [texts([...changed.keys()]), texts(Array.from(changed.values(), (state) => JSON.stringify(state)))],
      },
      { text: 'INSERT INTO cursor VALUES ($1)', values: [position] },
    ];
  }

  async function handleAll(): Promise<void> {
    let committing: Promise<void> = Promise.resolve();
    let reading: Promise<readonly WorkEvent[]> | undefined;
    while (isWorking) {
      // A read may have found what is committed before that was answered.
      if (reading === undefined && cursor >= head) {
        await Promise.all([committing, grown.promise]);
        continue;
      }
      const events = await (reading ?? read(cursor));
      cursor += events.length;
      reading = cursor < head ? read(cursor) : undefined;
      const statements = statementsFor(events, cursor);
      await committing;
      committing = commits.transaction(statements).then(() => {
        for (const event of events) handled(event.n);
      });
    }
    await committing;
  }

  return {
    async start() {
      for (const line of [appends, reads, commits]) await line.client.connect();
      await makeTables(query);
      await loadStates();
      const { rows } = await query(
        'SELECT (SELECT coalesce(max(position), 0) FROM log)::float8 AS head, (SELECT coalesce(max(position), 0) FROM cursor)::float8 AS cursor',
        [],
      );
      ({ head, cursor } = rows[0] as { readonly head: number; readonly cursor: number });
    },
    ingest(events) {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrivals.push({ events, done: resolve });
      if (!isAppending) void appendAll();
      return promise;
    },
    async work() {
      if (isWorking) return;
      isWorking = true;
      working = handleAll();
    },
    async rest() {
      isWorking = false;
      wake();
      await working;
    },
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query, "(SELECT (body::json ->> 'count')::int8 AS count FROM state) AS state"),
    async stop() {
      isWorking = false;
      wake();
      await working;
      for (const line of [appends, reads, commits]) await line.client.end();
    },
  };
}

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** A connection whose statements are sent without waiting for answers. */
class Line {
  readonly client: Client;

  constructor(url: string) {
    this.client = new Client({ connectionString: url, pipeline: true } as ConstructorParameters<typeof Client>[0]);
  }

  /** A statement under its own text as name: it is prepared once. */
  run({ text, values }: Statement): Promise<QueryArrayResult> {
    return this.client.query({ name: text.slice(0, 60), text, values, rowMode: 'array' });
  }

  /** The statements as one transaction, in one flight. */
  async transaction(statements: readonly Statement[]): Promise<void> {
    const sent = [this.client.query('BEGIN'), ...statements.map((statement) => this.run(statement)), this.client.query('COMMIT')];
    const answers = await Promise.all(sent);
    // Behind a statement that failed a COMMIT succeeds too, as a rollback.
    if (answers.at(-1)?.command !== 'COMMIT') throw new Error(`expected COMMIT, found ${answers.at(-1)?.command}`);
  }
}

async function makeTables(query: Query): Promise<void> {
  await query('CREATE TABLE IF NOT EXISTS log (position int8 PRIMARY KEY, key text NOT NULL, body text NOT NULL)', []);
  await query('CREATE TABLE IF NOT EXISTS state (key text COLLATE "C" PRIMARY KEY, body text NOT NULL) WITH (fillfactor = 80)', []);
  await query('CREATE TABLE IF NOT EXISTS cursor (position int8 PRIMARY KEY)', []);
  await makeHistory(query);
}
