/** The query engine: plan, select, evaluate. */
import type { Querier, Queryable } from "@pharos/model";
import { type Expr, typeOf } from "../parser/ast.ts";
import { type ParserOptions, parseExpr, sourceOf } from "../parser/parse.ts";
import { Context, type EvaluationSettings, QueryState } from "./context.ts";
import { QueryError } from "./error.ts";
import { evaluateVector } from "./evaluate.ts";
import { Expansions } from "./expansions.ts";
import { type MemoryCells, SharedMemory } from "./memory.ts";
import { type Plan, planQuery } from "./plan.ts";
import { type PlanNode, Profiler } from "./profile.ts";
import { evaluateQuery, type QueryValue } from "./result.ts";
import { type QueryProgress, RunningQueries, type RunningQuery } from "./running.ts";
import { planSelection, selectAll } from "./select.ts";
import {
  evaluateShard,
  findAggregate,
  mergeShards,
  ShardedParts,
  type ShardRequest,
  type ShardResult,
  type ShardRunner,
  splittable,
} from "./shard.ts";

export interface QueryStats {
  /** Samples that the evaluation looked at, over all steps. */
  totalSamples: number;
  /** Samples fetched from storage. */
  samplesRead: number;
  /** Most samples that were in memory at once. */
  peakSamples: number;
  /** Most bytes that were held at once, as they are counted against the limits. */
  peakBytes: number;
  /** Samples looked at for each step: Unix ms and count. */
  perStep: { timestamps: Float64Array; samples: Float64Array };
  /** ms. */
  preparationMs: number;
  evaluationMs: number;
  sortMs: number;
}

export interface QueryResult {
  value: QueryValue;
  warnings: string[];
  infos: string[];
  stats: QueryStats;
  /** What each part took; only when `explain` was asked for. */
  plan?: PlanNode;
}

export interface QueryCost {
  /** Selected, by all selectors together. */
  series: number;
  /** Samples and results to be looked at, as far as that can be told without reading any. */
  samples: number;
  /** Unix ms of the first and the last sample that may be needed, and ms between them. */
  mint: number;
  maxt: number;
  spanMs: number;
  /** An aggregation in it can be evaluated in parts. */
  splittable: boolean;
}

/** ms between the samples of a series, for estimates. */
const ASSUMED_INTERVAL_MS = 15_000;

export interface EngineOptions extends ParserOptions {
  /** How far back an instant selector looks for a sample; 5 minutes. */
  lookbackMs?: number;
  /** Samples a query may have in memory; 50 million. */
  maxSamples?: number;
  /** Bytes that a query may hold; 1 GiB. */
  maxQueryBytes?: number;
  /** Bytes that all queries running at a time may hold; 2 GiB. */
  maxTotalBytes?: number;
  /** Where engines of other threads tell what they hold, which counts as well. */
  sharedMemory?: MemoryCells;
  /** 2 minutes. */
  timeoutMs?: number;
  /** Step of a subquery that names none: the global evaluation interval; 1 minute. */
  defaultSubqueryStepMs?: number | ((rangeMs: number) => number);
  /** Keep metric names until the end of the evaluation (`promql-delayed-name-removal`). */
  delayedNameRemoval?: boolean;
  /** Metrics carry `__type__` and `__unit__` (`type-and-unit-labels`). */
  typeAndUnitLabels?: boolean;
  /** Counter functions take start timestamps into account (`use-start-timestamps`). */
  useStartTimestamps?: boolean;
}

export interface QueryOptions {
  /** Overrides the engine's. */
  lookbackMs?: number;
  timeoutMs?: number;
  /** Tell what each part of the query took; costs some time with many series. */
  explain?: boolean;
  /** Overrides the engine's. */
  defaultSubqueryStepMs?: number;
  /** Is given what tells how far the query has got, when it begins. */
  watch?: (progress: () => QueryProgress) => void;
  /** Evaluate what can be split in parts elsewhere, on other cores. */
  shards?: ShardRunner;
}

/** What is done with a query once its series are known. */
interface Work<T> {
  /** The part of the plan that needs its series. */
  root(plan: Plan): Expr;
  shard?: { index: number; count: number };
  run(evaluation: { plan: Plan; context: Context; source: string; began: number }): Promise<T>;
}

function checkRangeType(expr: Expr): void {
  const type = typeOf(expr);
  if (type === "vector" || type === "scalar") return;
  const got = type === "matrix" ? "range vector" : type;
  throw new QueryError(
    "bad_data",
    `invalid expression type "${got}" for range query, must be Scalar or instant Vector`,
  );
}

