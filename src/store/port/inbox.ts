import type { ListBounds } from './bounds.ts';
import type { NewDeadLetter } from './dead-letters.ts';
import type { Appended, NewEvent } from './events.ts';
import type { NamedCount } from './inventory.ts';

/** An event that another program has put into the inbox, in a transaction of its own. */
export interface InboxRow {
  /** Rises from row to row, in the order in which they were inserted. */
  readonly place: number;
  /** The idempotency key of the event; null for none. */
  readonly id: string | null;
  readonly traceparent: string | null;
  /** What is to be JSON; of a text that is too long only its beginning. */
  readonly event: string;
  /** Characters of the whole text. */
  readonly length: number;
}

/** A row that comes into the inbox. */
export interface NewInboxRow extends Pick<InboxRow, 'id' | 'traceparent' | 'event'> {
  readonly pipeline: string;
}

export interface InboxQuery extends ListBounds {
  readonly pipeline: string;
  /** Places of rows that are left out. */
  readonly except: readonly number[];
  /** Of a longer text only so many characters are read. */
  readonly eventLengthMax: number;
  readonly limit: number;
}

/** What becomes of a row of the inbox: an event of its pipeline, or a dead letter of the partition under whose lease it is taken, which is of its pipeline. */
export type InboxTaking = { readonly place: number } & ({ readonly event: NewEvent } | { readonly letter: NewDeadLetter });

/**
 * - As by `append`. A row whose event is `late` stays where it is.
 * - `buried`: it is a dead letter.
 * - `gone`: it is no longer there, since somebody else has taken or deleted it. Nothing was stored.
 */
export type InboxTaken = Appended | { readonly status: 'buried' | 'gone' };

/**
 * The table `millrace_inbox (pipeline, event, id, traceparent)`, into which any program inserts events beside its own rows. A row that is
 * taken leaves it in the transaction in which its event enters the log: no crash can take it twice, nor lose it.
 */
export interface Inbox {
  /**
   * Counts the rows that wait, up to `countMax` of each pipeline: of those named, and of the first of all others, which may be a hundred. Without
   * those of which none wait. Takes no longer however many rows wait.
   */
  waiting(pipelines: readonly string[], countMax: number): Promise<readonly NamedCount[]>;

  /** The first rows of a pipeline that have committed, in the order of their places. */
  rows(query: InboxQuery): Promise<readonly InboxRow[]>;

  /**
   * Tells that rows may have come: within about a second after they have committed, most often within milliseconds, and perhaps although none
   * has. The returned function ends that.
   */
  listen(grown: () => void): () => void;
}
