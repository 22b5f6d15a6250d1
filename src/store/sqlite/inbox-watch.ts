import { type Stats, statSync } from 'node:fs';
import { realPath } from './file/database-file.ts';

/** Time between two looks, in milliseconds: a look costs one system call. */
const pauseMs = 25;
/** The coarsest file-system clock: a file may be written again within the moment it shows. In milliseconds. */
const tickMs = 20;

/**
 * Reports when rows of the inbox may have come or gone. Every commit writes to the write-ahead log, usually the engine's own: so if the log
 * has changed, the database is asked whether there are any rows. It looks while somebody listens, and keeps no process alive.
 */
export class InboxWatch {
  readonly #path: string;
  readonly #hasRows: () => Promise<boolean>;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #log = '';
  #seen = '';
  #wasFresh = false;
  #isAsking = false;
  /** True if the last query found rows. */
  #hadRows = true;

  /**
   * @param path the database's path
   * @param hasRows asks whether there are rows in the inbox
   */
  constructor(path: string, hasRows: () => Promise<boolean>) {
    this.#path = path;
    this.#hasRows = hasRows;
  }

  /** Notifies a listener of writes from now on; the returned function unsubscribes. */
  listen(grown: () => void): () => void {
    this.#listeners.add(grown);
    // The log is beside the file that the path leads to.
    this.#log = `${realPath(this.#path)}-wal`;
    this.#timer ??= setInterval(() => this.#look(), pauseMs).unref();
    return () => {
      this.#listeners.delete(grown);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    // Writes during the query show at the next look.
    if (this.#isAsking) return;
    const stat = statOf(this.#log);
    const seen = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    const isChanged = seen !== this.#seen || this.#wasFresh;
    this.#seen = seen;
    this.#wasFresh = stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < tickMs;
    if (isChanged) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    // Whatever prevents an answer, the listeners meet it too, and report it.
    const hasRows = await this.#hasRows().catch(() => true);
    this.#isAsking = false;
    if (hasRows || this.#hadRows) for (const grown of this.#listeners) grown();
    this.#hadRows = hasRows;
  }
}

/** Undefined if there is no such file, or it is inaccessible. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Whatever prevents the look, the writer meets it too, and reports it.
    return undefined;
  }
}
