import type { DeliveryWrite } from '../../store/store.ts';
import type { TenureContext } from '../engine-context.ts';
import type { KeyParts } from './conclusions.ts';
import { EndpointQueue } from './endpoint-queue.ts';

/**
 * The outgoing calls of a partition (promise 6). A turn's commit requests them; each is repeated until it has an outcome, which returns to
 * the key as a separate turn.
 */
export class Outbox {
  readonly #queues: ReadonlyMap<string, EndpointQueue>;

  constructor(context: TenureContext, keys: KeyParts) {
    const names = Object.keys(context.pipeline.declaration.deliver);
    this.#queues = new Map(names.map((name) => [name, new EndpointQueue(context, keys, name)]));
  }

  /** Returns the queue of an endpoint; undefined if the pipeline no longer declares it. */
  queueOf(endpoint: string): EndpointQueue | undefined {
    return this.#queues.get(endpoint);
  }

  /** True if nothing is under way and nothing can begin by itself now. */
  get isIdle(): boolean {
    for (const queue of this.#queues.values()) if (!queue.isIdle) return false;
    return true;
  }

  /** Returns whether everything a key requested has an outcome. */
  isQuiet(key: string): boolean {
    for (const queue of this.#queues.values()) if (!queue.isQuiet(key)) return false;
    return true;
  }

  /** Makes the calls that are due. */
  start(): void {
    for (const queue of this.#queues.values()) queue.pump();
  }

  /** Notes that decisions are on disk. */
  committed(deliveries: readonly DeliveryWrite[]): void {
    if (this.#queues.size === 0) return;
    for (const write of deliveries) {
      const { endpoint } = 'delivery' in write ? write.delivery : write;
      this.#queues.get(endpoint)?.committed(write);
    }
    this.start();
  }

  /** Releases a cancelled key's deliveries that have not begun, if the pipeline restarts them. */
  letGo(key: string): void {
    for (const queue of this.#queues.values()) queue.letGo(key);
  }

  /** Begins no further calls. */
  rest(): void {
    for (const queue of this.#queues.values()) queue.rest();
  }

  close(): void {
    for (const queue of this.#queues.values()) queue.close();
  }
}
