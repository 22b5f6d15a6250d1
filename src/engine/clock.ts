/** The engine's only way to know and to wait for time, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds, with fractions, since some moment; never goes back. For measuring how long something takes. */
  elapsedMs(): number;
  /** Calls `ring` once the clock has reached `at`, at once when it has already; the answer calls it off. */
  alarm(at: number, ring: () => void): () => void;
}

/** The longest a Node.js timer can wait. */
const timeoutMsMax = 2 ** 31 - 1;

/** The machine's clock. Its alarms keep no process alive. */
export const systemClock: Clock = {
  now: Date.now,
  elapsedMs: () => performance.now(),
  alarm(at, ring) {
    let timeout: NodeJS.Timeout;
    const arm = () => {
      const leftMs = at - Date.now();
      timeout = leftMs > timeoutMsMax ? setTimeout(arm, timeoutMsMax) : setTimeout(ring, Math.max(0, leftMs));
      timeout.unref();
    };
    arm();
    return () => clearTimeout(timeout);
  },
};
