import type { ListBounds } from './bounds.ts';
import type { NewDeadLetter } from './dead-letters.ts';
import type { Appended, NewEvent } from './events.ts';
import type { NamedCount } from './inventory.ts';

/** An event that another program inserted into the inbox in its own transaction. */
export interface InboxRow {
  /** Rises from row to row in insertion order. */
  readonly place: number;
  /** The idempotency key of the event; null for none. */
  readonly id: string | null;
  readonly traceparent: string | null;
  /** Text that should be JSON; only the beginning of an overlong one. */
  readonly event: string;
  /** Length of the whole text, in characters. */
  readonly length: number;
}

/** A row to add to the inbox. */
export interface NewInboxRow extends Pick<InboxRow, 'id' | 'traceparent' | 'event'> {
  readonly pipeline: string;
}

export interface InboxQuery extends ListBounds {
  readonly pipeline: string;
  /** Places of rows to leave out. */
  readonly except: readonly number[];
  /** Maximum characters read of each event's text. */
  readonly eventLengthMax: number;
  readonly limit: number;
}

/**
 * The fate of an inbox row: an event of its pipeline, or a dead letter of the partition whose lease takes it, which belongs to that
 * pipeline.
 */
export type InboxTaking = { readonly place: number } & ({ readonly event: NewEvent } | { readonly letter: NewDeadLetter });

/**
 * - The results of `append`. A row whose event is `late` stays where it is.
 * - `buried`: it is a dead letter.
 * - `gone`: somebody else has taken or deleted it. Nothing was stored.
 */
export type InboxTaken = Appended | { readonly status: 'buried' | 'gone' };

/**
 * The table `millrace_inbox (pipeline, event, id, traceparent)`, into which any program inserts events beside its own rows. A row leaves it
 * in the transaction that appends its event to the log, so no crash can take it twice or lose it.
 */
export interface Inbox {
  /**
   * Counts waiting rows, up to `countMax` per pipeline: for the named pipelines, and for the first of all others, up to about a hundred.
   * Omits those with none. The cost does not grow with the number of rows.
   */
  waiting(pipelines: readonly string[], countMax: number): Promise<readonly NamedCount[]>;

  /** Returns the first committed rows of a pipeline, in order of place. */
  rows(query: InboxQuery): Promise<readonly InboxRow[]>;

  /**
   * Calls back when rows may have arrived: within about a second of their commit, usually within milliseconds, and sometimes without cause.
   * The returned function stops it.
   */
  listen(grown: () => void): () => void;
}
