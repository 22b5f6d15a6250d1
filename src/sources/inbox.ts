import { checkOptions, type OptionTable } from '../pipeline/check-options.ts';
import { text } from '../pipeline/expectations.ts';
import { copyJson, NotJson } from '../pipeline/json.ts';
import { Place } from '../pipeline/place.ts';
import type { AnyRecipient, PipelineInput } from '../pipeline/recipient.ts';

/** A row of the table `millrace_inbox`, as a program inserts it; for Kysely, the table's type. */
export interface InboxTable {
  readonly pipeline: string;
  /** JSON. */
  readonly event: string;
  readonly id: string | null;
  readonly traceparent: string | null;
}

/** Optional details of an event for the inbox. */
export interface InboxOptions {
  /** An idempotency key, as for `ingest`: a second event with the same one is a duplicate. */
  readonly id?: string | undefined;
  /** The trace the event belongs to, as a W3C Trace Context `traceparent`. */
  readonly traceparent?: string | undefined;
}

/** A statement as `pg` (`text`) and `mysql2` (`sql`) take it. */
export interface InboxInsert {
  readonly text: string;
  readonly sql: string;
  readonly values: (string | null)[];
}

const inboxOptions: OptionTable<InboxOptions> = { id: text, traceparent: text };

/**
 * Returns the row that puts an event into the inbox, for anything that inserts rows in your transaction: a query builder, or a prepared
 * statement. The event is validated when it is taken in, not here.
 *
 * ```ts
 * await transaction.insertInto('millrace_inbox').values(inboxRow(orders, { id: 'o1' })).execute();
 * ```
 *
 * Throws `MILL_INVALID_REQUEST` for an event that is not JSON, and for wrong or unknown options.
 */
export function inboxRow<P extends AnyRecipient>(pipeline: P, event: PipelineInput<P>, options: InboxOptions = {}): InboxTable {
  const place: Place = new Place('inboxRow', 'MILL_INVALID_REQUEST');
  text((pipeline as { readonly name?: unknown } | undefined)?.name, place.at('pipeline'));
  checkOptions(options, inboxOptions, place);
  return { pipeline: pipeline.name, event: jsonOf(event, place), id: options.id ?? null, traceparent: options.traceparent ?? null };
}

/**
 * Returns the statement that puts an event into the inbox of PostgreSQL or MySQL, for the `pg` client or the `mysql2` connection that runs
 * your transaction.
 *
 * ```ts
 * await client.query(inboxInsert(orders, { id: 'o1' }));
 * ```
 *
 * Throws like {@link inboxRow}.
 */
export function inboxInsert<P extends AnyRecipient>(pipeline: P, event: PipelineInput<P>, options: InboxOptions = {}): InboxInsert {
  const row = inboxRow(pipeline, event, options);
  const insert = 'INSERT INTO millrace_inbox (pipeline, event, id, traceparent) VALUES';
  return {
    text: `${insert} ($1, $2, $3, $4)`,
    sql: `${insert} (?, ?, ?, ?)`,
    values: [row.pipeline, row.event, row.id, row.traceparent],
  };
}

function jsonOf(event: unknown, place: Place): string {
  try {
    const json: unknown = JSON.stringify(copyJson(event));
    if (typeof json === 'string') return json;
  } catch (error) {
    if (error instanceof NotJson) place.at('event').refuse(error.message);
    throw error;
  }
  return place.at('event').expected('an event as JSON', event);
}
