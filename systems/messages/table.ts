import { type StoredRowOf, table } from '../../src/index.ts';

/**
 * Every message, one row each; anyone may add rows with SQL. Moments are texts in UTC: those of ours have milliseconds
 * (`2026-11-21T10:00:00.000Z`), those of others may be as `datetime('now')` writes them. See `moment.ts`.
 */
export const messages = table(
  'messages',
  {
    id: 'text',
    to: 'text',
    content: 'text',
    /** `PENDING`, `SUCCESS` or `FAILED`. */
    status: 'text',
    /** What the provider calls it. */
    message_id: 'text?',
    /** The provider's last answer, as it came. */
    raw_response: 'text?',
    sent_at: 'text?',
    created_at: 'text',
    updated_at: 'text?',
    /** A row with one is never sent and never listed. */
    deleted_at: 'text?',
    /** Attempts so far that failed or were refused. */
    attempts: 'integer',
    /** Not to be tried again before. */
    retry_at: 'text?',
    /** Why it failed, or why its last attempt did. */
    reason: 'text?',
  },
  {
    primaryKey: ['id'],
    indexes: [
      // Those that a list leaves out, the deleted ones, are no part of the range that it reads and counts.
      ['status', 'deleted_at', 'created_at', 'id'],
      ['status', 'deleted_at', 'sent_at', 'id'],
      ['to', 'status', 'deleted_at', 'created_at', 'id'],
      ['to', 'status', 'deleted_at', 'sent_at', 'id'],
    ],
    defaults: { status: 'PENDING', attempts: 0 },
  },
);

export type MessageRow = StoredRowOf<typeof messages>;

export type MessageStatus = 'PENDING' | 'SUCCESS' | 'FAILED';
