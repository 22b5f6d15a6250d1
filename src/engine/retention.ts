import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** Interval between sweeps: the shortest retention, within these limits. In milliseconds. */
const everyMsMin = 1_000;
const everyMsMax = 60_000;
/** Events examined per call, so that no commit waits long behind it. */
const pruneMax = 2_000;
/** Blocks deleted per call. */
const blocksMax = 100;

/** Retention of operators' actions, and the interval at which older ones are deleted. In milliseconds. */
const auditMs = 90 * 24 * 3_600_000;
const auditEveryMs = 3_600_000;

export interface RetentionMeans {
  readonly store: Store;
  readonly clock: Clock;
  failed(error: unknown): void;
}

/** A partition to sweep, and its pipeline. */
interface Swept {
  /** While another engine works on it, that engine sweeps it. */
  readonly partition: { readonly id: PartitionId; readonly isAway: boolean };
  readonly pipeline: AnyPipeline;
}

/** Deletes settled events and known ids older than their pipeline's retention, a slice at a time. */
export class RetentionSweep {
  readonly #means: RetentionMeans;
  readonly #partitions: readonly Swept[];
  readonly #everyMs: number;
  #disarm: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;
  /** The time at which old operators' actions were last deleted, in elapsed time. */
  #auditSweptAt = Number.NEGATIVE_INFINITY;

  constructor(means: RetentionMeans, partitions: readonly Swept[]) {
    this.#means = means;
    this.#partitions = partitions;
    const shortestMs = Math.min(everyMsMax, ...partitions.map(({ pipeline }) => pipeline.retainMs));
    this.#everyMs = Math.max(everyMsMin, shortestMs);
  }

  start(): void {
    this.#disarm = this.#means.clock.after(this.#everyMs, () => {
      this.#sweeping = this.#sweep()
        .catch((error: unknown) => this.#means.failed(error))
        .then(() => {
          if (!this.#closed) this.start();
        });
    });
  }

  async stop(): Promise<void> {
    this.#closed = true;
    this.#disarm?.();
    await this.#sweeping;
  }

  async #forgetAudit(): Promise<void> {
    const { clock, store } = this.#means;
    if (clock.elapsedMs() - this.#auditSweptAt < auditEveryMs) return;
    await store.forgetAudit(clock.now() - auditMs);
    this.#auditSweptAt = clock.elapsedMs();
  }

  async #sweep(): Promise<void> {
    await this.#forgetAudit();
    for (const { partition, pipeline } of this.#partitions) {
      const now = this.#means.clock.now();
      const retention = {
        partition: partition.id,
        acceptedBefore: now - pipeline.retainMs,
        idsBefore: now - pipeline.deduplicationWindowMs,
        limit: pruneMax,
      };
      let gone = blocksMax;
      while (!this.#closed && !partition.isAway && gone === blocksMax)
        gone = await this.#means.store.forgetBlocks(partition.id, retention.acceptedBefore, blocksMax);
      let after: number | null = 0;
      while (!this.#closed && !partition.isAway && after !== null) ({ after } = await this.#means.store.prune({ ...retention, after }));
    }
  }
}
