import type { Connection } from 'mysql2/promise';
import type { WorkEvent } from '../work/event.ts';
import type { WorkState } from '../work/state.ts';
import { type LoopRows, makeBareLoop } from './bare-loop.ts';
import { connect, readCountOfStates, readHistory } from './mysql-work.ts';
import type { MakePeer } from './peer.ts';

/** The limit, with this many events in a transaction of handlers. */
export function bareLoopOf(eventsPerCommit: number): MakePeer {
  return ({ database, handled }) => makeBareLoop(rowsIn(database), handled, eventsPerCommit);
}

/** Every transaction is one text, with one multi-row INSERT per table. */
function rowsIn(url: string): LoopRows {
  let lines: readonly [appends: Connection, reads: Connection, commits: Connection] | undefined;
  const opened = () => {
    if (lines === undefined) throw new Error('expected an open loop');
    return lines;
  };
  const found = async (sql: string, values: readonly unknown[] = []): Promise<unknown[][]> => {
    const [, reads] = opened();
    const [rows] = await reads.query({ sql, values: [...values], rowsAsArray: true });
    return rows as unknown as unknown[][];
  };
  return {
    async open() {
      lines = [await connect(url), await connect(url), await connect(url)];
      for (const table of tables) await lines[1].query(`CREATE TABLE IF NOT EXISTS ${table} ENGINE = InnoDB`);
      const [row = []] = await found(
        'SELECT (SELECT COALESCE(MAX(position), 0) FROM log), (SELECT COALESCE(MAX(position), 0) FROM `cursor`)',
      );
      return { head: Number(row[0]), cursor: Number(row[1]) };
    },
    async states() {
      const rows = await found('SELECT `key`, body FROM state');
      return new Map(rows.map(([key, body]) => [String(key), JSON.parse(String(body)) as WorkState]));
    },
    async append(first, events) {
      const [appends] = opened();
      const rows = events.map((event, at) => [first + at, event.key, JSON.stringify(event)]);
      await appends.query('START TRANSACTION; INSERT INTO log VALUES ?; COMMIT', [rows]);
    },
    async read(after, max) {
      const rows = await found('SELECT body FROM log WHERE position > ? ORDER BY position LIMIT ?', [after, max]);
      return rows.map(([body]) => JSON.parse(String(body)) as WorkEvent);
    },
    async commit({ history, states, cursor }) {
      const [, , commits] = opened();
      await commits.query(
        `START TRANSACTION;
         INSERT INTO history (\`key\`, seq, n, total) VALUES ?;
         INSERT INTO state VALUES ? ON DUPLICATE KEY UPDATE body = VALUES(body);
         INSERT INTO \`cursor\` VALUES (?);
         COMMIT`,
        [
          history.map(({ event: { key, seq, n }, total }) => [key, seq, n, total]),
          Array.from(states, ([key, state]) => [key, JSON.stringify(state)]),
          cursor,
        ],
      );
    },
    history: () => readHistory(opened()[1]),
    countOfStates: () => readCountOfStates(opened()[1], { table: 'state', column: 'body' }),
    async close() {
      for (const line of opened()) await line.end();
    },
  };
}

/** Keys are compared by their bytes, as in Millrace. */
const tables = [
  'log (position BIGINT PRIMARY KEY, `key` VARBINARY(2048) NOT NULL, body LONGTEXT CHARACTER SET utf8mb4 NOT NULL)',
  'state (`key` VARBINARY(2048) PRIMARY KEY, body LONGTEXT CHARACTER SET utf8mb4 NOT NULL)',
  '`cursor` (position BIGINT PRIMARY KEY)',
  'history (id BIGINT AUTO_INCREMENT PRIMARY KEY, `key` LONGTEXT CHARACTER SET utf8mb4 NOT NULL, seq BIGINT NOT NULL, n BIGINT NOT NULL, total BIGINT NOT NULL)',
];
