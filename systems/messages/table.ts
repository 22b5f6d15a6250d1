import { type StoredRowOf, table } from '../../src/index.ts';

/**
 * Every message, one row each; anyone may add rows with SQL. Moments are texts in UTC: ours have milliseconds (`2026-11-21T10:00:00.000Z`),
 * others may be as `datetime('now')` writes them. See `moment.ts`.
 */
export const messages = table(
  'messages',
  {
    id: 'text',
    to: 'text',
    content: 'text',
    /** `PENDING`, `SUCCESS` or `FAILED`. */
    status: 'text',
    /** The provider's id. */
    message_id: 'text?',
    /** The provider's last answer, unchanged. */
    raw_response: 'text?',
    sent_at: 'text?',
    created_at: 'text',
    updated_at: 'text?',
    /** A row with a value is never sent and never listed. */
    deleted_at: 'text?',
    /** Failed or refused attempts so far. */
    attempts: 'integer',
    /** Earliest retry. */
    retry_at: 'text?',
    /** The reason it failed, or why its last attempt did. */
    reason: 'text?',
  },
  {
    primaryKey: ['id'],
    indexes: [
      // Deleted rows, which lists leave out, are not in the range that they read and count.
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
