import type { StoredDelivery } from '../../store/store.ts';

/** The deliveries that wait for a place. The flows take turns, so that a long one keeps no other from its place; within a flow the order is kept. */
export class WaitingLine {
  /** The flow whose turn it is first. */
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

  /** Takes the next one that may begin out; its flow stands behind all others now. Undefined when none may. */
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

  /** Takes those out for which `isGone` holds. */
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
