import type { KeyedTimer, StoredTimer, TimerPlace, TimerWrite } from '../store.ts';
import { SortedList } from './sorted-list.ts';
import { compareText } from './text-order.ts';

function compare(a: TimerPlace, b: TimerPlace): number {
  return a.dueAt - b.dueAt || compareText(a.key, b.key) || compareText(a.name, b.name);
}

/** The armed timers of one partition, at most one for each key and name. */
export class PendingTimers implements Iterable<KeyedTimer> {
  readonly #inOrder = new SortedList<TimerPlace, KeyedTimer>(compare);
  readonly #byKey = new Map<string, Map<string, KeyedTimer>>();

  [Symbol.iterator](): Iterator<KeyedTimer> {
    return this.#inOrder[Symbol.iterator]();
  }

  of(key: string): StoredTimer[] {
    const timers = Array.from(this.#byKey.get(key)?.values() ?? [], ({ key: _, ...timer }) => timer);
    return timers.sort((a, b) => compareText(a.name, b.name));
  }

  due(dueBy: number, limit: number, after?: TimerPlace): KeyedTimer[] {
    const isBehind = (timer: KeyedTimer) => after === undefined || compare(timer, after) > 0;
    return this.#inOrder.from(isBehind, limit).filter((timer) => timer.dueAt <= dueBy);
  }

  nextDue(after: number): number | null {
    return this.#inOrder.from((timer) => timer.dueAt > after, 1)[0]?.dueAt ?? null;
  }

  write({ key, name, timer }: TimerWrite): void {
    const own = this.#byKey.get(key) ?? new Map<string, KeyedTimer>();
    const pending = own.get(name);
    if (pending !== undefined) this.#inOrder.remove(pending, pending);
    own.delete(name);
    if (timer !== null) {
      const armed = { key, name, ...timer };
      this.#inOrder.put(armed);
      own.set(name, armed);
    }
    if (own.size > 0) this.#byKey.set(key, own);
    else this.#byKey.delete(key);
  }
}
