import { isFullList, sizeOfDelivery } from '../../store/list-size.ts';
import type { FlowQuery, StoredDelivery } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import { bytesOfUnit } from '../memory.ts';
import type { Hand } from './hand.ts';

/** Moments that are read with one call of the store. */
const momentsMax = 256;

/** The first of those that are due. */
interface DueInOrder {
  readonly due: readonly StoredDelivery[];
  /** Whether more may be due than these. */
  readonly isFull: boolean;
}

/** The first that are due of some flows. */
interface DueOfFlows {
  readonly deliveries: readonly StoredDelivery[];
  /** The flow to go on from; null behind the last one. */
  readonly next: string | null;
  /** Flows of which as many were read as are read of each. */
  readonly full: readonly string[];
  /** Whether more may be due of the last flow than memory has room for. */
  readonly isCut: boolean;
}

/** Reads the due deliveries of one endpoint in one partition, no more at once than memory has room for. */
export class DuePages {
  readonly #context: TenureContext;
  readonly #endpoint: string;
  readonly #hand: Hand;

  constructor(context: TenureContext, endpoint: string, hand: Hand) {
    this.#context = context;
    this.#endpoint = endpoint;
    this.#hand = hand;
  }

  /** Whether the payloads that wait are as large as they may be together. */
  get isFullOfTexts(): boolean {
    return this.#hand.sizeOfWaiting >= this.#context.engine.memory.readMax;
  }

  /** Whether the payloads whose calls are over are as large as they may be together until a commit records them. */
  get isFullOfAnswers(): boolean {
    return bytesOfUnit * this.#hand.sizeOfOver >= this.#context.engine.memory.draftBytesMax;
  }

  /** Reads those that are due first. */
  async inOrder(dueBy: number, limit: number): Promise<DueInOrder> {
    const { engine, partition } = this.#context;
    const charactersMax = this.#sizeMax;
    const due = await engine.store.dueDeliveries(partition.id, this.#endpoint, dueBy, limit, { charactersMax });
    return { due, isFull: isFullList(due, sizeOfDelivery, { limit, sizeMax: charactersMax }) };
  }

  /** Reads the first that are due of each flow of a page. */
  async byFlow(page: Omit<FlowQuery, 'endpoint' | 'charactersMax'>): Promise<DueOfFlows> {
    const { engine, partition } = this.#context;
    const charactersMax = this.#sizeMax;
    const { deliveries, next } = await engine.store.dueByFlow(partition.id, { endpoint: this.#endpoint, ...page, charactersMax });
    const flows = Array.from(Map.groupBy(deliveries, ({ flow }) => flow));
    const full = flows.filter(([, { length }]) => length === page.each).map(([flow]) => flow);
    return { deliveries, next, full, isCut: isFullList(deliveries, sizeOfDelivery, { sizeMax: charactersMax }) };
  }

  /** Reads when the first one is due after a moment; null where none is. */
  nextDue(after: number): Promise<number | null> {
    const { engine, partition } = this.#context;
    return engine.store.nextDeliveryDue(partition.id, this.#endpoint, after);
  }

  /**
   * Reads the latest moment at which a pause began of those that are due after `now`; `now` where none began later.
   *
   * @param isOver whether nobody asks any more
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

  /** UTF-16 units of the payloads of one read: those in hand may be among them, and as much as may be read at once comes on top. */
  get #sizeMax(): number {
    return this.#context.engine.memory.readMax + this.#hand.sizeOfAll;
  }
}
