import type { StoredDelivery } from '../../store/store.ts';

/** The deliveries waiting for a slot. Flows take turns, so that a long one does not starve the rest; order is kept within a flow. */
export class WaitingLine {
  /** The flow whose turn it is comes first. */
  readonly #flows = new Map<string, StoredDelivery[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(delivery: StoredDelivery): void {
    const line = this.#flows.get(delivery.flow);
    if (line === undefined) this.#flows.set(delivery.flow, [delivery]);
    else line.push(delivery);
    this.#size += 1;
  }

  /** Removes and returns the next delivery that may begin; its flow moves to the back. Undefined if none may. */
  take(mayBegin: (delivery: StoredDelivery) => boolean): StoredDelivery | undefined {
    for (const [flow, line] of this.#flows) {
      const at = line.findIndex(mayBegin);
      if (at === -1) continue;
      const [taken] = line.splice(at, 1);
      this.#flows.delete(flow);
      if (line.length > 0) this.#flows.set(flow, line);
      this.#size -= 1;
      return taken;
    }
    return undefined;
  }

  has(delivery: StoredDelivery): boolean {
    return this.#flows.get(delivery.flow)?.includes(delivery) ?? false;
  }

  some(isSo: (delivery: StoredDelivery) => boolean): boolean {
    for (const line of this.#flows.values()) if (line.some(isSo)) return true;
    return false;
  }

  /** Removes those for which `isGone` holds. */
  remove(isGone: (delivery: StoredDelivery) => boolean): readonly StoredDelivery[] {
    const removed: StoredDelivery[] = [];
    for (const [flow, line] of this.#flows) {
      const kept = line.filter((delivery) => !isGone(delivery));
      if (kept.length === line.length) continue;
      removed.push(...line.filter(isGone));
      if (kept.length === 0) this.#flows.delete(flow);
      else this.#flows.set(flow, kept);
    }
    this.#size -= removed.length;
    return removed;
  }
}
