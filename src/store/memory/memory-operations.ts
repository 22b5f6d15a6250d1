import type { OperationChange, OperationProgress, OperationQuery, StoredOperation } from '../store.ts';
import { compareText } from '../text-order.ts';

/** The dead-letter operations of an in-memory database. */
export class MemoryOperations {
  readonly #kept = new Map<string, StoredOperation>();

  add(operation: StoredOperation): void {
    this.#kept.set(operation.id, structuredClone(operation));
  }

  list({ id, pipeline, isOpen = false, before, limit }: OperationQuery): readonly StoredOperation[] {
    const isAsked = (one: StoredOperation) =>
      (id ?? one.id) === one.id &&
      (pipeline ?? one.pipeline) === one.pipeline &&
      (!isOpen || one.state === 'starting' || one.state === 'running') &&
      (before === undefined || compareText(one.id, before) < 0);
    const asked = Array.from(this.#kept.values()).filter(isAsked);
    return asked.sort((a, b) => compareText(b.id, a.id)).slice(0, limit);
  }

  change(id: string, from: Pick<StoredOperation, 'state' | 'reached'>, change: OperationChange): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.state !== from.state || kept.reached !== from.reached) return false;
    this.#kept.set(id, { ...kept, ...change });
    return true;
  }

  advance({ id, done }: OperationProgress): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) this.#kept.set(id, { ...kept, done: kept.done + done });
  }

  forget(before: number): void {
    for (const { id, askedAt } of this.#kept.values()) if (askedAt < before) this.#kept.delete(id);
  }
}
