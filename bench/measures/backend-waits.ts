import { Client } from 'pg';

/** The activity of a database's backends: shares of the samples in which one was busy. */
export type BackendWaits = readonly { readonly name: string; readonly share: number }[];

const pauseMs = 20;

/** A busy backend that waits for nothing is computing. `ClientRead` waits for the rest of an open transaction. */
const look = `SELECT coalesce(wait_event_type || ' ' || wait_event, 'computes') AS name, count(*)::int4 AS count FROM pg_stat_activity
  WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid() GROUP BY 1`;

/** Samples a database's backends fifty times a second, from start to end. */
export class BackendSampler {
  readonly #client: Client;
  readonly #counts = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  private constructor(client: Client) {
    this.#client = client;
  }

  static async start(url: string): Promise<BackendSampler> {
    const client = new Client({ connectionString: url });
    await client.connect();
    const sampler = new BackendSampler(client);
    sampler.#arm();
    return sampler;
  }

  /** Most frequent first. */
  async stop(): Promise<BackendWaits> {
    clearTimeout(this.#timer);
    await this.#looking;
    clearTimeout(this.#timer);
    await this.#client.end();
    const total = this.#counts.values().reduce((sum, count) => sum + count, 0);
    const shares = Array.from(this.#counts, ([name, count]) => ({ name, share: count / total }));
    return shares.toSorted((a, b) => b.share - a.share);
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, pauseMs);
  }

  async #look(): Promise<void> {
    const { rows } = await this.#client.query<{ name: string; count: number }>(look);
    for (const { name, count } of rows) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
    this.#arm();
  }
}
