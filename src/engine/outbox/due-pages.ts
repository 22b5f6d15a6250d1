import { isFullList, sizeOfDelivery } from '../../store/list-size.ts';
import type { FlowQuery, StoredDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import { bytesOfUnit } from '../memory.ts';
import type { Hand } from './hand.ts';

/** Moments read per store call. */
const momentsMax = 256;

/** The first due deliveries. */
interface DueInOrder {
  readonly due: readonly StoredDelivery[];
  /** True if there may be more due ones. */
  readonly isFull: boolean;
}

/** The first due deliveries of some flows. */
interface DueOfFlows {
  readonly deliveries: readonly StoredDelivery[];
  /** The flow to continue from; null after the last one. */
  readonly next: string | null;
  /** Flows that reached the per-flow limit of the read. */
  readonly full: readonly string[];
  /** True if the last flow may have more due deliveries than memory has room for. */
  readonly isCut: boolean;
}

/** Reads the due deliveries of one endpoint in one partition, never more at once than fit into memory. */
export class DuePages {
  readonly #context: TenureContext;
  readonly #endpoint: string;
  readonly #hand: Hand;

  constructor(context: TenureContext, endpoint: string, hand: Hand) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#hand = hand;
  }

  /** True if the waiting payloads have reached their limit. */
  get isFullOfTexts(): boolean {
    return this.#hand.sizeOfWaiting >= this.#context.engine.memory.readMax;
  }

  /** True if the payloads of finished calls have reached their limit until a commit records them. */
  get isFullOfAnswers(): boolean {
    return bytesOfUnit * this.#hand.sizeOfOver >= this.#context.engine.memory.draftBytesMax;
  }

  /** Reads the deliveries due first. */
  async inOrder(dueBy: number, limit: number): Promise<DueInOrder> {
    const { engine, partition } = this.#context;
    const charactersMax = this.#sizeMax;
    const due = await engine.store.dueDeliveries(partition.id, this.#endpoint, dueBy, limit, { charactersMax });
    return { due, isFull: isFullList(due, sizeOfDelivery, { limit, sizeMax: charactersMax }) };
  }

  /** Reads the first due deliveries of each flow of a page. */
  async byFlow(page: Omit<FlowQuery, 'endpoint' | 'charactersMax'>): Promise<DueOfFlows> {
    const { engine, partition } = this.#context;
    const charactersMax = this.#sizeMax;
    const { deliveries, next } = await engine.store.dueByFlow(partition.id, { endpoint: this.#endpoint, ...page, charactersMax });
    const flows = Array.from(Map.groupBy(deliveries, ({ flow }) => flow));
    const full = flows.filter(([, { length }]) => length === page.each).map(([flow]) => flow);
    return { deliveries, next, full, isCut: isFullList(deliveries, sizeOfDelivery, { sizeMax: charactersMax }) };
  }

  /** Reads when the first delivery after a moment is due; null if there is none. */
  nextDue(after: number): Promise<number | null> {
    const { engine, partition } = this.#context;
    return engine.store.nextDeliveryDue(partition.id, this.#endpoint, after);
  }

  /**
   * Reads the latest moment at which the pause of a delivery due after `now` began; `now` if none began later.
   *
   * @param isOver returns true once nobody needs the answer
   */
  async latestBeginning(now: number, isOver: () => boolean): Promise<number> {
    const { engine, partition } = this.#context;
    let latest = now;
    for (let after = now; !isOver(); ) {
      const moments = await engine.store.dueMoments(partition.id, this.#endpoint, after, momentsMax);
      for (const { dueAt, pauseMs } of moments) latest = Math.max(latest, dueAt - pauseMs);
      const last = moments.at(-1);
      if (last === undefined || moments.length < momentsMax) break;
      after = last.dueAt;
    }
    return latest;
  }

  /** UTF-16 units of the payloads of one read: it may include those in hand, on top of the limit for one read. */
  get #sizeMax(): number {
    return this.#context.engine.memory.readMax + this.#hand.sizeOfAll;
  }
}
