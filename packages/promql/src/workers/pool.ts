/**
 * Where a query runs: small ones here, where there is no hop to pay for, heavy ones in the least busy worker, and the heaviest
 * on all of them at once, as far as their aggregations can be split.
 */
import type { Queryable } from "@pharos/model";
import type { Engine, QueryResult } from "../engine/engine.ts";
import type { QueryRequest, RemoteEngine } from "./port.ts";

export interface QueryPoolOptions {
  /** Engine and storage of this thread. */
  engine: Engine;
  storage: Queryable;
  /** Engines of other threads, over the same data. */
  workers: readonly RemoteEngine[];
  /**
   * A query that looks at no more than this time (ms) stays here, and is not looked at more closely: estimating selects its
   * series. 15 minutes.
   */
  shortMs?: number;
  /** Cost from which a query leaves this thread; 2 million, some 30 ms. */
  heavyCost?: number;
  /** Cost from which a query is split over all workers; 20 million. */
  splitCost?: number;
}

export class QueryPool {
  readonly #options: QueryPoolOptions;

  constructor(options: QueryPoolOptions) {
    this.#options = options;
  }

  /** Throws as Engine does. */
  async query(request: QueryRequest, signal?: AbortSignal): Promise<QueryResult> {
    const { engine, storage, workers, heavyCost = 2e6, splitCost = 20e6, shortMs = 900_000 } = this.#options;
    const { query, start, end, step, options } = request;
    const here = (more: object = {}) => {
      const all = { ...options, ...more };
      return step === 0
        ? engine.instant(storage, query, start, all, signal)
        : engine.range(storage, query, start, end, step, all, signal);
    };
    if (workers.length === 0) return here();
    const { samples, splittable } = await engine.estimate(storage, query, start, end, step, shortMs);
    if (samples < heavyCost) return here();
    if (splittable && samples >= splitCost && workers.length > 1) {
      return here({
        shards: {
          count: workers.length,
          run: (part: Parameters<RemoteEngine["shard"]>[0], partSignal: AbortSignal) =>
            workers[part.index % workers.length].shard(part, partSignal),
        },
      });
    }
    const idlest = workers.reduce((best, worker) => (worker.busy < best.busy ? worker : best));
    return idlest.query(request, signal);
  }
}
