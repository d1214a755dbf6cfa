/**
 * The query engine as a server runs it: a bounded number of queries at a time, each counted, and written to the query log
 * (`global.query_log_file`) with who asked.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { createLogger, type Logger, type Registry } from "@pharos/kit";
import type { Queryable } from "@pharos/model";
import {
  Engine,
  type EngineOptions,
  type Expr,
  QueryError,
  type QueryOptions,
  QueryPool,
  type QueryPoolOptions,
  type QueryResult,
  sourceOf,
} from "@pharos/promql";

/** Fields of the log that say where a query comes from. */
export type QueryOrigin =
  | { httpRequest: { clientIP: string; method: string; path: string } }
  | { ruleGroup: { file: string; name: string } };

const origins = new AsyncLocalStorage<QueryOrigin>();

/** Queries started inside `work` are logged as coming from `origin`. */
export function withOrigin<T>(origin: QueryOrigin, work: () => T): T {
  return origins.run(origin, work);
}

/** What is asked from here on in this asynchronous context comes from `origin`. */
export function enterOrigin(origin: QueryOrigin): void {
  origins.enterWith(origin);
}

const SLICES = ["queue_time", "prepare_time", "inner_eval", "result_sort"] as const;

function createMetrics(registry: Registry, concurrency: number) {
  const duration = "Query timings";
  registry.gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.").set(concurrency);
  const summary = registry.summary("prometheus_engine_query_duration_seconds", duration, ["slice"]);
  const histogram = registry.histogram(
    "prometheus_engine_query_duration_histogram_seconds",
    duration,
    ["slice"],
    [0.01, 0.1, 1, 10],
  );
  return {
    queries: registry.gauge("prometheus_engine_queries", "The current number of queries being executed or waiting."),
    samples: registry.counter(
      "prometheus_engine_query_samples_total",
      "The total number of samples loaded by all queries.",
    ),
    samplesRead: registry.counter(
      "prometheus_engine_query_samples_read_total",
      "The total number of samples read by all queries (only new points per step for range-vector).",
    ),
    logEnabled: registry.gauge("prometheus_engine_query_log_enabled", "State of the query log."),
    logFailures: registry.counter("prometheus_engine_query_log_failures_total", "The number of query log failures."),
    slices: SLICES.map((slice) => [summary.labels(slice), histogram.labels(slice)] as const),
  };
}

export interface ServerEngineOptions extends EngineOptions {
  /** Where heavy queries of this storage go; all are evaluated here, if absent. */
  pool?: Omit<QueryPoolOptions, "engine">;
  /** Queries evaluated at a time; others wait. */
  maxConcurrency: number;
  registry: Registry;
  log: Logger;
}

interface Times {
  start: number;
  end: number;
  /** 0: an instant query. */
  step: number;
}

export class ServerEngine extends Engine implements Disposable {
  readonly #maxConcurrency: number;
  readonly #log: Logger;
  readonly #metrics: ReturnType<typeof createMetrics>;
  readonly #waiting: (() => void)[] = [];
  readonly #pool: { storage: Queryable; pool: QueryPool } | undefined;
  /** ms; a function of the configuration. */
  readonly #subqueryStep: () => number | undefined;
  #running = 0;
  #file: { path: string; fd: number; log: Logger } | undefined;

  constructor(options: ServerEngineOptions) {
    super(options);
    this.#maxConcurrency = Math.max(1, options.maxConcurrency);
    this.#log = options.log;
    this.#metrics = createMetrics(options.registry, options.maxConcurrency);
    const { pool, defaultSubqueryStepMs: step } = options;
    this.#subqueryStep = () => (typeof step === "function" ? step(0) : step);
    if (!pool || pool.workers.length === 0) return;
    const engine = {
      parse: (query: string) => super.parse(query),
      estimate: (...args: Parameters<Engine["estimate"]>) => super.estimate(...args),
      instant: (...args: Parameters<Engine["instant"]>) => super.instant(...args),
      range: (...args: Parameters<Engine["range"]>) => super.range(...args),
      listed: super.listed.bind(this) as Engine["listed"],
    };
    this.#pool = { storage: pool.storage, pool: new QueryPool({ ...pool, engine }) };
  }

