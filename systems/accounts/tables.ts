import { type RowOf, table } from '../../src/index.ts';
import { type Account, callbackDueAt, type Outcome } from './account.ts';

/** The latest version of each account, one row each. Times are UTC with milliseconds, so that they sort chronologically. */
export const accountsTable = table(
  'accounts',
  {
    id: 'text',
    account_type: 'text',
    tokens: 'integer',
    version: 'integer',
    data: 'json',
    callback_time_ms: 'integer',
    /** The time at which its callback is due; null once it has fired. */
    callback_due_at: 'text?',
    /** The time at which the version was accepted. */
    updated_at: 'text',
  },
  {
    primaryKey: ['id'],
    indexes: [
      ['account_type', 'id'],
      ['account_type', 'tokens', 'id'],
      ['account_type', 'version', 'id'],
      ['tokens', 'id'],
      ['version', 'id'],
      ['callback_due_at'],
    ],
  },
);

/** Every version that was indexed. Each gets a callback or is cancelled, never both. */
export const updatesTable = table(
  'account_updates',
  {
    id: 'text',
    version: 'integer',
    account_type: 'text',
    tokens: 'integer',
    data: 'json',
    callback_time_ms: 'integer',
    indexed_at: 'text',
    callback_at: 'text?',
    cancelled_at: 'text?',
    /** The newer version. */
    cancelled_by: 'integer?',
  },
  { primaryKey: ['id', 'version'] },
);

export function accountRow(account: Account): RowOf<typeof accountsTable> {
  return {
    ...columnsOf(account),
    callback_due_at: account.callbackPending ? toText(callbackDueAt(account)) : null,
    updated_at: toText(account.indexedAt),
  };
}

export function updateRow(account: Account, outcome: Outcome): RowOf<typeof updatesTable> {
  const row = { ...columnsOf(account), indexed_at: toText(account.indexedAt) };
  if (outcome === undefined) return row;
  if ('callbackAt' in outcome) return { ...row, callback_at: toText(outcome.callbackAt) };
  return { ...row, cancelled_at: toText(outcome.cancelledAt), cancelled_by: outcome.by };
}

function columnsOf({ id, accountType, tokens, version, data, callbackTimeMs }: Account) {
  return { id, account_type: accountType, tokens, version, data, callback_time_ms: callbackTimeMs };
}

function toText(moment: number): string {
  return new Date(moment).toISOString();
}
