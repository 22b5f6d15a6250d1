import { toStorableText } from '../pipeline/text.ts';
import type { AuditEntry, AuditQuery, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { ByWhom } from './mill-options.ts';
import type { ReadOptions, Reads } from './reads.ts';

/** What the audit is kept with; the engine provides it. */
export interface AuditMeans {
  readonly store: Pick<Store, 'noteAudit' | 'audit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly reads: Reads;
  newId(): string;
}

/** What somebody does, and to what. */
export interface Deed extends Pick<AuditEntry, 'action' | 'pipeline'> {
  readonly key?: string | undefined;
  readonly subject?: string | undefined;
}

/** Characters of a name and of a reason. */
const whoLengthMax = 200;
export const reasonLengthMax = 1_000;
const limitDefault = 100;

/** What operators have done. Calls of a program that do not say by whom are not noted. */
export class Audit {
  readonly #means: AuditMeans;

  constructor(means: AuditMeans) {
    this.#means = means;
  }

  /** Returns the entry for what somebody does, to commit together with it. */
  entry(by: ByWhom | undefined, { action, pipeline, key, subject }: Deed): AuditEntry | undefined {
    if (by === undefined) return undefined;
    const { clock, newId } = this.#means;
    const text = (value: string | null | undefined, lengthMax: number) =>
      value === undefined || value === null || value === '' ? null : toStorableText(value, lengthMax);
    const who = text(by.who, whoLengthMax);
    const reason = text(by.reason, reasonLengthMax);
    return { id: newId(), at: clock.now(), who, action, pipeline, key: key ?? null, subject: subject ?? null, reason };
  }

  /** Notes what takes more than one transaction, before it begins: whatever has happened is noted, and what failed may be. */
  async note(by: ByWhom | undefined, deed: Deed): Promise<void> {
    const entry = this.entry(by, deed);
    if (entry !== undefined) await this.#means.store.noteAudit(entry);
  }

  /** Returns what operators have done, the latest first. */
  list(query: Partial<AuditQuery>, reading: ReadOptions): Promise<readonly AuditEntry[]> {
    const { reads, store } = this.#means;
    return reads.run(
      reading,
      (signal) => store.audit({ ...query, limit: query.limit ?? limitDefault }, { signal }),
      () => 0,
    );
  }
}
