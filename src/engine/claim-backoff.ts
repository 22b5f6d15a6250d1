import type { ErrorCode } from '../errors.ts';
import { pauseMs } from './backoff.ts';
import type { Clock } from './clock.ts';

/** How fast a partition is claimed again after failures in a row; the first time at once. */
const recovery = { backoffMs: 50, backoffMsMax: 5_000, jitter: 0.5, attempts: Number.POSITIVE_INFINITY };

/** A store that another program keeps locked says so at once, and is free from one moment to the next. */
const recoveryFromLock = { ...recovery, backoffMsMax: 50 };
/** Another engine works on it, and says so once it stops; one that dies does not, and its lease must run out. */
const recoveryFromLease = { ...recovery, backoffMs: 500, backoffMsMax: 500 };
/** A full disk says so at once; somebody must make room, which takes a while. */
const recoveryFromFull = { ...recovery, backoffMs: 250, backoffMsMax: 2_000 };

const recoveries: { readonly [Code in ErrorCode]?: typeof recovery } = {
  MILL_STORE_BUSY: recoveryFromLock,
  MILL_STORE_LEASED: recoveryFromLease,
  MILL_STORE_FULL: recoveryFromFull,
};

/** What a beat that is answered puts an end to. */
const overWithBeat: ReadonlySet<ErrorCode> = new Set(['MILL_STORE_UNAVAILABLE', 'MILL_STORE_FENCED']);

/** The pauses before a partition is claimed again. They grow while claims fail in a row, without a commit between them. */
export class ClaimBackoff {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #random: () => number;
  #failures = 0;
  #endPause: (() => void) | undefined;
  /** What the pause under way is for. */
  #code: ErrorCode | undefined;

  constructor({ clock, random }: { readonly clock: Pick<Clock, 'after'>; readonly random: () => number }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The store does its work. */
  reset(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time for the next claim, or when the pause is ended. */
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

  /** A beat was answered: the store is there, and the leases are ours for as long as one lasts. */
  storeAnswers(): void {
    if (this.#code !== undefined && overWithBeat.has(this.#code)) this.endPause();
  }

  endPause(): void {
    this.#endPause?.();
  }
}
