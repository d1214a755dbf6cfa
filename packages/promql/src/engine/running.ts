/** The queries an engine is working on: to be shown, and to be canceled. */

export interface RunningQuery {
  /** Unique within the engine. */
  id: number;
  query: string;
  /** Unix ms at which it began. */
  startedAt: number;
  /** Unix ms; `step` in ms is 0 for an instant query. */
  start: number;
  end: number;
  step: number;
  /** Bytes that it holds now. */
  bytes: number;
  /** Samples fetched from storage so far. */
  samplesRead: number;
}

/** How far a query has got. */
export type QueryProgress = Pick<RunningQuery, "bytes" | "samplesRead">;

interface Entry {
  snapshot(): RunningQuery;
  controller: AbortController;
}

export class RunningQueries {
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;

  /** Longest running first. */
  list(): RunningQuery[] {
    return [...this.#entries.values()].map(({ snapshot }) => snapshot());
  }

  /** False when there is no such query (any more). It ends within 50 ms. */
  cancel(id: number): boolean {
    const entry = this.#entries.get(id);
    entry?.controller.abort(new Error("canceled by request"));
    return entry !== undefined;
  }

  /**
   * Lists a query until the result is disposed of; `signal` aborts when the caller's does or the query is canceled.
   * `progress` gives what changes while it runs.
   */
  add(
    query: Omit<RunningQuery, "id" | "bytes" | "samplesRead">,
    outer: AbortSignal | undefined,
  ): Disposable & { signal: AbortSignal; progress: () => QueryProgress } {
    const id = ++this.#lastId;
    const controller = new AbortController();
    const abort = () => controller.abort(outer?.reason);
    if (outer?.aborted) abort();
    outer?.addEventListener("abort", abort);
    const handle = {
      signal: controller.signal,
      progress: () => ({ bytes: 0, samplesRead: 0 }),
      [Symbol.dispose]: () => {
        this.#entries.delete(id);
        outer?.removeEventListener("abort", abort);
      },
    };
    this.#entries.set(id, { controller, snapshot: () => ({ ...query, id, ...handle.progress() }) });
    return handle;
  }
}
