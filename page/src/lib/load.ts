import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** The state of something requested from the server. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
  /** Requests it again; the old data stays until the answer arrives. */
  again(): void;
}

/**
 * Requests data when a view opens, and when its dependencies change. An outdated answer is dropped.
 *
 * @param everyMs repeats the request automatically, for data that changes in place
 */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, depends: readonly unknown[], everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; error: Error | undefined; isLoading: boolean }>({
    value: undefined,
    error: undefined,
    isLoading: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const controller = new AbortController();
    const run = async () => {
      try {
        const value = await latest.current(controller.signal);
        if (!controller.signal.aborted) setState({ value, error: undefined, isLoading: false });
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if (!controller.signal.aborted) setState((before) => ({ value: before.value, error, isLoading: false }));
      }
    };
    void run();
    const timer = everyMs === undefined ? undefined : setInterval(run, everyMs);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [...depends, round, everyMs]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, again };
}
