import type { ErrorCode } from '../errors.ts';
import { pauseMs } from './backoff.ts';
import type { Clock } from './clock.ts';

/** Delays before a partition is claimed again after consecutive failures; the first retry is immediate. */
const recovery = { backoffMs: 50, backoffMsMax: 5_000, jitter: 0.5, attempts: Number.POSITIVE_INFINITY };

/** A store locked by another program answers at once, and may be free the next moment. */
const recoveryFromLock = { ...recovery, backoffMsMax: 50 };
/** Another engine works on it. A stopping engine says so; a dead one does not, and its lease must expire. */
const recoveryFromLease = { ...recovery, backoffMs: 500, backoffMsMax: 500 };
/** A full disk fails at once, and freeing space takes a while. */
const recoveryFromFull = { ...recovery, backoffMs: 250, backoffMsMax: 2_000 };

const recoveries: { readonly [Code in ErrorCode]?: typeof recovery } = {
  MILL_STORE_BUSY: recoveryFromLock,
  MILL_STORE_LEASED: recoveryFromLease,
  MILL_STORE_FULL: recoveryFromFull,
};

/** Errors that an answered beat shows to be over. */
const overWithBeat: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_UNAVAILABLE', 'MILL_STORE_FENCED']);

/** The pauses before claiming a partition again. They grow with consecutive failed claims without a commit in between. */
export class ClaimBackoff {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #random: () => number;
  #failures = 0;
  #endPause: (() => void) | undefined;
  /** The error behind the current pause. */
  #code: ErrorCode | undefined;

  constructor({ clock, random }: { readonly clock: Pick<Clock, 'after'>; readonly random: () => number }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Notes that the store works. */
  reset(): void {
    this.#failures = 0;
  }

  /** Resolves when the next claim is due, or when the pause is cut short. */
  async pause(code: ErrorCode): Promise<void> {
    this.#failures += 1;
    this.#code = code;
    if (this.#failures === 1) return;
    const ms = pauseMs(recoveries[code] ?? recovery, this.#failures - 1, this.#random());
    await new Promise<void>((resolve) => {
      const disarm = this.#clock.after(ms, resolve);
      this.#endPause = () => {
        disarm();
        resolve();
      };
    });
  }

  /** Notes an answered beat: the store is reachable, and the leases are ours for one lease period. */
  storeAnswers(): void {
    if (this.#code !== undefined && overWithBeat.has(this.#code)) this.endPause();
  }

  endPause(): void {
    this.#endPause?.();
  }
}
