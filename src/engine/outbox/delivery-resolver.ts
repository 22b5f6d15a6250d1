import { describeFound } from '../../describe-found.ts';
import { MillraceError } from '../../errors.ts';
import type { DeliveryName, DeliveryWrite, ListedDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import type { Lanes } from '../lanes.ts';
import type { Witness } from '../resolver.ts';
import { nameOf } from './delivery-attempts.ts';
import type { EndpointQueue } from './endpoint-queue.ts';
import type { Outbox } from './outbox.ts';
import { tellWithdrawn } from './tell-withdrawn.ts';

/** The dependencies for orders about deliveries, other than the context. */
interface DeliveryResolverParts {
  readonly lanes: Pick<Lanes, 'isClosed'>;
  readonly outbox: Pick<Outbox, 'queueOf'>;
}

/**
 * Carries out an operator's orders about one waiting delivery: to send it now, or to withdraw it. Its call is never under way meanwhile.
 */
export class DeliveryResolver {
  readonly #context: TenureContext;
  readonly #parts: DeliveryResolverParts;
  /** Deliveries being looked up, by name, and whether a commit has written them meanwhile. */
  readonly #lookedUp = new Map<string, { isWritten: boolean }>();

  constructor(context: TenureContext, parts: DeliveryResolverParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /**
   * Makes a delivery due now, even one that only the pipeline would restart. Throws `MILL_NOT_FOUND` if none waits, `MILL_CONFLICT` if its
   * call is under way or its endpoint is no longer declared.
   *
   * @param witness is committed together with it
   */
  async sendNow(name: DeliveryName, witness: Witness = {}): Promise<void> {
    const queue = this.#parts.outbox.queueOf(name.endpoint);
    if (queue === undefined) throw conflict(name, 'the pipeline no longer declares its endpoint');
    const delivery = await this.#take(name, queue, 'send');
    queue.sendNow(delivery);
    await this.#commit(witness);
  }

  /**
   * Removes a delivery, and notifies its key that it is given up. An endpoint that is no longer declared notifies nobody. Throws like
   * {@link sendNow}, but accepts any endpoint.
   *
   * @param reason is passed to the key
   */
  async withdraw(name: DeliveryName, reason: string, witness: Witness = {}): Promise<void> {
    const queue = this.#parts.outbox.queueOf(name.endpoint);
    const delivery = await this.#take(name, queue, 'withdraw');
    if (queue === undefined) {
      this.#context.draft().deliveries.push({ write: 'remove', ...name });
      tellWithdrawn(this.#context, name, { attempts: delivery.attempts, reason });
    } else await this.#drafted(queue.withdraw(delivery, reason));
    await this.#commit(witness);
  }

  /** Notes that decisions are on disk. */
  committed(deliveries: readonly DeliveryWrite[]): void {
    if (this.#lookedUp.size === 0) return;
    for (const write of deliveries) {
      const lookedUp = this.#lookedUp.get(nameOf('delivery' in write ? write.delivery : write));
      if (lookedUp !== undefined) lookedUp.isWritten = true;
    }
  }

  /** Finds a delivery and prevents its call. */
  async #take(name: DeliveryName, queue: EndpointQueue | undefined, to: string): Promise<ListedDelivery> {
    const lookedUp = { isWritten: false };
    const own = nameOf(name);
    if (this.#lookedUp.has(own)) throw conflict(name, 'another order about it is being carried out; try again later');
    this.#lookedUp.set(own, lookedUp);
    try {
      const delivery = await this.#read(name, lookedUp);
      if (queue?.setAside(delivery) === false)
        throw conflict(name, `expected to ${to} a waiting delivery, but its call is under way; try again when it has ended`);
      return delivery;
    } finally {
      this.#lookedUp.delete(own);
    }
  }

  async #read(name: DeliveryName, lookedUp: { isWritten: boolean }): Promise<ListedDelivery> {
    const { engine, partition } = this.#context;
    const { endpoint, key, id } = name;
    for (;;) {
      lookedUp.isWritten = false;
      const [found] = await engine.store.deliveries(partition.id, { endpoint, key, id, limit: 1 });
      this.#checkWorking();
      if (lookedUp.isWritten) continue;
      if (found === undefined) throw notFound(name);
      return found;
    }
  }

  /** A delivery left set aside would never be called. */
  async #drafted(drafting: Promise<void>): Promise<void> {
    try {
      await drafting;
    } catch (error) {
      if (!this.#parts.lanes.isClosed) this.#context.failed(error);
    }
    this.#checkWorking();
  }

  async #commit({ answer, entry }: Witness): Promise<void> {
    const { draft, drafted, committed } = this.#context;
    if (answer !== undefined) draft().answer(answer);
    if (entry !== undefined) draft().note(entry);
    drafted();
    await committed();
    this.#checkWorking();
  }

  #checkWorking(): void {
    if (this.#parts.lanes.isClosed) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');
  }
}

function conflict({ endpoint, key, id }: DeliveryName, why: string): MillraceError {
  return new MillraceError('MILL_CONFLICT', `delivery ${describeFound(id)} of the key ${describeFound(key)} to ${endpoint}: ${why}`);
}

function notFound({ endpoint, key, id }: DeliveryName): MillraceError {
  const of = `of the key ${describeFound(key)} to ${describeFound(endpoint)}`;
  return new MillraceError('MILL_NOT_FOUND', `no delivery waits ${of} with the id ${describeFound(id)}`);
}
