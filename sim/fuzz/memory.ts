const mebibyte = 1024 * 1024;

/** Allowance for what V8 and the allocator keep in a process that has been warm for a third of the run. */
const slackBytes = 64 * mebibyte;
/** Memory the engine may keep per accepted event: the state of its key stays in memory, for up to 50,000 keys a pipeline. */
const bytesPerEvent = 1024;
/** Limit for the process at any time: some hundred bodies of a mebibyte may be in memory at once, several times each. */
const maxBytes = 1536 * mebibyte;
/** A shorter run, in milliseconds, says nothing about leaks: V8 grows for the first minute anyway. */
const shortMs = 60_000;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  /** Events accepted so far. */
  readonly accepted: number;
}

/**
 * The server's resident memory over the run. It fluctuates widely between collections, so minima are compared: over the second third of the
 * attack, and from its last sixth to the end of some idle seconds after it. A leak of a few hundred bytes per request shows in ten minutes,
 * one of a connection or a body in one.
 */
export class Memory {
  readonly #samples: Sample[] = [];

  note(sample: Sample): void {
    if (sample.bytes > 0) this.#samples.push(sample);
  }

  get first(): number {
    return this.#samples[0]?.bytes ?? 0;
  }

  get max(): number {
    return Math.max(0, ...this.#samples.map(({ bytes }) => bytes));
  }

  /** Returns the minimum in that period. */
  least(fromMs: number, toMs: number): number {
    return Math.min(...this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map(({ bytes }) => bytes));
  }

  /** Returns why it grew too much; empty if it did not. `endedMs` is when the attack ended. */
  faults(endedMs: number): string[] {
    const faults = this.max > maxBytes ? [`memory: expected at most ${inMebibytes(maxBytes)}, found ${inMebibytes(this.max)}`] : [];
    const last = this.#samples.at(-1);
    if (last === undefined || endedMs < shortMs) return faults;
    const middle = this.least(endedMs / 3, (endedMs * 2) / 3);
    const acceptedByThen = this.#samples.findLast(({ atMs }) => atMs <= endedMs / 3)?.accepted ?? 0;
    const bound = middle + slackBytes + bytesPerEvent * (last.accepted - acceptedByThen);
    const after = this.least((endedMs * 5) / 6, Number.POSITIVE_INFINITY);
    if (after > bound) {
      const [found, expected, from] = [after, bound, middle].map(inMebibytes);
      faults.push(`memory: expected at most ${expected} at the end, from ${from} in its second third, found ${found}`);
    }
    return faults;
  }
}

/** Formats bytes for people, including unknown values, as on a system without `/proc`. */
export function inMebibytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes === 0) return 'unknown';
  return `${Math.round(bytes / mebibyte)} MiB`;
}
