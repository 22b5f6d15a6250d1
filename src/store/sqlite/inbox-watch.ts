import { type Stats, statSync } from 'node:fs';
import { realPath } from './file/database-file.ts';

/** Between two looks, in milliseconds: what one look costs is a call of the system. */
const pauseMs = 25;
/** A file system tells moments by its clock, which may tick as seldom as this: a file may be written once more at the moment that it shows. In milliseconds. */
const tickMs = 20;

/**
 * Tells when rows of the inbox may have come or gone. Whoever commits writes to the write ahead log, and most often that is the engine itself:
 * so where the log has changed, the database is asked whether there are any rows. It looks while somebody listens, and keeps no process alive.
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
  /** Whether there were rows, when they were asked for last. */
  #hadRows = true;

  /**
   * @param path that of the database
   * @param hasRows asks whether there are rows in the inbox
   */
  constructor(path: string, hasRows: () => Promise<boolean>) {
    this.#path = path;
    this.#hasRows = hasRows;
  }

  /** Tells a listener of writes from now on; the returned function ends that. */
  listen(grown: () => void): () => void {
    this.#listeners.add(grown);
    // The log stands beside the file that the path leads to.
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
    // What is written meanwhile shows at the next look.
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
    // Whatever keeps it from being answered, those who listen meet it too, and say so.
    const hasRows = await this.#hasRows().catch(() => true);
    this.#isAsking = false;
    if (hasRows || this.#hadRows) for (const grown of this.#listeners) grown();
    this.#hadRows = hasRows;
  }
}

/** Undefined where there is no such file, or nobody may look. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // Whatever keeps it from being looked at, the writer meets too, and says so.
    return undefined;
  }
}
