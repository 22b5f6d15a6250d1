import type { InboxTransaction } from '../../src/store/memory/memory-inbox.ts';
import type { Inserted } from '../ledger.ts';
import type { Insertion, Step } from './program.ts';
import type { Scheduler } from './scheduler.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Longest interval between a store's notifications of waiting rows, in milliseconds. */
const tellingMs = 1_000;

/** The inbox of a simulated database, as seen by programs beside the engine. */
export interface SimulatedInbox {
  /** True if rows get their places at the commit instead of the insert. */
  readonly placesAtCommit?: boolean;
  begin(): InboxTransaction;
  /** The texts of all waiting rows. */
  readonly events: readonly string[];
  /** Notifies listeners that rows may have come. */
  tell(): void;
  listen(grown: () => void): () => void;
}

/** A program beside the engine, which puts events into the inbox in its own transactions and records its actions. */
export class OtherProgram {
  readonly #inbox: SimulatedInbox;
  readonly #scheduler: Scheduler;
  readonly #inserted: Omit<Mutable<Inserted>, 'isWaiting'>[] = [];
  #isTelling = false;

  constructor(inbox: SimulatedInbox, scheduler: Scheduler) {
    this.#inbox = inbox;
    this.#scheduler = scheduler;
  }

  /** Returns the inserted rows in their current state. */
  get inserted(): readonly Inserted[] {
    const waiting = new Set(this.#inbox.events.map((event) => JSON.parse(event).mark));
    return this.#inserted.map((one) => ({ ...one, isWaiting: waiting.has(one.name) }));
  }

  /**
   * Resolves once it has committed.
   *
   * @param moment the next place in the sequence of everything the outside world does
   */
  async insert({ rows, isLate }: Step & { readonly step: 'insert' }, moment: () => number): Promise<void> {
    const transaction = this.#inbox.begin();
    const began = moment();
    const own = rows.map(({ pipeline, act }) => {
      transaction.insert({ pipeline, event: JSON.stringify(act), id: null, traceparent: null });
      return { pipeline, key: act.key, name: act.mark, isRefused: act.isRefused === true, began, ended: Number.POSITIVE_INFINITY };
    });
    this.#inserted.push(...own);
    if (isLate) await new Promise<void>((resolve) => this.#scheduler.add('another program commits', resolve));
    if (this.#inbox.placesAtCommit === true) {
      const placed = moment();
      for (const one of own) one.began = placed;
    }
    transaction.commit();
    const ended = moment();
    for (const one of own) one.ended = ended;
    this.grown();
  }

  /** Learns of new rows some time later. */
  listen(grown: () => void): () => void {
    return this.#inbox.listen(grown);
  }

  /** Announces new rows. As long as some wait, the store repeats the notification. */
  grown(): void {
    this.#inbox.tell();
    this.#tellLater();
  }

  #tellLater(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#scheduler.clock.after(tellingMs, () => {
      this.#isTelling = false;
      if (this.#inbox.events.length === 0) return;
      this.grown();
    });
  }
}

/** Returns the ledger's name for an inbox row that is a dead letter. */
export function nameOfRow(origin: string): string {
  const event: Insertion['act'] = JSON.parse(JSON.parse(origin).event);
  return event.mark;
}
