import { reasonLengthMax } from '../fault.ts';
import type { AnyPipeline } from '../pipeline/pipeline.ts';
import { toStorableText } from '../pipeline/text.ts';
import type { DeliveryName, ListedDelivery } from '../store/store.ts';
import { compareText } from '../store/text-order.ts';
import type { Audit } from './audit.ts';
import type { GivenCommands } from './commands/given-commands.ts';
import { within } from './deadline.ts';
import type { DeclaredPipelines } from './declared-pipelines.ts';
import type { EngineContext } from './engine-context.ts';
import type { EngineState } from './engine-state.ts';
import { freshnessMs, type KeyReader } from './key-reader.ts';
import type { ByWhom, DeliveryListQuery, Freshness } from './mill-options.ts';
import type { Partitions } from './partitions.ts';
import type { Reads } from './reads.ts';

/** The dependencies for listing and controlling deliveries, provided by the engine. */
export interface DeliveriesMeans {
  readonly engine: EngineContext;
  readonly state: EngineState;
  readonly declared: DeclaredPipelines;
  readonly partitions: Partitions;
  readonly commands: GivenCommands;
  readonly reads: Reads;
  readonly audit: Audit;
  readonly keys: Pick<KeyReader, 'endpointsOf'>;
}

const limitDefault = 100;

/** The waiting deliveries of an engine: lists them, and has their partitions send one now or withdraw it. */
export class Deliveries {
  readonly #means: DeliveriesMeans;

  constructor(means: DeliveriesMeans) {
    this.#means = means;
  }

  /** Returns a page in the order of endpoints, keys and ids. Waits up to `waitMs` for events accepted before. */
  async list(
    pipeline: AnyPipeline,
    { limit = limitDefault, endpoint: only, key, after }: DeliveryListQuery,
    { waitMs = freshnessMs, ...reading }: Freshness,
  ): Promise<readonly ListedDelivery[]> {
    const { engine, reads, partitions, keys } = this.#means;
    const { name } = pipeline;
    const slices = key === undefined ? partitions.of(name) : [partitions.ofKey(name, key)];
    await within(engine.clock, waitMs, (deadline) => Promise.all(slices.map((slice) => slice.caughtUp(deadline))));
    const endpoints = (only === undefined ? keys.endpointsOf(pipeline) : [only])
      .filter((endpoint) => after === undefined || compareText(endpoint, after.endpoint) >= 0)
      .toSorted(compareText);
    return reads.run(
      reading,
      async (signal) => {
        const page: ListedDelivery[] = [];
        for (const endpoint of endpoints) {
          const query = { endpoint, key, after: endpoint === after?.endpoint ? after : undefined, limit: limit - page.length };
          const found = await Promise.all(slices.map(({ id }) => engine.store.deliveries(id, query, { signal })));
          page.push(...found.flat().sort(byName).slice(0, query.limit));
          if (page.length >= limit || signal.aborted) break;
        }
        return page;
      },
      () => 0,
    );
  }

  async sendNow(pipeline: string, { endpoint, key, id }: DeliveryName, by?: ByWhom): Promise<void> {
    const { partitions, commands, audit } = this.#means;
    const name = this.#nameOf(pipeline);
    const delivery = { endpoint, key, id };
    const entry = audit.entry(by, { action: 'send delivery', pipeline: name, key, subject: subjectOf(delivery) });
    const partition = partitions.ofKey(name, key);
    await commands.order(partition, { do: 'sendDelivery', delivery, entry }, async () => {
      await partition.sendNow(delivery, { entry });
      return 1;
    });
    this.#means.engine.log.info({ pipeline: name, key, endpoint, delivery: id }, 'a delivery is sent now');
  }

  async withdraw(pipeline: string, { endpoint, key, id }: DeliveryName, by?: ByWhom): Promise<void> {
    const { partitions, commands, audit } = this.#means;
    const name = this.#nameOf(pipeline);
    const delivery = { endpoint, key, id };
    const entry = audit.entry(by, { action: 'withdraw delivery', pipeline: name, key, subject: subjectOf(delivery) });
    const reason = reasonOf(by);
    const partition = partitions.ofKey(name, key);
    await commands.order(partition, { do: 'withdrawDelivery', delivery, reason, entry }, async () => {
      await partition.withdrawOne(delivery, reason, { entry });
      return 1;
    });
    this.#means.engine.log.info({ pipeline: name, key, endpoint, delivery: id }, 'withdrew a delivery');
  }

  #nameOf(pipeline: string): string {
    const { state, declared } = this.#means;
    state.checkWorking();
    return declared.get(pipeline).name;
  }
}

/** The reason of a withdrawal, as the delivery's key receives it. */
function reasonOf(by: ByWhom | undefined): string {
  const { reason = '' } = by ?? {};
  return toStorableText(reason === '' ? 'withdrawn by an operator' : `withdrawn by an operator: ${reason}`, reasonLengthMax);
}

/** The name of a delivery in the audit. */
function subjectOf({ endpoint, id }: DeliveryName): string {
  return `${endpoint}/${id}`;
}

function byName(a: ListedDelivery, b: ListedDelivery): number {
  return compareText(a.key, b.key) || compareText(a.id, b.id);
}
