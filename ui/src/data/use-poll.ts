/** Data that is asked for again and again while the page is seen. */
import { useCallback, useEffect, useRef, useState } from "react";

export interface Polled<T> {
  data: T | undefined;
  error: string | undefined;
  refresh: () => void;
}

export function usePoll<T>(
  load: (signal: AbortSignal) => Promise<T>,
  intervalMs: number,
  deps: readonly unknown[] = [],
): Polled<T> {
  const [state, setState] = useState<{ data: T | undefined; error: string | undefined }>({
    data: undefined,
    error: undefined,
  });
  const [tick, setTick] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the caller says what a new load depends on
  useEffect(() => {
    const abort = new AbortController();
    let timer: number | undefined;
    const run = async (): Promise<void> => {
      try {
        const data = await latest.current(abort.signal);
        if (!abort.signal.aborted) setState({ data, error: undefined });
      } catch (error) {
        if (!abort.signal.aborted)
          setState(({ data }) => ({ data, error: error instanceof Error ? error.message : String(error) }));
      }
      if (!abort.signal.aborted && intervalMs > 0) timer = window.setTimeout(next, intervalMs);
    };
    // Nobody looks at a hidden page: it asks again when it is shown.
    const next = (): void => {
      if (!document.hidden) void run();
    };
    const shown = (): void => {
      if (document.hidden) return;
      window.clearTimeout(timer);
      void run();
    };
    document.addEventListener("visibilitychange", shown);
    void run();
    return () => {
      abort.abort();
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [intervalMs, tick, ...deps]);
  const refresh = useCallback(() => setTick((value) => value + 1), []);
  return { ...state, refresh };
}
