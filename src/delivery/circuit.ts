import { CircuitState, ConsecutiveBreaker, circuitBreaker, DelegateBackoff, handleResultType } from 'cockatiel';
import { invalid } from '../pipeline/check.ts';
import { type Duration, toMs } from '../pipeline/duration.ts';
import type { Answer, TransportLogger } from '../pipeline/endpoint.ts';
import type { Exchange } from './exchange.ts';

/** When a server that fails is left alone, and for how long. */
export interface CircuitOptions {
  /** It opens after so many failures in a row: no connection, a time-out, a status from 500. Default 20. */
  readonly failures?: number;
  /** The first pause. After it one call goes through; when that fails too, the pause doubles. Default 1 s. */
  readonly resetAfter?: Duration;
  /** The longest pause. Default 30 s. */
  readonly resetAfterMax?: Duration;
}

/** `closed`: calls go through. `open`: none does. `half-open`: one is under way, to see whether the others may follow. */
export type CircuitStatus = 'closed' | 'open' | 'half-open';

type Postponed = Extract<Answer, { result: 'postponed' }>;

/**
 * The circuit breaker of a server.
 *
 * Closed, every call goes through, until enough in a row have failed: then it is open, and calls are postponed until the
 * pause is over. The first call after that goes through and makes it half-open; those that come meanwhile are postponed for a
 * moment (to wait here would use up the time that they have). When it succeeds the circuit closes, when it fails it is open
 * again, twice as long.
 */
export class Circuit {
  readonly #policy;
  #pauseMs = 0;
  /** It was opened, and not closed since. */
  #isOpen = false;
  /** In elapsed time. */
  #halfOpenAt = 0;

  /** `server` is what the log calls it, and must be no secret. Throws `MILL_INVALID_DECLARATION`. */
  constructor({ failures = 20, resetAfter = '1s', resetAfterMax = '30s' }: CircuitOptions, server: string, log: () => TransportLogger) {
    const firstPauseMs = toMs(resetAfter, 'http: circuit.resetAfter');
    const pauseMsMax = toMs(resetAfterMax, 'http: circuit.resetAfterMax');
    if (pauseMsMax < firstPauseMs)
      invalid(`http: circuit.resetAfterMax: expected no less than resetAfter (${firstPauseMs} ms), found ${pauseMsMax} ms`);
    this.#policy = circuitBreaker(handleResultType(Fault), {
      breaker: new ConsecutiveBreaker(failures),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        this.#pauseMs = Math.min(firstPauseMs * 2 ** (attempt - 1), pauseMsMax);
        // Cockatiel measures a pause by the wall clock, which may be set back; `run` measures it in elapsed time instead.
        return Number.NEGATIVE_INFINITY;
      }),
    });
    this.#policy.onBreak((broken) => {
      this.#halfOpenAt = performance.now() + this.#pauseMs;
      const reason = 'value' in broken && broken.value instanceof Fault ? broken.value.reason : 'unknown';
      // That it is still open after a call was tried is no news.
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

/** How long calls are postponed while one is tried, in milliseconds. */
const halfOpenPauseMs = 100;
/** The least pause that is told: who comes back a millisecond early must not be sent round in a tight loop. */
const leastPauseMs = 10;

function postponed(retryAfterMs: number): Postponed {
  return { result: 'postponed', reason: 'the circuit is open', retryAfterMs };
}

/** What counts against a server. */
class Fault {
  readonly exchange: Exchange;
  readonly reason: string;

  constructor(exchange: Exchange, reason: string) {
    this.exchange = exchange;
    this.reason = reason;
  }
}

/**
 * Why it counts against the server. What it refuses or cannot take at the moment, 4xx, shows that it is there. A call that could not be
 * sent shows nothing, and one that was to show whether the server is back has not shown that.
 */
function faultOf(exchange: Exchange, status: CircuitStatus): string | undefined {
  if (exchange.result === 'failed' || (exchange.result === 'postponed' && status === 'half-open')) return exchange.reason;
  const isServerError = exchange.result === 'answered' && exchange.response.status >= 500;
  return isServerError ? `status ${exchange.response.status}` : undefined;
}