  /** Logs queries there from now on; "" ends the log. The same path is opened again: it may have been moved away. */
  logTo(path: string): void {
    if (this.#file) closeSync(this.#file.fd);
    this.#file = undefined;
    if (path !== "") {
      try {
        mkdirSync(dirname(path), { recursive: true });
        const fd = openSync(path, "a", 0o640);
        this.#file = { path, fd, log: createLogger({ format: "json", write: (line) => writeSync(fd, line) }) };
      } catch (error) {
        this.#metrics.logFailures.inc();
        this.#log.error("cannot open the query log", { file: path, err: error });
      }
    }
    this.#metrics.logEnabled.set(this.#file ? 1 : 0);
  }

  override instant(
    storage: Queryable,
    query: string | Expr,
    timeMs: number,
    options: QueryOptions = {},
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    const times = { start: timeMs, end: timeMs, step: 0 };
    return this.#observe(query, times, signal, () =>
      this.#pool?.storage === storage
        ? this.#pool.pool.query({ query, ...times, options: this.#sent(options) }, signal)
        : super.instant(storage, query, timeMs, options, signal),
    );
  }

  override range(
    storage: Queryable,
    query: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    const times = { start: startMs, end: endMs, step: stepMs };
    return this.#observe(query, times, signal, () =>
      this.#pool?.storage === storage && stepMs > 0
        ? this.#pool.pool.query({ query, ...times, options: this.#sent(options) }, signal)
        : super.range(storage, query, startMs, endMs, stepMs, options, signal),
    );
  }

  #sent({ lookbackMs, timeoutMs, explain }: QueryOptions) {
    return { lookbackMs, timeoutMs, explain, defaultSubqueryStepMs: this.#subqueryStep() };
  }

  [Symbol.dispose](): void {
    this.logTo("");
  }

  async #observe(
    query: string | Expr,
    times: Times,
    signal: AbortSignal | undefined,
    run: () => Promise<QueryResult>,
  ): Promise<QueryResult> {
    const queued = performance.now();
    this.#metrics.queries.inc();
    try {
      if (this.#running >= this.#maxConcurrency) await this.#turn(signal);
      this.#running++;
      const queueMs = performance.now() - queued;
      let result: QueryResult | undefined;
      let failure: unknown;
      try {
        result = await run();
        return result;
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        this.#running--;
        this.#waiting.shift()?.();
        this.#account(query, times, queueMs, result, failure);
      }
    } finally {
      this.#metrics.queries.dec();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const proceed = (): void => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1);
        reject(new QueryError("canceled", "query was canceled in query queue"));
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(proceed);
    });
  }

  #account(
    query: string | Expr,
    { start, end, step }: Times,
    queueMs: number,
    result: QueryResult | undefined,
    failure: unknown,
  ): void {
    const { preparationMs = 0, evaluationMs = 0, sortMs = 0, totalSamples = 0, peakSamples = 0 } = result?.stats ?? {};
    const seconds = [queueMs, preparationMs, evaluationMs, sortMs].map((ms) => ms / 1000);
    this.#metrics.slices.forEach(([summary, histogram], i) => {
      summary.observe(seconds[i]);
      histogram.observe(seconds[i]);
    });
    this.#metrics.samples.inc(totalSamples);
    this.#metrics.samplesRead.inc(result?.stats.samplesRead ?? 0);
    if (!this.#file) return;
    const [queue, preparation, evaluation, sort] = seconds;
    try {
      this.#file.log.info("promql query logged", {
        params: {
          end: new Date(end).toISOString(),
          query: typeof query === "string" ? query : sourceOf(query),
          start: new Date(start).toISOString(),
          step: step / 1000,
        },
        ...(failure === undefined ? {} : { error: failure instanceof Error ? failure.message : String(failure) }),
        stats: {
          timings: {
            evalTotalTime: preparation + evaluation + sort,
            resultSortTime: sort,
            queryPreparationTime: preparation,
            innerEvalTime: evaluation,
            execQueueTime: queue,
            execTotalTime: queue + preparation + evaluation + sort,
          },
          samples: { totalQueryableSamples: totalSamples, peakSamples },
        },
        ...origins.getStore(),
      });
    } catch (error) {
      this.#metrics.logFailures.inc();
      this.#log.error("cannot write to the query log", { file: this.#file.path, err: error });
    }
  }
}
