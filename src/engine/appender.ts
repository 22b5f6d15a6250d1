import type { Appended, Store } from '../store/store.ts';
import type { Deadline } from './deadline.ts';
import type { Outgoing } from './draft.ts';
import { Waiters } from './waiters.ts';

interface Call {
  readonly events: readonly Outgoing[];
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Who is told of every append, in the order of the log, before its callers are. */
export interface AppenderListener {
  appended(events: readonly Outgoing[], appended: readonly Appended[]): void;
  failed(events: readonly Outgoing[], error: unknown): void;
}

/** Events in one call of the store, unless a single batch has more. */
const appendMax = 5_000;

/** Callers that are worth a call of the store before the turn of the event loop ends: it works while more are read. */
const flushAt = 48;

/**
 * Brings accepted events into the log. Who comes in the same turn of the event loop goes together in one call of the
 * store, so that many callers share one commit and a lone caller waits for nobody. Calls follow each other without
 * waiting for answers: the store has the next at hand when it is done with one.
 */
export class Appender {
  readonly #store: Store;
  readonly #listener: AppenderListener;
  #waiting: Call[] = [];
  #underWay = 0;
  readonly #idle = new Waiters();

  constructor(store: Store, listener: AppenderListener) {
    this.#store = store;
    this.#listener = listener;
  }

  /** Resolves when the events are on disk, each with its verdict. Rejects with what the store threw. */
  append(events: readonly Outgoing[]): Promise<readonly Appended[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      else if (this.#waiting.length === flushAt) this.#flush();
      this.#underWay += 1;
      this.#waiting.push({ events, resolve, reject });
    });
  }

  /** Resolves when nothing is on its way, or when the caller's time is over. */
  async idle(deadline: Deadline): Promise<void> {
    if (this.#underWay > 0) await this.#idle.next(deadline);
  }

  #flush(): void {
    while (this.#waiting.length > 0) void this.#append(this.#takeGroup());
  }

  #takeGroup(): readonly Call[] {
    let calls = 0;
    let events = 0;
    while (calls < this.#waiting.length && (calls === 0 || events < appendMax)) {
      events += (this.#waiting[calls] as Call).events.length;
      calls += 1;
    }
    return this.#waiting.splice(0, calls);
  }

  async #append(calls: readonly Call[]): Promise<void> {
    const events = calls.flatMap((call) => call.events);
    try {
      const appended = await this.#store.append(events.map(({ stored }) => stored));
      this.#listener.appended(events, appended);
      let from = 0;
      for (const call of calls) {
        call.resolve(appended.slice(from, from + call.events.length));
        from += call.events.length;
      }
    } catch (error) {
      this.#listener.failed(events, error);
      for (const call of calls) call.reject(error);
    } finally {
      this.#underWay -= calls.length;
      if (this.#underWay === 0) this.#idle.wake();
    }
  }
}
