import { toStorableText } from '../pipeline/text.ts';
import type { AuditEntry, AuditQuery, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { ByWhom } from './mill-options.ts';
import type { ReadOptions, Reads } from './reads.ts';

/** The dependencies of the audit, provided by the engine. */
export interface AuditMeans {
  readonly store: Pick<Store, 'noteAudit' | 'audit'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly reads: Reads;
  newId(): string;
}

/** An operator's action and its target. */
export interface Deed extends Pick<AuditEntry, 'action' | 'pipeline'> {
  readonly key?: string | undefined;
  readonly subject?: string | undefined;
}

/** Maximum characters of a name and of a reason. */
const whoLengthMax = 200;
export const reasonLengthMax = 1_000;
const limitDefault = 100;

/** The record of operators' actions. A program's calls that name no operator are not recorded. */
export class Audit {
  readonly #means: AuditMeans;

  constructor(means: AuditMeans) {
    this.#means = means;
  }

  /** Returns the entry for an action, to commit together with it. */
  entry(by: ByWhom | undefined, { action, pipeline, key, subject }: Deed): AuditEntry | undefined {
    if (by === undefined) return undefined;
    const { clock, newId } = this.#means;
    const text = (value: string | null | undefined, lengthMax: number) =>
      value === undefined || value === null || value === '' ? null : toStorableText(value, lengthMax);
    const who = text(by.who, whoLengthMax);
    const reason = text(by.reason, reasonLengthMax);
    return { id: newId(), at: clock.now(), who, action, pipeline, key: key ?? null, subject: subject ?? null, reason };
  }

  /**
   * Records an action that takes more than one transaction, before it begins: everything done is recorded, and so may be something that
   * failed.
   */
  async note(by: ByWhom | undefined, deed: Deed): Promise<void> {
    const entry = this.entry(by, deed);
    if (entry !== undefined) await this.#means.store.noteAudit(entry);
  }

  /** Returns operators' actions, latest first. */
  list(query: Partial<AuditQuery>, reading: ReadOptions): Promise<readonly AuditEntry[]> {
    const { reads, store } = this.#means;
    return reads.run(
      reading,
      (signal) => store.audit({ ...query, limit: query.limit ?? limitDefault }, { signal }),
      () => 0,
    );
  }
}
