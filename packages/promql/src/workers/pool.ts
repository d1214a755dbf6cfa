/**
 * Where a query runs: small ones here, where there is no hop to pay for, heavy ones in the least busy worker, and the heaviest
 * on all of them at once, as far as their aggregations can be split.
 */
import type { Queryable } from "@pharos/model";
import type { Engine, QueryOptions, QueryResult } from "../engine/engine.ts";
import type { ShardRequest } from "../engine/shard.ts";
import type { Expr } from "../parser/ast.ts";
import { sourceOf } from "../parser/parse.ts";
import type { QueryRequest, QueryWorker } from "./port.ts";

export interface QueryPoolOptions {
  /** Engine and storage of this thread. */
  engine: Pick<Engine, "parse" | "estimate" | "instant" | "range" | "listed">;
  storage: Queryable;
  /** Engines of other threads, over the same data. Of those that are equally busy the first is asked. */
  workers: readonly QueryWorker[];
  /** Whether workers have all of the data in [mint, maxt]; always, if absent. */
  isShared?: (mint: number, maxt: number) => boolean;
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

/** As QueryRequest, of a query that may have been parsed already. */
export type PoolRequest = Omit<QueryRequest, "query"> & { query: string | Expr };

export class QueryPool {
  readonly #options: QueryPoolOptions;

  constructor(options: QueryPoolOptions) {
    this.#options = options;
  }

  /** Throws as Engine does. */
  async query(request: PoolRequest, signal?: AbortSignal): Promise<QueryResult> {
    const { engine, storage, workers, heavyCost = 2e6, splitCost = 20e6, shortMs = 900_000 } = this.#options;
    const { start, end, step, options } = request;
    if (workers.length === 0) return this.#here(request, options, signal);
    const query = typeof request.query === "string" ? engine.parse(request.query) : request.query;
    const text = typeof request.query === "string" ? request.query : sourceOf(query);
    const parsed = { ...request, query };
    // Without its text a query cannot be sent anywhere.
    if (text === "") return this.#here(parsed, options, signal);
    const { samples, splittable, mint, maxt } = await engine.estimate(storage, query, start, end, step, shortMs);
    const { isShared } = this.#options;
    if (samples < heavyCost || (isShared && !isShared(mint, maxt))) return this.#here(parsed, options, signal);
    if (splittable && samples >= splitCost && workers.length > 1) {
      const run = (part: ShardRequest, partSignal: AbortSignal) =>
        workers[part.index % workers.length].shard(part, partSignal);
      return this.#here(parsed, { ...options, shards: { count: workers.length, run } }, signal);
    }
    const idlest = workers.reduce((best, worker) => (worker.busy < best.busy ? worker : best));
    const sent: QueryRequest = { query: text, start, end, step, options };
    return engine.listed(sent, signal, (listed, report) => idlest.query(sent, listed, report));
  }

  #here(
    { query, start, end, step }: PoolRequest,
    options: QueryOptions,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult> {
    const { engine, storage } = this.#options;
    return step === 0
      ? engine.instant(storage, query, start, options, signal)
      : engine.range(storage, query, start, end, step, options, signal);
  }
}
