import type {
  CauseName,
  CausePlace,
  ListedTimer,
  OutcomeWrite,
  StoredCause,
  StoredOutcome,
  StoredTimer,
  TimersQuery,
  TimerWrite,
} from '../store.ts';
import { compareText } from '../text-order.ts';
import { SortedList } from './sorted-list.ts';

function compareNames(a: CauseName, b: CauseName): number {
  if (a.kind === 'timer') return b.kind === 'timer' ? compareText(a.name, b.name) : 1;
  return b.kind === 'timer' ? -1 : compareText(a.endpoint, b.endpoint) || compareText(a.id, b.id);
}

function compare(a: CausePlace, b: CausePlace): number {
  return a.dueAt - b.dueAt || compareText(a.key, b.key) || compareNames(a, b);
}

/** The pending timers of one partition, at most one per key and name, and the outcomes, at most one per key, endpoint and id. */
export class PendingCauses implements Iterable<StoredCause> {
  readonly #inOrder = new SortedList<CausePlace, StoredCause>(compare);
  readonly #byKey = new Map<string, SortedList<CauseName, StoredCause>>();

  get size(): number {
    return this.#inOrder.size;
  }

  [Symbol.iterator](): Iterator<StoredCause> {
    return this.#inOrder[Symbol.iterator]();
  }

  of(key: string): { readonly timers: readonly StoredTimer[]; readonly outcomes: readonly StoredOutcome[] } {
    const causes = Array.from(this.#byKey.get(key) ?? []);
    return { timers: causes.filter((cause) => cause.kind === 'timer'), outcomes: causes.filter((cause) => cause.kind === 'outcome') };
  }

  due(dueBy: number, limit: number, after?: CausePlace): StoredCause[] {
    const isBehind = (cause: StoredCause) => after === undefined || compare(cause, after) > 0;
    return this.#inOrder.from(isBehind, limit).filter((cause) => cause.dueAt <= dueBy);
  }

  timers({ name, prefix = '', before = Number.POSITIVE_INFINITY, after, limit }: TimersQuery): ListedTimer[] {
    const isBehind = (cause: StoredCause) => after === undefined || compare(cause, { kind: 'timer', ...after }) > 0;
    return this.#inOrder
      .from(isBehind, Number.POSITIVE_INFINITY)
      .filter((cause) => cause.kind === 'timer')
      .filter((timer) => (name ?? timer.name) === timer.name && timer.key.startsWith(prefix) && timer.dueAt < before)
      .slice(0, limit)
      .map(({ key, name, dueAt, attempts, retryAt }) => ({ key, name, dueAt, attempts, retryAt }));
  }

  nextDue(after: number): number | null {
    return this.#inOrder.from((cause) => cause.dueAt > after, 1)[0]?.dueAt ?? null;
  }

  write(write: TimerWrite | OutcomeWrite): void {
    const own = this.#byKey.get(write.key) ?? new SortedList<CauseName, StoredCause>(compareNames);
    const pending = own.at(write);
    if (pending !== undefined) this.#inOrder.remove(pending, pending);
    own.remove(write, write);
    if (write.dueAt !== null) {
      this.#inOrder.put(write);
      own.put(write);
    }
    if (own.size > 0) this.#byKey.set(write.key, own);
    else this.#byKey.delete(write.key);
  }
}
