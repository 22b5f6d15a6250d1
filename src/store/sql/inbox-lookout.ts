import type { Connections } from './connection/connections.ts';

/** Shortest and longest time between two looks, in milliseconds: if the database announces rows, and if it cannot. */
const pausesMs = { told: { least: 1_000, most: 1_000 }, untold: { least: 20, most: 250 } };

/**
 * Checks for waiting rows in the inbox while somebody listens: about once a second, to catch missed notifications, and more often where
 * there are none, such as behind a pooler.
 */
export class InboxLookout {
  readonly #connections: Connections;
  readonly #listeners = new Set<() => void>();
  readonly #pausesMs: { readonly least: number; readonly most: number };
  #pauseMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param isTold true if the database usually announces rows */
  constructor(connections: Connections, isTold: boolean) {
    this.#connections = connections;
    this.#pausesMs = isTold ? pausesMs.told : pausesMs.untold;
    this.#pauseMs = this.#pausesMs.least;
  }

  listen(grown: () => void): () => void {
    this.#listeners.add(grown);
    if (this.#timer === undefined) this.#arm();
    return () => this.#listeners.delete(grown);
  }

  /** Reports at once, since the database has announced rows. */
  notified(): void {
    for (const grown of this.#listeners) grown();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look(), this.#pauseMs).unref();
  }

  async #look(): Promise<void> {
    let isThere = false;
    try {
      if (this.#listeners.size > 0) isThere = await this.#find();
    } catch {
      // The next look may find the database available again.
    }
    const { least, most } = this.#pausesMs;
    this.#pauseMs = isThere ? least : Math.min(2 * this.#pauseMs, most);
    if (isThere) this.notified();
    this.#arm();
  }

  async #find(): Promise<boolean> {
    const [found] = await this.#connections.read({ text: 'SELECT 1 FROM millrace_inbox LIMIT 1', values: [] });
    return found?.rows.length === 1;
  }
}
