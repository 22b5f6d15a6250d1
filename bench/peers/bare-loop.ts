import type { WorkEvent } from '../work/event.ts';
import { nextState, type WorkState } from '../work/state.ts';
import type { Peer } from './peer.ts';

/** A row of the history. */
interface Effect {
  readonly event: WorkEvent;
  readonly total: number;
}

/** The effects of a batch. */
export interface Effects {
  readonly history: readonly Effect[];
  /** The keys that the batch has changed. */
  readonly states: ReadonlyMap<string, WorkState>;
  /** The last position in the batch. */
  readonly cursor: number;
}

/** The loop's rows in a database. Each writing call is one transaction. */
export interface LoopRows extends Pick<Peer, 'history' | 'countOfStates'> {
  /** Connects, and creates missing tables; resolves to the highest position of the log and to the cursor. */
  open(): Promise<{ readonly head: number; readonly cursor: number }>;
  states(): Promise<ReadonlyMap<string, WorkState>>;
  /** Appends events at the positions from `first` on. */
  append(first: number, events: readonly WorkEvent[]): Promise<void>;
  read(after: number, max: number): Promise<readonly WorkEvent[]>;
  commit(effects: Effects): Promise<void>;
  close(): Promise<void>;
}

/**
 * The limit: a loop that writes Millrace's rows (log, state, history, cursor) with as little as possible around it. While one batch is
 * being committed, the next is read and its effects are computed; all states are in memory. No retries, timers, time limits or metrics; no
 * lease, and so no second process.
 */
export function makeBareLoop(rows: LoopRows, handled: (n: number) => void, eventsPerCommit: number): Peer {
  const states = new Map<string, WorkState>();
  const arrivals: { readonly events: readonly WorkEvent[]; readonly done: () => void }[] = [];
  let isAppending = false;
  let isWorking = false;
  let working: Promise<void> = Promise.resolve();
  let [head, cursor] = [0, 0];
  let grown = Promise.withResolvers<void>();

  function wake(): void {
    grown.resolve();
    grown = Promise.withResolvers();
  }

  /** One transaction at a time, for everybody who waits. */
  async function appendAll(): Promise<void> {
    isAppending = true;
    while (arrivals.length > 0) {
      const taken = arrivals.splice(0);
      const events = taken.flatMap((arrival) => arrival.events);
      await rows.append(head + 1, events);
      head += events.length;
      for (const { done } of taken) done();
      wake();
    }
    isAppending = false;
  }

  function effectsOf(events: readonly WorkEvent[]): Effects {
    const changed = new Map<string, WorkState>();
    const history = events.map((event) => {
      const next = nextState(event, states.get(event.key));
      states.set(event.key, next);
      changed.set(event.key, next);
      return { event, total: next.count };
    });
    return { history, states: changed, cursor };
  }

  async function handleAll(): Promise<void> {
    let committing: Promise<void> = Promise.resolve();
    let reading: Promise<readonly WorkEvent[]> | undefined;
    while (isWorking) {
      // A read may find rows whose commit has not been answered yet.
      if (reading === undefined && cursor >= head) {
        await Promise.all([committing, grown.promise]);
        continue;
      }
      const events = await (reading ?? rows.read(cursor, eventsPerCommit));
      cursor += events.length;
      reading = cursor < head ? rows.read(cursor, eventsPerCommit) : undefined;
      const effects = effectsOf(events);
      await committing;
      committing = rows.commit(effects).then(() => {
        for (const event of events) handled(event.n);
      });
    }
    await committing;
  }

  return {
    async start() {
      ({ head, cursor } = await rows.open());
      // Reads all states once: the loop keeps them in memory.
      for (const [key, state] of await rows.states()) states.set(key, state);
    },
    ingest(events) {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrivals.push({ events, done: resolve });
      if (!isAppending) void appendAll();
      return promise;
    },
    async work() {
      if (isWorking) return;
      isWorking = true;
      working = handleAll();
    },
    async rest() {
      isWorking = false;
      wake();
      await working;
    },
    history: () => rows.history(),
    countOfStates: () => rows.countOfStates(),
    async stop() {
      isWorking = false;
      wake();
      await working;
      await rows.close();
    },
  };
}
