import { type Duration, toMs } from './duration.ts';
import type { Turn } from './turn.ts';

/** A call on its way out: one attempt at a delivery. */
export interface OutgoingCall {
  /** The same at every attempt: the idempotency key. */
  readonly id: string;
  readonly pipeline: string;
  readonly endpoint: string;
  /** The key whose turn asked for it. */
  readonly key: string;
  /** The payload as JSON. */
  readonly body: string;
  /** Where to, if the turn said so; otherwise the transport knows. */
  readonly url: string | undefined;
  /** 1 on the first try. */
  readonly attempt: number;
  /** When the turn asked for it, in milliseconds since 1970. */
  readonly askedAt: number;
  /** What it is part of, in the form of W3C Trace Context. */
  readonly traceparent: string | undefined;
}

/**
 * What came of a call. `answer`, where there is one, is kept as JSON, as it is when it is given; it comes back to the key.
 * `cause`, where there is one, is what was thrown on the way: the log and the dead letter have its stack, and the key does not see it.
 *
 * - `delivered`: it has arrived and must not be made again.
 * - `unknown`: it may have arrived, and nobody can tell. It is not made again by itself: an operator decides.
 * - `refused`: it will never succeed as it is.
 * - `failed`: it may succeed later, not before `retryAfterMs` have passed, if given.
 * - `postponed`: no call was made, and none to this endpoint makes sense for `retryAfterMs`. It counts as no attempt.
 */
export type Answer =
  | { readonly result: 'delivered'; readonly answer?: unknown }
  | { readonly result: 'unknown'; readonly reason: string; readonly answer?: unknown; readonly cause?: unknown }
  | { readonly result: 'refused'; readonly reason: string; readonly answer?: unknown; readonly cause?: unknown }
  | {
      readonly result: 'failed';
      readonly reason: string;
      readonly retryAfterMs?: number | undefined;
      readonly answer?: unknown;
      readonly cause?: unknown;
      /** The other side gave no answer at all: no connection, or none in time. Of an address that gives none, calls are held back. */
      readonly isUnanswered?: boolean | undefined;
    }
  | { readonly result: 'postponed'; readonly reason: string; readonly retryAfterMs: number };

export interface TransportLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** How calls of an endpoint leave the program. */
export interface Transport {
  /** Called once before the first call, when the engine starts. */
  open?(log: TransportLogger): void | Promise<void>;
  /**
   * Makes the call once. What it throws counts as `failed`. When the signal aborts, it ends at once: an answer that it still gives
   * in that turn of the event loop counts, otherwise the call has failed.
   */
  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer>;
  /**
   * Names the address of a delivery, such as the origin of its `url`, where addresses come from data: each gets a share of the
   * endpoint's places and, while it gives no answers, a pause of its own. Undefined: the address that the transport itself knows.
   * Called when a turn asks for the delivery; of a longer one the first 256 characters count. What it throws counts as undefined.
   */
  address?(call: Omit<OutgoingCall, 'attempt' | 'traceparent'>): string | undefined;
  /** Called once after the last call, when the engine stops. */
  close?(): void | Promise<void>;
}

/**
 * What became of a delivery, as its key is told in a turn of its own.
 *
 * - `delivered`: once, with the answer.
 * - `given up`: it was refused, or its last attempt failed: it is a dead letter now. Or an operator has withdrawn it: then the reason says so, and there is no
 *   dead letter.
 * - `unknown`: it may have arrived, and nobody can tell. It is a dead letter now, and is called again only when an operator says so.
 * - `failed`: an attempt failed and there are more, where `retry.by` is `pipeline`.
 * - `redriven`: an operator wants a delivery that is a dead letter to be tried again.
 */
export type DeliveryOutcome = {
  readonly id: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** When it was known, in milliseconds since 1970. */
  readonly at: number;
} & (
  | { readonly status: 'delivered'; readonly answer: unknown }
  | { readonly status: 'given up'; readonly reason: string; readonly answer: unknown }
  | { readonly status: 'unknown'; readonly reason: string; readonly answer: unknown }
  | {
      readonly status: 'failed';
      readonly reason: string;
      readonly answer: unknown;
      /** In milliseconds since 1970. */
      readonly retryAt: number;
    }
  | { readonly status: 'redriven' }
);

/** How often and how fast a failed delivery is tried again. The pause before attempt n+1 is `backoff · 2^(n-1)`, at most `maxBackoff`, spread by `jitter`. */
export interface DeliveryRetry {
  /** Attempts in all, the first included. Default 8. */
  readonly attempts?: number;
  /** Default 1 s. */
  readonly backoff?: Duration;
  /** Default 1 h. */
  readonly maxBackoff?: Duration;
  /** The share of the pause that is random, 0 to 1. Default 0.5. */
  readonly jitter?: number;
  /**
   * Who starts the next attempt. `outbox` (default): the engine, once the pause is over. `pipeline`: a turn that delivers
   * under the same id again; the key is told of every failed attempt and when the pause is over.
   */
  readonly by?: 'outbox' | 'pipeline';
}

/** Where a pipeline delivers to, and with what care. `State` and `T` are those of the pipeline: its state and its turn. */
export interface EndpointOptions<State, T, Next> {
  readonly to: Transport;
  /** Calls under way at once. Default 10. */
  readonly concurrency?: number;
  /** At most so many calls begin within any span of `per`. Default: no limit. */
  readonly rateLimit?: { readonly calls: number; readonly per: Duration };
  /** How long a call may take before it is aborted and has failed. Default 30 s. */
  readonly timeout?: Duration;
  readonly retry?: DeliveryRetry;
  /** `key`: the deliveries of a key go one after the other, each when the one before it has its last outcome. Default `none`. */
  readonly order?: 'none' | 'key';
  /** What an outcome means to the key: a turn like that of an event. Without it the key is not told. */
  outcome?(state: State | undefined, turn: T, outcome: DeliveryOutcome): Next;
}

/** An endpoint with every default filled in. */
export interface Endpoint {
  readonly to: Transport;
  readonly concurrency: number;
  readonly rateLimit: { readonly calls: number; readonly perMs: number } | undefined;
  readonly timeoutMs: number;
  readonly retry: { readonly attempts: number; readonly backoffMs: number; readonly backoffMsMax: number; readonly jitter: number };
  readonly retryBy: 'outbox' | 'pipeline';
  readonly isOrdered: boolean;
  readonly outcome: ((state: unknown, turn: Turn, outcome: DeliveryOutcome) => unknown) | undefined;
}

/** Fills every default in. The options were checked. */
export function resolveEndpoint(options: EndpointOptions<unknown, Turn, unknown>, what: string): Endpoint {
  const { to, concurrency = 10, rateLimit, timeout = '30s', retry = {}, order = 'none' } = options;
  const { attempts = 8, backoff = '1s', maxBackoff = '1h', jitter = 0.5, by = 'outbox' } = retry;
  return {
    to,
    concurrency,
    rateLimit: rateLimit && { calls: rateLimit.calls, perMs: toMs(rateLimit.per, `${what}.rateLimit.per`) },
    timeoutMs: toMs(timeout, `${what}.timeout`),
    retry: {
      attempts,
      backoffMs: toMs(backoff, `${what}.retry.backoff`),
      backoffMsMax: toMs(maxBackoff, `${what}.retry.maxBackoff`),
      jitter,
    },
    retryBy: by,
    isOrdered: order === 'key',
    outcome: options.outcome?.bind(options),
  };
}
