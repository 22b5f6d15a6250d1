import { CircuitState, ConsecutiveBreaker, circuitBreaker, DelegateBackoff, handleResultType } from 'cockatiel';
import { invalid } from '../pipeline/check.ts';
import { type Duration, toMs } from '../pipeline/duration.ts';
import type { Answer, TransportLogger } from '../pipeline/endpoint.ts';
import type { Exchange } from './exchange.ts';

/** The conditions under which calls to a failing server stop, and for how long. */
export interface CircuitOptions {
  /** Opens after this many consecutive failures: no connection, a time-out, a status from 500. Default 20. */
  readonly failures?: number;
  /** The first pause. After it one call goes through; if that fails too, the pause doubles. Default 1 s. */
  readonly resetAfter?: Duration;
  /** The longest pause. Default 30 s. */
  readonly resetAfterMax?: Duration;
}

/** `closed`: calls go through. `open`: no calls go through. `half-open`: one call is under way as a trial. */
export type CircuitStatus = 'closed' | 'open' | 'half-open';

type Postponed = Extract<Answer, { result: 'postponed' }>;

/**
 * A server's circuit breaker.
 *
 * While closed, every call goes through, until enough consecutive ones have failed. Then it is open, and calls are postponed until the
 * pause is over. The first call after the pause goes through and makes it half-open; calls that arrive meanwhile are postponed briefly
 * (waiting here would use up their time limit). If the trial succeeds the circuit closes; if it fails it opens again for twice as long.
 */
export class Circuit {
  readonly #policy;
  #pauseMs = 0;
  /** True once opened, until closed again. */
  #isOpen = false;
  /** In elapsed time. */
  #halfOpenAt = 0;

  /** `server` is its name in the log, and must not be secret. Throws `MILL_INVALID_DECLARATION`. */
  constructor({ failures = 20, resetAfter = '1s', resetAfterMax = '30s' }: CircuitOptions, server: string, log: () => TransportLogger) {
    const firstPauseMs = toMs(resetAfter, 'http: circuit.resetAfter');
    const pauseMsMax = toMs(resetAfterMax, 'http: circuit.resetAfterMax');
    if (pauseMsMax < firstPauseMs)
      invalid(`http: circuit.resetAfterMax: expected no less than resetAfter (${firstPauseMs} ms), found ${pauseMsMax} ms`);
    this.#policy = circuitBreaker(handleResultType(Fault), {
      breaker: new ConsecutiveBreaker(failures),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        this.#pauseMs = Math.min(firstPauseMs * 2 ** (attempt - 1), pauseMsMax);
        // Cockatiel measures a pause by the wall clock, which may be set back; `run` uses elapsed time instead.
        return Number.NEGATIVE_INFINITY;
      }),
    });
    this.#policy.onBreak((broken) => {
      this.#halfOpenAt = performance.now() + this.#pauseMs;
      const reason = 'value' in broken && broken.value instanceof Fault ? broken.value.reason : 'unknown';
      // Staying open after a trial is not worth another line.
      if (!this.#isOpen) log().warn({ server, reason }, 'circuit open: calls are postponed');
      this.#isOpen = true;
    });
    this.#policy.onReset(() => {
      this.#isOpen = false;
      log().info({ server }, 'circuit closed: calls go through');
    });
  }

  get status(): CircuitStatus {
    if (this.#policy.state === CircuitState.HalfOpen) return 'half-open';
    return this.#policy.state === CircuitState.Closed ? 'closed' : 'open';
  }

  /** Makes the call, or postpones it. */
  async run(call: () => Promise<Exchange>): Promise<Exchange | Postponed> {
    if (this.status === 'half-open') return postponed(halfOpenPauseMs);
    const pauseMs = this.status === 'open' ? Math.ceil(this.#halfOpenAt - performance.now()) : 0;
    if (pauseMs > 0) return postponed(Math.max(pauseMs, leastPauseMs));
    const outcome = await this.#policy.execute(async () => {
      const exchange = await call();
      const reason = faultOf(exchange, this.status);
      return reason === undefined ? exchange : new Fault(exchange, reason);
    });
    return outcome instanceof Fault ? outcome.exchange : outcome;
  }
}

/** Postponement of calls during a trial, in milliseconds. */
const halfOpenPauseMs = 100;
/** The shortest pause reported: a caller that returns a millisecond early must not loop tightly. */
const leastPauseMs = 10;

function postponed(retryAfterMs: number): Postponed {
  return { result: 'postponed', reason: 'the circuit is open', retryAfterMs };
}

/** A failure that counts against a server. */
class Fault {
  readonly exchange: Exchange;
  readonly reason: string;

  constructor(exchange: Exchange, reason: string) {
    this.exchange = exchange;
    this.reason = reason;
  }
}

/**
 * Returns why an exchange counts against the server. Refusals and temporary rejections (4xx) show that the server is up. A call that could
 * not be sent shows nothing, so as a trial it has not succeeded.
 */
function faultOf(exchange: Exchange, status: CircuitStatus): string | undefined {
  if (exchange.result === 'failed' || (exchange.result === 'postponed' && status === 'half-open')) return exchange.reason;
  const isServerError = exchange.result === 'answered' && exchange.response.status >= 500;
  return isServerError ? `status ${exchange.response.status}` : undefined;
}
