import { type Duration, toMs } from './duration.ts';
import type { Turn } from './turn.ts';

/** A call on its way out: one attempt at a delivery. */
export interface OutgoingCall {
  /** The same at every attempt: the idempotency key. */
  readonly id: string;
  readonly pipeline: string;
  readonly endpoint: string;
  /** The key whose turn requested it. */
  readonly key: string;
  /** The payload as JSON. */
  readonly body: string;
  /** The destination, if the turn named one; otherwise the transport knows. */
  readonly url: string | undefined;
  /** 1 on the first try. */
  readonly attempt: number;
  /** The time at which the turn requested it, in milliseconds since 1970. */
  readonly askedAt: number;
  /** The trace it belongs to, as a W3C Trace Context `traceparent`. */
  readonly traceparent: string | undefined;
}

/**
 * The result of a call. `answer`, if present, is copied as JSON at once and goes back to the key. `cause`, if present, is the error thrown
 * on the way: the log and the dead letter record its stack, and the key does not see it.
 *
 * - `delivered`: the call arrived and must not be repeated.
 * - `unknown`: the call may have arrived; there is no way to tell. It is not retried automatically: an operator decides.
 * - `refused`: the call can never succeed unchanged.
 * - `failed`: the call may succeed later, but not before `retryAfterMs`, if given, has passed.
 * - `postponed`: no call was made, and none to this endpoint makes sense for `retryAfterMs`. Not counted as an attempt.
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
      /**
       * True when the other side gave no answer at all: no connection, or none in time. The engine holds back calls to an address that does
       * not answer.
       */
      readonly isUnanswered?: boolean | undefined;
    }
  | { readonly result: 'postponed'; readonly reason: string; readonly retryAfterMs: number };

export interface TransportLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Makes an endpoint's calls to the outside. */
export interface Transport {
  /** Called once before the first call, when the engine starts. */
  open?(log: TransportLogger): void | Promise<void>;
  /**
   * Makes the call once. An exception counts as `failed`. When the signal aborts, it ends at once: an answer given within that turn of the
   * event loop still counts, otherwise the call has failed.
   */
  call(call: OutgoingCall, signal: AbortSignal): Promise<Answer>;
  /**
   * Names the address of a delivery, such as the origin of its `url`, for endpoints whose addresses come from data. Each address gets a
   * share of the endpoint's concurrency and is paused by itself while it does not answer. Undefined means the address that the transport
   * itself knows. Called when a turn requests the delivery; only the first 256 characters count. An exception counts as undefined.
   */
  address?(call: Omit<OutgoingCall, 'attempt' | 'traceparent'>): string | undefined;
  /** Called once after the last call, when the engine stops. */
  close?(): void | Promise<void>;
}

/**
 * The outcome of a delivery, which its key receives in a separate turn.
 *
 * - `delivered`: delivered once, with the answer.
 * - `given up`: it was refused or its last attempt failed, and it is now a dead letter; or an operator withdrew it, in which case the
 *   reason says so and there is no dead letter.
 * - `unknown`: it may have arrived; there is no way to tell. It is now a dead letter, called again only on an operator's request.
 * - `failed`: an attempt failed and more remain; sent only if `retry.by` is `pipeline`.
 * - `redriven`: an operator asked to retry a dead-letter delivery.
 */
export type DeliveryOutcome = {
  readonly id: string;
  /** Attempts so far. */
  readonly attempts: number;
  /** The time at which it became known, in milliseconds since 1970. */
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

/**
 * Retries of a failed delivery. The pause before attempt n+1 is `backoff · 2^(n-1)`, at most `maxBackoff`,
 * randomised by `jitter`.
 */
export interface DeliveryRetry {
  /** Total attempts, including the first. Default 8. */
  readonly attempts?: number;
  /** Default 1 s. */
  readonly backoff?: Duration;
  /** Default 1 h. */
  readonly maxBackoff?: Duration;
  /** The random share of the pause, 0 to 1. Default 0.5. */
  readonly jitter?: number;
  /**
   * Starts the next attempt. `outbox` (default): the engine, once the pause is over. `pipeline`: a turn that delivers under the same id
   * again; the key is notified of every failed attempt and of the end of the pause.
   */
  readonly by?: 'outbox' | 'pipeline';
}

/** A destination of a pipeline's deliveries, and how to treat it. `State` and `T` are the pipeline's state and turn. */
export interface EndpointOptions<State, T, Next> {
  readonly to: Transport;
  /** Maximum concurrent calls. Default 10. */
  readonly concurrency?: number;
  /** Limits how many calls begin within any span of `per`. Default: no limit. */
  readonly rateLimit?: { readonly calls: number; readonly per: Duration };
  /** Maximum duration of a call, after which it is aborted and counts as failed. Default 30 s. */
  readonly timeout?: Duration;
  readonly retry?: DeliveryRetry;
  /** With `key`, a key's deliveries go one at a time, each after the previous one's final outcome. Default `none`. */
  readonly order?: 'none' | 'key';
  /** Handles an outcome, in a turn like an event's. Without it the key is not notified. */
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

/** Fills in every default. The options have been checked. */
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