interface QueryRange {
  start: number;
  end: number;
  /** 0: an instant query. */
  step: number;
}

export class Engine {
  readonly #parser: ParserOptions;
  readonly #settings: EvaluationSettings;
  readonly #memory: SharedMemory;
  readonly #running = new RunningQueries();
  readonly #expansions = new Expansions();

  constructor(options: EngineOptions = {}) {
    this.#parser = options;
    this.#memory = new SharedMemory(options.maxTotalBytes ?? 2 * 2 ** 30, options.sharedMemory);
    const { defaultSubqueryStepMs = 60_000 } = options;
    this.#settings = {
      lookbackMs: options.lookbackMs || 300_000,
      maxSamples: options.maxSamples ?? 50e6,
      maxBytes: options.maxQueryBytes ?? 2 ** 30,
      timeoutMs: options.timeoutMs ?? 120_000,
      delayedNameRemoval: options.delayedNameRemoval ?? false,
      typeAndUnitLabels: options.typeAndUnitLabels ?? false,
      useStartTimestamps: options.useStartTimestamps ?? false,
      defaultSubqueryStep:
        typeof defaultSubqueryStepMs === "number" ? () => defaultSubqueryStepMs : defaultSubqueryStepMs,
    };
  }

  /** Parses with the engine's own language options. Throws PromqlParseError. */
  parse(query: string): Expr {
    return parseExpr(query, this.#parser);
  }

  /** What is being evaluated now, longest running first. */
  running(): RunningQuery[] {
    return this.#running.list();
  }

  /** Ends a query of `running()` within 50 ms, as "canceled"; false when it is not running any more. */
  cancel(id: number): boolean {
    return this.#running.cancel(id);
  }

  /** Bytes that all queries hold now, those of other threads included. */
  get heldBytes(): number {
    return this.#memory.held + this.#memory.elsewhere;
  }

  /**
   * Lists a query that is evaluated elsewhere: it is seen in `running()`, and `signal` aborts when it is canceled here.
   * `report` takes how far it has got.
   */
  async listed<T>(
    { query, start, end, step }: { query: string; start: number; end: number; step: number },
    signal: AbortSignal | undefined,
    run: (signal: AbortSignal, report: (progress: QueryProgress) => void) => Promise<T>,
  ): Promise<T> {
    using running = this.#running.add({ query, startedAt: Date.now(), start, end, step }, signal);
    let last: QueryProgress = { bytes: 0, samplesRead: 0 };
    running.progress = () => last;
    return await run(running.signal, (progress) => {
      last = progress;
    });
  }

  /** Evaluates at one time (Unix ms). Throws PromqlParseError and QueryError. */
  instant(
    storage: Queryable,
    query: string | Expr,
    timeMs: number,
    options: QueryOptions = {},
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    return this.#run(storage, query, { start: timeMs, end: timeMs, step: 0 }, options, signal);
  }

  /** Evaluates at `startMs`, `startMs + stepMs`, … up to `endMs`; always a matrix. Throws as `instant` does. */
  async range(
    storage: Queryable,
    query: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
    signal?: AbortSignal,
  ): Promise<QueryResult> {
    if (!(stepMs > 0)) {
      throw new QueryError(
        "bad_data",
        "zero or negative query resolution step widths are not accepted. Try a positive integer",
      );
    }
    return this.#run(storage, query, { start: startMs, end: endMs, step: stepMs }, options, signal);
  }

  /**
   * How much work a query is, without doing it: its series are selected, none is read. Of a query that looks at no more
   * than `shortMs` of time not even that, and no series are counted. Throws as `instant` does.
   */
  async estimate(
    storage: Queryable,
    query: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    shortMs = 0,
  ): Promise<QueryCost> {
    const plan = planQuery(typeof query === "string" ? this.parse(query) : query, startMs, endMs, stepMs);
    const times = { start: startMs, end: endMs, step: stepMs, ...this.#settings };
    const { mint, maxt, uses } = planSelection(plan.expr, times);
    const cost: QueryCost = {
      series: 0,
      samples: 0,
      mint,
      maxt,
      spanMs: maxt - mint,
      splittable: splittable(plan).length > 0,
    };
    if (cost.spanMs <= shortMs) return cost;
    using querier = storage.querier(mint, maxt);
    const steps = stepMs > 0 ? Math.max(0, Math.floor((endMs - startMs) / stepMs) + 1) : 1;
    for (const { selector, hints } of uses) {
      const { length } = await querier.select(selector.matchers, hints);
      cost.series += length;
      cost.samples += length * (steps + (hints.end - hints.start) / ASSUMED_INTERVAL_MS);
    }
    return cost;
  }

  /**
   * Evaluates a part of a query for another engine, see ShardRunner. Throws as `instant` does; the storage has to hold what
   * the other engine's holds.
   */
  shard(storage: Queryable, request: ShardRequest, signal?: AbortSignal): Promise<ShardResult> {
    const { query, lookbackMs, timeoutMs, defaultSubqueryStepMs, index, count } = request;
    const options = { lookbackMs, timeoutMs, defaultSubqueryStepMs };
    return this.#evaluate<ShardResult>(storage, query, request, options, signal, {
      root: (plan) => findAggregate(plan, request.pos),
      shard: { index, count },
      run: async ({ plan, context }) => {
        const expr = findAggregate(plan, request.pos);
        return evaluateShard(context, expr, await evaluateVector(expr.expr, context));
      },
    });
  }

  #run(
    storage: Queryable,
    query: string | Expr,
    range: QueryRange,
    options: QueryOptions,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult> {
    return this.#evaluate<QueryResult>(storage, query, range, options, signal, {
      root: ({ expr }) => expr,
      run: async ({ plan, context, source, began }) => {
        const { query: state } = context;
        const prepared = performance.now();
        const { value, sortMs } = await evaluateQuery(plan.expr, context, range.step === 0);
        return {
          value,
          warnings: state.annotations.texts("warning", source),
          infos: state.annotations.texts("info", source),
          stats: {
            totalSamples: state.totalSamples,
            samplesRead: state.samplesRead,
            peakSamples: state.peakSamples,
            peakBytes: state.memory.peak,
            perStep: {
              timestamps: Float64Array.from({ length: context.steps }, (_, i) => context.timeOf(i)),
              samples: state.samplesPerStep,
            },
            preparationMs: prepared - began,
            evaluationMs: performance.now() - prepared - sortMs,
            sortMs,
          },
          ...(state.profiler && { plan: state.profiler.tree(plan, state) }),
        };
      },
    });
  }

  async #evaluate<T>(
    storage: Queryable,
    query: string | Expr,
    range: QueryRange,
    options: QueryOptions,
    signal: AbortSignal | undefined,
    work: Work<T>,
  ): Promise<T> {
    const expr = typeof query === "string" ? this.parse(query) : query;
    const source = typeof query === "string" ? query : sourceOf(query);
    const { start, end, step } = range;
    if (step > 0) checkRangeType(expr);
    const { defaultSubqueryStepMs } = options;
    const settings = { ...this.#settings, lookbackMs: options.lookbackMs || this.#settings.lookbackMs };
    if (defaultSubqueryStepMs) settings.defaultSubqueryStep = () => defaultSubqueryStepMs;
    const began = performance.now();
    using running = this.#running.add({ query: source, startedAt: Date.now(), start, end, step }, signal);
    const plan = planQuery(expr, start, end, step);
    // Without its text a query cannot be sent anywhere.
    const split = options.shards && !work.shard && source !== "" ? splittable(plan) : [];
    const selection = planSelection(work.root(plan), { start, end, step, ...settings }, new Set(split));
    using querier = storage.querier(selection.mint, selection.maxt);
    const deadline = began + (options.timeoutMs ?? settings.timeoutMs);
    using state = this.#state(settings, querier, plan, range, deadline, running.signal);
    state.shard = work.shard;
    if (options.explain) state.profiler = new Profiler();
    running.progress = () => ({ bytes: state.memory.held, samplesRead: state.samplesRead });
    options.watch?.(running.progress);
    state.check();
    const context = new Context(state, start, end, step || 1, true);
    using elsewhere = new ShardedParts(options.shards, context, split, source, range);
    await selectAll(state, selection.uses);
    for (const [i, part] of split.entries()) {
      const merged = mergeShards(context, part, await state.wait(elsewhere.results[i]));
      if (merged) state.provided.set(part, merged);
      else await selectAll(state, planSelection(part, { start, end, step, ...settings }).uses);
    }
    // Awaited here: what the query holds goes when this ends.
    return await work.run({ plan, context, source, began });
  }

  #state(
    settings: EvaluationSettings,
    querier: Querier,
    plan: Plan,
    { start, end, step }: QueryRange,
    deadline: number,
    signal: AbortSignal | undefined,
  ): QueryState {
    const steps = step === 0 ? 1 : Math.max(0, Math.floor((end - start) / step) + 1);
    return new QueryState(settings, querier, plan, steps, deadline, signal, this.#memory, this.#expansions);
  }
}
