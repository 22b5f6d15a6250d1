import type { StoreListener } from '../store.ts';
import type { Connections } from './connection/connections.ts';
import type { OwnHeads } from './own-heads.ts';
import type { ReadStatements } from './statements.ts';

/** Time between two looks, in milliseconds: right after one that found something, and at most. */
const pauseMs = { least: 20, most: 1_000 };

/**
 * Checks how far others have extended the logs of a process's partitions, if nobody can announce it: one query for all partitions of a
 * pipeline, soon again while there is something new, and about once a second otherwise. An event missing below a process's own shows as a
 * gap in front of that.
 */
export class Lookouts {
  readonly #connections: Connections;
  readonly #statements: ReadStatements;
  readonly #process: string;
  readonly #own: OwnHeads;
  readonly #pipelines: readonly string[];
  readonly #listeners = new Set<StoreListener>();
  readonly #heads = new Map<string, number>();
  #pauseMs = pauseMs.most;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    connections: Connections,
    statements: ReadStatements,
    self: { readonly process: string; readonly pipelines: Iterable<string>; readonly own: OwnHeads },
  ) {
    this.#connections = connections;
    this.#statements = statements;
    this.#process = self.process;
    this.#own = self.own;
    this.#pipelines = Array.from(self.pipelines);
  }

  listen(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    if (this.#timer === undefined && !this.#isClosed) this.#arm();
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = setTimeout(() => void this.#look(), this.#pauseMs).unref();
  }

  async #look(): Promise<void> {
    let isNew = false;
    try {
      if (this.#listeners.size > 0) isNew = await this.#findNew();
    } catch {
      // The next look may find the database available again; the partition's owner finds anything missed meanwhile.
    }
    this.#pauseMs = isNew ? pauseMs.least : Math.min(2 * this.#pauseMs, pauseMs.most);
    if (!this.#isClosed) this.#arm();
  }

  async #findNew(): Promise<boolean> {
    const found = await this.#connections.read(...this.#pipelines.map((pipeline) => this.#statements.ownedHeads(pipeline, this.#process)));
    // Some of it may be this process's, which has not had the answer yet.
    await this.#own.answered();
    let isNew = false;
    for (const [at, pipeline] of this.#pipelines.entries()) {
      for (const [slice, head] of found[at]?.rows ?? []) {
        const partition = { pipeline, slice: Number(slice) };
        const name = `${slice} ${pipeline}`;
        if (Number(head) <= Math.max(this.#heads.get(name) ?? 0, this.#own.of(partition))) continue;
        this.#heads.set(name, Number(head));
        isNew = true;
        for (const listener of this.#listeners) listener.appended(partition, Number(head));
      }
    }
    return isNew;
  }
}
