import { bigints, integers, texts } from '../../src/store/postgres/connection/binary-arrays.ts';
import { Line } from '../peers/bare-postgres.ts';
import { makeHistory, type Query, readCountOfStates, readHistory } from '../peers/postgres-work.ts';
import { type BatchRows, makeBareReader } from './bare-loop.ts';
import type { Reader, ReaderMeans } from './reader.ts';

/** The limit on Postgres: every transaction is sent at once, each table by one `unnest` of binary arrays, prepared. */
export function makeBarePostgresReader(means: ReaderMeans): Reader {
  return makeBareReader(rowsIn(means.database), means);
}

function rowsIn(url: string): BatchRows {
  const line = new Line(url);
  const query: Query = (text, values) => line.client.query(text, values);
  let head = 0;
  return {
    async open(partitions) {
      await line.client.connect();
      await query('CREATE TABLE log (position int8 PRIMARY KEY, key text NOT NULL, body text NOT NULL)', []);
      await query('CREATE TABLE state (key text COLLATE "C" PRIMARY KEY, body text NOT NULL) WITH (fillfactor = 80)', []);
      await query('CREATE TABLE offsets (topic_partition int4 PRIMARY KEY, next int8 NOT NULL)', []);
      await query('INSERT INTO offsets SELECT number, 0 FROM generate_series(0, $1::int4 - 1) AS number', [partitions]);
      await makeHistory(query);
    },
    async commit({ partition, expected, next, rows, states }) {
      const first = head + 1;
      head += rows.length;
      const keys = texts(rows.map(({ event }) => event.key));
      const moved = await line.transaction([
        {
          text: 'INSERT INTO log SELECT * FROM unnest($1::int8[], $2::text[], $3::text[])',
          values: [bigints(rows.map((_, at) => first + at)), keys, texts(rows.map(({ body }) => body))],
        },
        {
          text: 'INSERT INTO history (key, seq, n, total) SELECT * FROM unnest($1::text[], $2::int4[], $3::int4[], $4::int4[])',
          values: [
            keys,
            integers(rows.map(({ event }) => event.seq)),
            integers(rows.map(({ event }) => event.n)),
            integers(rows.map(({ total }) => total)),
          ],
        },
        {
          text: 'INSERT INTO state SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (key) DO UPDATE SET body = excluded.body',
          values: [texts([...states.keys()]), texts(Array.from(states.values(), (state) => JSON.stringify(state)))],
        },
        { text: 'UPDATE offsets SET next = $1 WHERE topic_partition = $2 AND next = $3', values: [next, partition, expected] },
      ]);
      if (moved.at(-1)?.rowCount !== 1) throw new Error(`partition ${partition}: expected the offset ${expected}, found another`);
    },
    history: () => readHistory(query),
    countOfStates: () => readCountOfStates(query, "(SELECT (body::json ->> 'count')::int8 AS count FROM state) AS state"),
    close: () => line.client.end(),
  };
}
