import type { StoredTimer, TimerWrite } from '../store.ts';
import { SortedList } from './sorted-list.ts';
import { compareText } from './text-order.ts';

export interface KeyedTimer extends StoredTimer {
  readonly key: string;
}

type Place = Pick<KeyedTimer, 'dueAt' | 'key' | 'name'>;

/** The armed timers of one partition, at most one for each key and name. */
export class PendingTimers {
  readonly #inOrder = new SortedList<Place, KeyedTimer>(
    (a, b) => a.dueAt - b.dueAt || compareText(a.key, b.key) || compareText(a.name, b.name),
  );
  readonly #byName = new Map<string, KeyedTimer>();

  due(dueBy: number, limit: number): KeyedTimer[] {
    return this.#inOrder.from(() => true, limit).filter((timer) => timer.dueAt <= dueBy);
  }

  nextDue(after: number): number | null {
    return this.#inOrder.from((timer) => timer.dueAt > after, 1)[0]?.dueAt ?? null;
  }

  write({ key, name, dueAt, data }: TimerWrite): void {
    const keyAndName = JSON.stringify([key, name]);
    const pending = this.#byName.get(keyAndName);
    if (pending !== undefined) this.#inOrder.remove(pending, pending);
    if (dueAt === null) {
      this.#byName.delete(keyAndName);
      return;
    }
    const timer = { key, name, dueAt, data };
    this.#inOrder.put(timer);
    this.#byName.set(keyAndName, timer);
  }
}
