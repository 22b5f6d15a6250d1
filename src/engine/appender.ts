import type { Appended, Store } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import { Waiters } from './waiters.ts';

/** One caller's events on their way to the log. */
interface AppendRequest {
  readonly events: readonly Outgoing[];
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Notified of every append, in log order, before its callers. */
export interface AppenderListener {
  appended(events: readonly Outgoing[], appended: readonly Appended[]): void;
  failed(events: readonly Outgoing[], error: unknown): void;
}

/** Maximum events per store call, unless a single batch has more. */
const appendMax = 5_000;

/** Enough callers to call the store before the turn of the event loop ends: it works while more are read. */
const flushAt = 48;

/**
 * Appends accepted events to the log. Callers in the same turn of the event loop share one store call, so that many callers share one
 * commit and a lone caller waits for nobody. Calls follow each other without waiting for answers: the store always has the next one at
 * hand.
 */
export class Appender {
  readonly #store: Pick<Store, 'append'>;
  readonly #listener: AppenderListener;
  #waiting: AppendRequest[] = [];
  #underWay = 0;
  readonly #idle = new Waiters();

  constructor(store: Pick<Store, 'append'>, listener: AppenderListener) {
    this.#store = store;
    this.#listener = listener;
  }

  /** Resolves when the events are on disk, with a verdict for each. Rejects with the store's error. */
  append(events: readonly Outgoing[]): Promise<readonly Appended[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      else if (this.#waiting.length === flushAt) this.#flush();
      this.#underWay += 1;
      this.#waiting.push({ events, resolve, reject });
    });
  }

  /** Resolves when nothing is on its way, or at the caller's deadline. */
  async idle(deadline: Deadline): Promise<void> {
    if (this.#underWay > 0) await this.#idle.next(deadline);
  }

  #flush(): void {
    while (this.#waiting.length > 0) void this.#append(this.#takeGroup());
  }

  #takeGroup(): readonly AppendRequest[] {
    let requests = 0;
    let events = 0;
    while (requests < this.#waiting.length && (requests === 0 || events < appendMax)) {
      events += (this.#waiting[requests] as AppendRequest).events.length;
      requests += 1;
    }
    return this.#waiting.splice(0, requests);
  }

  async #append(requests: readonly AppendRequest[]): Promise<void> {
    const events = requests.flatMap((request) => request.events);
    try {
      const appended = await this.#store.append(events.map(({ stored }) => stored));
      this.#listener.appended(events, appended);
      let from = 0;
      for (const request of requests) {
        request.resolve(appended.slice(from, from + request.events.length));
        from += request.events.length;
      }
    } catch (error) {
      this.#listener.failed(events, error);
      for (const request of requests) request.reject(error);
    } finally {
      this.#underWay -= requests.length;
      if (this.#underWay === 0) this.#idle.wake();
    }
  }
}
