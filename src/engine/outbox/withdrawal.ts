import { MillraceError } from '../../errors.ts';
import type { TenureContext } from '../engine-context.ts';
import type { Lanes } from '../lanes.ts';
import { tellWithdrawn } from './tell-withdrawn.ts';

/** Maximum deliveries withdrawn per commit. */
const withdrawnMax = 1_000;

/** Withdraws the deliveries of endpoints that are no longer declared. No queue has them in hand, so none is called meanwhile. */
export class Withdrawal {
  readonly #context: TenureContext;
  readonly #lanes: Pick<Lanes, 'isClosed'>;
  /** One at a time, so that no delivery is counted twice. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: TenureContext, lanes: Pick<Lanes, 'isClosed'>) {
    this.#context = context;
    this.#lanes = lanes;
  }

  /** Removes all deliveries of an endpoint and returns how many there were. Throws `MILL_STORE_UNAVAILABLE` if the tenure ends first. */
  withdraw(endpoint: string): Promise<number> {
    const withdrawn = this.#last.then(() => this.#withdraw(endpoint));
    this.#last = withdrawn.catch(() => undefined);
    return withdrawn;
  }

  async #withdraw(endpoint: string): Promise<number> {
    const { engine, partition, draft, drafted, committed } = this.#context;
    for (let withdrawn = 0; ; ) {
      const names = await engine.store.deliveryNames(partition.id, endpoint, withdrawnMax);
      if (this.#lanes.isClosed) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
      if (names.length === 0) return withdrawn;
      for (const name of names) {
        draft().deliveries.push({ write: 'remove', ...name });
        tellWithdrawn(this.#context, name);
      }
      drafted();
      await committed();
      withdrawn += names.length;
    }
  }
}
