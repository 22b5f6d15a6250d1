import type { ListBounds } from './bounds.ts';

/** A call that a turn asked for. */
export interface StoredDelivery {
  /** The idempotency key; of an endpoint and key one delivery has it at a time. */
  readonly id: string;
  readonly key: string;
  readonly endpoint: string;
  /** What it shares places with: deliveries of one endpoint and flow are kept from hiding those of its other flows. */
  readonly flow: string;
  /** The payload as JSON. */
  readonly body: string;
  readonly url: string | null;
  /** Whether it waits until those of its endpoint and key that were asked for before it are gone. The same for all of an endpoint. */
  readonly ordered: boolean;
  readonly askedAt: number;
  readonly traceparent: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Not to be tried before, in milliseconds since 1970; null: not until it is asked for again. */
  readonly dueAt: number | null;
}

/** How the last call of a delivery failed. */
export interface DeliveryFailure {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** A delivery of a key, without its payload. */
export interface DeliveryOfKey extends Pick<StoredDelivery, 'id' | 'endpoint' | 'url' | 'askedAt' | 'attempts' | 'dueAt'> {
  /** Null where none has failed, or an earlier version recorded it. */
  readonly lastFailure: DeliveryFailure | null;
}

/** A delivery in a list, without its payload. */
export interface ListedDelivery extends DeliveryOfKey, Pick<StoredDelivery, 'key'> {}

/** Which deliveries of an endpoint to list. */
export interface DeliveriesQuery {
  readonly endpoint: string;
  /** Only those of this key. */
  readonly key?: string | undefined;
  /** Only those of this id. */
  readonly id?: string | undefined;
  /** Only those behind this place. */
  readonly after?: Pick<StoredDelivery, 'key' | 'id'> | undefined;
  readonly limit: number;
}

/** Which due deliveries to read flow by flow. */
export interface FlowQuery extends ListBounds {
  readonly endpoint: string;
  /** Those due at or before, in milliseconds since 1970. */
  readonly dueBy: number;
  /** The name of a flow, which need not be there; null: the first of all. */
  readonly from: string | null;
  readonly flows: number;
  readonly each: number;
}

export interface DueByFlow {
  readonly deliveries: readonly StoredDelivery[];
  /** The first flow that was not looked at; null when there is none. */
  readonly next: string | null;
}

/** A moment at which deliveries come due. */
export interface DueMoment {
  /** Milliseconds since 1970. */
  readonly dueAt: number;
  /** The shortest pause of those that come due then, in milliseconds: when that began, it was so much earlier. */
  readonly pauseMs: number;
}

/** Which delivery of a partition. */
export type DeliveryName = Pick<StoredDelivery, 'endpoint' | 'key' | 'id'>;

/**
 * - `ask`: a delivery behind all others; in the place of the one of its name, if there is one. That keeps its attempts, its
 *   `askedAt`, its last failure, and its `dueAt` unless that is null.
 * - `restore`: a delivery behind all others; does nothing when there is one of its name.
 * - `retry`: sets what is said of the one of that name; does nothing when there is none. `pauseMs` is what was left until `dueAt` then: 0 where
 *   that is null, as it is for one that is asked for. Without `failure` its last failure stays.
 * - `remove`: it is gone.
 */
export type DeliveryWrite =
  | { readonly write: 'ask' | 'restore'; readonly delivery: StoredDelivery }
  | ({ readonly write: 'retry'; readonly failure?: DeliveryFailure | undefined } & DeliveryName &
      Pick<StoredDelivery, 'attempts' | 'dueAt'> &
      Pick<DueMoment, 'pauseMs'>)
  | ({ readonly write: 'remove' } & DeliveryName);
