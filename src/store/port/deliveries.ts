import type { ListBounds } from './bounds.ts';

/** A call that a turn requested. */
export interface StoredDelivery {
  /** The idempotency key; unique among the deliveries of an endpoint and key. */
  readonly id: string;
  readonly key: string;
  readonly endpoint: string;
  /** The group whose slots it shares: deliveries of one flow must not hide those of the endpoint's other flows. */
  readonly flow: string;
  /** The payload as JSON. */
  readonly body: string;
  readonly url: string | null;
  /** True if it waits for all earlier deliveries of its endpoint and key to finish. The same for a whole endpoint. */
  readonly ordered: boolean;
  readonly askedAt: number;
  readonly traceparent: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** Earliest attempt, in milliseconds since 1970; null: not until requested again. */
  readonly dueAt: number | null;
}

/** The last failed call of a delivery. */
export interface DeliveryFailure {
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly reason: string;
}

/** A delivery of a key, without its payload. */
export interface DeliveryOfKey extends Pick<StoredDelivery, 'id' | 'endpoint' | 'url' | 'askedAt' | 'attempts' | 'dueAt'> {
  /** Null if no call has failed, or an earlier version recorded it. */
  readonly lastFailure: DeliveryFailure | null;
}

/** A delivery in a list, without its payload. */
export interface ListedDelivery extends DeliveryOfKey, Pick<StoredDelivery, 'key'> {}

/** Selects deliveries of an endpoint to list. */
export interface DeliveriesQuery {
  readonly endpoint: string;
  /** Only those of this key. */
  readonly key?: string | undefined;
  /** Only the one with this id. */
  readonly id?: string | undefined;
  /** Only those after this place. */
  readonly after?: Pick<StoredDelivery, 'key' | 'id'> | undefined;
  readonly limit: number;
}

/** Selects due deliveries, read flow by flow. */
export interface FlowQuery extends ListBounds {
  readonly endpoint: string;
  /** Only those due at or before, in milliseconds since 1970. */
  readonly dueBy: number;
  /** The flow to start from, which need not exist; null: the first of all. */
  readonly from: string | null;
  readonly flows: number;
  readonly each: number;
}

export interface DueByFlow {
  readonly deliveries: readonly StoredDelivery[];
  /** The first flow not examined; null if there is none. */
  readonly next: string | null;
}

/** A moment at which deliveries come due. */
export interface DueMoment {
  /** Milliseconds since 1970. */
  readonly dueAt: number;
  /** The shortest pause among the deliveries due then, in milliseconds. That pause began this long before `dueAt`. */
  readonly pauseMs: number;
}

/** Names a delivery of a partition. */
export type DeliveryName = Pick<StoredDelivery, 'endpoint' | 'key' | 'id'>;

/**
 * - `ask`: adds a delivery after all others, or replaces the payload of the one of its name. The latter keeps its attempts, its `askedAt`,
 *   its last failure, and its `dueAt` unless that is null.
 * - `restore`: adds a delivery after all others; does nothing if one of its name exists.
 * - `retry`: updates the one of that name; does nothing if there is none. `pauseMs` is the time left until `dueAt`: 0 if that is null, as
 *   for a requested delivery. Without `failure` its last failure stays.
 * - `remove`: deletes the one of that name.
 */
export type DeliveryWrite =
  | { readonly write: 'ask' | 'restore'; readonly delivery: StoredDelivery }
  | ({ readonly write: 'retry'; readonly failure?: DeliveryFailure | undefined } & DeliveryName &
      Pick<StoredDelivery, 'attempts' | 'dueAt'> &
      Pick<DueMoment, 'pauseMs'>)
  | ({ readonly write: 'remove' } & DeliveryName);
