import type { Appended, Store } from '../store/store.ts';
import type { Outgoing } from './draft.ts';

interface Call {
  readonly events: readonly Outgoing[];
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Events in one call of the store, unless a single batch has more. */
const appendMax = 5_000;

/**
 * Brings accepted events into the log. One append is under way at a time; whoever comes meanwhile goes together in the
 * next one, so that many callers share one commit and a lone caller waits for nobody.
 */
export class Appender {
  readonly #store: Store;
  readonly #appended: (events: readonly Outgoing[], appended: readonly Appended[]) => void;
  #waiting: Call[] = [];
  #isBusy = false;
  #idle = Promise.withResolvers<void>();

  /** @param appended is told of every append in the order of the log, before its callers are */
  constructor(store: Store, appended: (events: readonly Outgoing[], appended: readonly Appended[]) => void) {
    this.#store = store;
    this.#appended = appended;
    this.#idle.resolve();
  }

  /** Resolves when the events are on disk, each with its verdict. Rejects with what the store threw. */
  append(events: readonly Outgoing[]): Promise<readonly Appended[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  /** Resolves when nothing is on its way. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    this.#idle = Promise.withResolvers();
    while (this.#waiting.length > 0) await this.#append(this.#takeGroup());
    this.#isBusy = false;
    this.#idle.resolve();
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
      this.#appended(events, appended);
      let from = 0;
      for (const call of calls) {
        call.resolve(appended.slice(from, from + call.events.length));
        from += call.events.length;
      }
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }
}
