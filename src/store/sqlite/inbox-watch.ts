import { type Stats, statSync } from 'node:fs';
import { realPath } from './file/database-file.ts';

/** Between two looks, in milliseconds: what one look costs is a call of the system. */
const pauseMs = 25;
/** A file system tells moments by its clock, which may tick as seldom as this: a file may be written once more at the moment that it shows. In milliseconds. */
const tickMs = 20;

/**
 * Tells when somebody has written to a database, as the write ahead log shows: whoever commits writes to it. It looks while somebody listens,
 * asks no database, and keeps no process alive.
 */
export class InboxWatch {
  readonly #path: string;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #log = '';
  #seen = '';
  #wasFresh = false;

  /** @param path that of the database */
  constructor(path: string) {
    this.#path = path;
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
    const stat = statOf(this.#log);
    const seen = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    const isChanged = seen !== this.#seen || this.#wasFresh;
    this.#seen = seen;
    this.#wasFresh = stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < tickMs;
    if (isChanged) for (const grown of this.#listeners) grown();
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
