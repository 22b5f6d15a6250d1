import type { AnyPipeline } from '../pipeline/pipeline.ts';
import type { PartitionId, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';

/** How often it sweeps: as often as the shortest retention, within these bounds. In milliseconds. */
const everyMsMin = 1_000;
const everyMsMax = 60_000;
/** Events looked at in one call, so that no commit waits long behind it. */
const pruneMax = 2_000;
/** Blocks that go in one call. */
const blocksMax = 100;

/** How long it is known what operators did, and how often what is older goes. In milliseconds. */
const auditMs = 90 * 24 * 3_600_000;
const auditEveryMs = 3_600_000;

export interface RetentionMeans {
  readonly store: Store;
  readonly clock: Clock;
  failed(error: unknown): void;
}

/** One of the partitions, and whose. */
interface Swept {
  /** While another engine works on it, that engine sweeps it. */
  readonly partition: { readonly id: PartitionId; readonly isAway: boolean };
  readonly pipeline: AnyPipeline;
}

/** Forgets settled events and known ids that are older than their pipeline keeps them, a slice at a time. */
export class RetentionSweep {
  readonly #means: RetentionMeans;
  readonly #partitions: readonly Swept[];
  readonly #everyMs: number;
  #disarm: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;
  /** When what operators did long ago was forgotten last, in elapsed time. */
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
