import { MillraceError } from '../../errors.ts';
import type { PartitionId, Store } from '../../store/store.ts';
import type { Draft } from '../draft.ts';
import type { Lanes } from '../lanes.ts';

/** What withdrawals work with; their tenure provides it. */
export interface WithdrawalMeans {
  readonly store: Store;
  readonly partition: PartitionId;
  readonly lanes: Pick<Lanes, 'isClosed'>;
  /** The draft that takes what is decided now. */
  draft(): Draft;
  /** Something was drafted. */
  drafted(): void;
  /** Resolves once all that is drafted by now is on disk, or void because the lanes are closed. */
  committed(): Promise<void>;
}

/** Deliveries that are withdrawn in one commit, at most. */
const withdrawnMax = 1_000;

/** Takes back the deliveries of endpoints that are no longer declared. No queue has them in hand, so nobody calls meanwhile. */
export class Withdrawal {
  readonly #means: WithdrawalMeans;
  /** One at a time, so that no delivery is counted twice. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(means: WithdrawalMeans) {
    this.#means = means;
  }

  /** Removes all deliveries of an endpoint and returns how many there were. Throws `MILL_STORE_UNAVAILABLE` when the tenure ends first. */
  withdraw(endpoint: string): Promise<number> {
    const withdrawn = this.#last.then(() => this.#withdraw(endpoint));
    this.#last = withdrawn.catch(() => undefined);
    return withdrawn;
  }

  async #withdraw(endpoint: string): Promise<number> {
    const { store, partition, lanes, draft, drafted, committed } = this.#means;
    for (let withdrawn = 0; ; ) {
      const names = await store.deliveryNames(partition, endpoint, withdrawnMax);
      if (lanes.isClosed) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
      if (names.length === 0) return withdrawn;
      for (const name of names) draft().deliveries.push({ write: 'remove', ...name });
      drafted();
      await committed();
      withdrawn += names.length;
    }
  }
}
