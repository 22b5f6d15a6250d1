import { pipeline, type Turn } from '../../src/index.ts';
import { inPlainWords } from '../shared/plain-words.ts';
import { Account, callbackDueAt } from './account.ts';
import { logHappening, type Observe } from './happening.ts';
import { accountRow, accountsTable, updateRow, updatesTable } from './tables.ts';
import { AccountUpdate, updateIdOf } from './update.ts';

export const pipelineName = 'accounts';

const tables = { accountsTable, updatesTable };
type AccountTurn = Turn<string, unknown, typeof tables, 'callback'>;

export interface AccountsOptions {
  /**
   * The identity of an update: `version` (default), its account and version; or `caller`, the id given to `mill.ingest`, so that a repeated
   * version is ignored rather than a duplicate.
   */
  readonly identifiedBy?: 'version' | 'caller';
}

/**
 * Ingests updates and keeps the latest version of each account. A newer version replaces the previous one, whose callback is cancelled if
 * it is still pending. When a callback is due depends only on the times at which updates were accepted, so a crash, a
 * retry or a late start changes nothing.
 */
export function accountsPipeline(observe: Observe = logHappening, { identifiedBy = 'version' }: AccountsOptions = {}) {
  return pipeline(pipelineName, {
    event: inPlainWords(AccountUpdate),
    key: (update) => update.id,
    ...(identifiedBy === 'version' && { id: updateIdOf }),
    state: Account,
    tables,
    // It decides from stored data: a failure would repeat.
    retry: { attempts: 1 },
    handle(update, before, turn) {
      const { id, version } = update;
      const at = turn.acceptedAt;
      if (before !== undefined && version <= before.version) {
        observe({ event: 'ignored', id, version, current: before.version, at }, turn);
        return turn.ignore(`expected a version newer than ${before.version}, found ${version}`);
      }
      const isOverdue = before?.callbackPending === true && callbackDueAt(before) <= at;
      const last = isOverdue ? callBack(before, turn) : before;
      observe({ event: 'indexed', id, version, at }, turn);
      if (last?.callbackPending === true) cancel(last, version, turn);
      const account: Account = { ...update, indexedAt: at, callbackPending: update.callbackTimeMs > 0 };
      if (!account.callbackPending) return callBack(account, turn);
      turn.put(accountsTable, accountRow(account));
      turn.put(updatesTable, updateRow(account, undefined));
      turn.timers.set('callback', { at: callbackDueAt(account) });
      return account;
    },
    timers: {
      callback: (account, turn) => (account?.callbackPending === true ? callBack(account, turn) : undefined),
    },
  });

  function callBack(account: Account, turn: AccountTurn): Account {
    const { id, version } = account;
    const called = { ...account, callbackPending: false };
    turn.put(accountsTable, accountRow(called));
    turn.put(updatesTable, updateRow(called, { callbackAt: turn.now }));
    turn.timers.cancel('callback');
    observe({ event: 'callback', id, version, at: turn.now }, turn);
    return called;
  }

  function cancel(account: Account, by: number, turn: AccountTurn): void {
    const { id, version } = account;
    turn.put(updatesTable, updateRow(account, { cancelledAt: turn.acceptedAt, by }));
    observe({ event: 'cancelled', id, version, by, at: turn.acceptedAt }, turn);
  }
}
