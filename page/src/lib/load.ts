import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** What a view shows of something that it asks the server for. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
  /** Asks again; what is shown stays until the answer is there. */
  again(): void;
}

/**
 * Asks the server when a view opens, and when what it depends on changes. An answer that was overtaken is thrown away.
 *
 * @param everyMs asks again by itself, for what changes in place
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
