const mebibyte = 1024 * 1024;

/** Room for what V8 and the allocator keep for themselves in a process that has been warm for a third of the run. */
const slackBytes = 64 * mebibyte;
/** What the engine may keep of an accepted event: the state of its key stays in memory, for up to 50,000 keys a pipeline. */
const bytesPerEvent = 1024;
/** What the process may take at any time: some hundred bodies of a mebibyte may be in memory at once, several times each. */
const maxBytes = 1536 * mebibyte;
/** A run that is shorter, in milliseconds, says nothing about a leak: V8 grows for the first minute anyhow. */
const shortMs = 60_000;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  /** Events accepted so far. */
  readonly accepted: number;
}

/**
 * The resident memory of the server over the run. Between two collections it rises and falls by a lot, so the least of a
 * while is compared: in the second third of the attack, and from its last sixth to the end of some idle seconds after it. A leak of a
 * few hundred bytes a request shows in ten minutes, one of a connection or a body in one.
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

  /** The least in that span of time. */
  least(fromMs: number, toMs: number): number {
    return Math.min(...this.#samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).map(({ bytes }) => bytes));
  }

  /** Why it grew too much; empty when it did not. `endedMs` is when the attack ended. */
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

/** For people; what is not known, as on a system without `/proc`, is said to be. */
export function inMebibytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes === 0) return 'unknown';
  return `${Math.round(bytes / mebibyte)} MiB`;
}
