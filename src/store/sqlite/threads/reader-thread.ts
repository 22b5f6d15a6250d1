import { parentPort, workerData } from 'node:worker_threads';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { type ConnectionOptions, openReader } from '../file/open-database.ts';
import { Reader } from '../partition/reader.ts';
import type { Outcome } from './group-commit.ts';
import { type Interrupt, Interruptible } from './interruptible.ts';
import { perform, type Served, serve } from './thread-server.ts';

/*
 * A thread that reads beside the writer on its own connection. Each request sees one moment of the database: everything committed before
 * the request was made, and no partial commit.
 */

export interface ReaderThreadOptions extends ConnectionOptions {
  readonly pipelines: readonly string[];
  readonly interrupt: Interrupt;
}

function start({ pipelines, interrupt, ...connection }: ReaderThreadOptions): Served {
  const db = openReader(connection);
  let queries: Interruptible | undefined;
  const interruptible = () => (queries ??= new Interruptible(openReader(connection), interrupt));
  const reader = new Reader(db, pipelines, interruptible);
  const begin = db.prepare('BEGIN');
  const end = db.prepare('COMMIT');

  function atOneMoment(work: () => unknown): Outcome {
    try {
      begin.run();
      return { value: work() };
    } catch (error) {
      return { error: toStoreError(error, connection.path) };
    } finally {
      if (db.isTransaction) end.run();
    }
  }

  return {
    run(requests, tell) {
      for (const request of requests)
        tell(
          request,
          atOneMoment(() => perform(reader, request)),
        );
    },
    close() {
      db.close();
      queries?.db.close();
    },
  };
}

// One request at a time: a quick one must not wait for the answer of a slow one behind it.
if (parentPort !== null) serve(parentPort, { start: () => start(workerData), weigh: () => 1, groupWeight: 1 });
