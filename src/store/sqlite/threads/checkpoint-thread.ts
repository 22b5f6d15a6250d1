import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type ConnectionOptions, openCheckpointer } from '../file/open-database.ts';
import { WriteAheadLog } from '../wal/write-ahead-log.ts';
import { type Served, serve } from './thread-server.ts';

/*
 * The thread that copies the write-ahead log into the database on its own connection while the writer continues. It copies once when it
 * starts, since the writer's first request starts it, and then at each request.
 */

export interface CheckpointThreadOptions extends ConnectionOptions {
  /** The way to the writer. */
  readonly port: MessagePort;
}

function start({ port, ...connection }: CheckpointThreadOptions): Served {
  const db = openCheckpointer(connection);
  const wal = new WriteAheadLog(db, connection.path);
  const copy = () => port.postMessage(wal.copy());
  port.on('message', copy);
  copy();
  return {
    run: () => undefined,
    close() {
      port.close();
      db.close();
    },
  };
}

if (parentPort !== null) serve(parentPort, { start: () => start(workerData), weigh: () => 1, groupWeight: 1 });
