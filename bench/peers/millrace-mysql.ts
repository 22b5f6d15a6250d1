import type { Connection } from 'mysql2/promise';
import { mysql } from '../../src/index.ts';
import { makeMillrace } from './millrace.ts';
import { connect, readCountOfStates, readHistory } from './mysql-work.ts';
import type { Peer, PeerMeans } from './peer.ts';

/** Millrace on MariaDB with its defaults. */
export function makeMillraceOnMysql({ database, handled }: PeerMeans): Peer {
  let connection: Connection | undefined;
  const opened = () => {
    if (connection === undefined) throw new Error('expected a peer that was started');
    return connection;
  };
  const peer = makeMillrace(mysql(database), handled, {
    history: () => readHistory(opened()),
    countOfStates: () => readCountOfStates(opened(), { table: 'millrace_keys', column: 'state' }),
  });
  return {
    ...peer,
    async start() {
      await peer.start();
      connection = await connect(database);
      // The other peers' history has such a column, for its order and its storage, so a row costs the same.
      await connection.query('ALTER TABLE history ADD COLUMN IF NOT EXISTS id BIGINT NOT NULL AUTO_INCREMENT UNIQUE');
    },
    async stop() {
      await peer.stop();
      await connection?.end();
    },
  };
}
