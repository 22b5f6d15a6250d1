import type { AuditEntry, AuditQuery } from '../store.ts';
import { compareText } from '../text-order.ts';

/** The record of operators' actions on an in-memory database. */
export class MemoryAudit {
  #entries: AuditEntry[] = [];

  note(entry: AuditEntry): void {
    this.#entries.push({ ...entry });
  }

  read({ pipeline, key, before, limit }: AuditQuery): AuditEntry[] {
    const isAsked = (entry: AuditEntry) =>
      (pipeline ?? entry.pipeline) === entry.pipeline &&
      (key ?? entry.key) === entry.key &&
      (before === undefined || compareText(entry.id, before) < 0);
    return this.#entries
      .filter(isAsked)
      .sort((a, b) => compareText(b.id, a.id))
      .slice(0, limit);
  }

  forget(before: number): number {
    const { length } = this.#entries;
    this.#entries = this.#entries.filter(({ at }) => at >= before);
    return length - this.#entries.length;
  }
}
