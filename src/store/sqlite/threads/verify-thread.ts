import { parentPort } from 'node:worker_threads';
import { toStoreError } from '../../node-sqlite/sqlite-errors.ts';
import { type DatabaseContents, verifyContents } from '../backup/contents.ts';
import { openReader } from '../file/open-database.ts';
import type { Outcome } from './group-commit.ts';
import { perform, type Served, serve } from './thread-server.ts';

/* A thread that checks a whole database, which takes as long as reading all of it. Meanwhile the main thread can react to stop requests. */

export interface VerifyMethods {
  /** Verifies a database that nobody writes, like `verifyContents`. */
  verify(path: string): DatabaseContents;
}

const methods: VerifyMethods = {
  verify(path) {
    const db = openReader({ path, busyTimeoutMs: 0 });
    try {
      return verifyContents(db, path);
    } catch (error) {
      throw toStoreError(error, path);
    } finally {
      db.close();
    }
  },
};

function start(): Served {
  const outcomeOf = (work: () => unknown): Outcome => {
    try {
      return { value: work() };
    } catch (error) {
      return { error: toStoreError(error, 'verify') };
    }
  };
  return {
    run(requests, tell) {
      for (const request of requests)
        tell(
          request,
          outcomeOf(() => perform(methods, request)),
        );
    },
    close: () => undefined,
  };
}

if (parentPort !== null) serve(parentPort, { start, weigh: () => 1, groupWeight: 1 });
