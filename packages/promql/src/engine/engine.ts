/** The query engine: plan, select, evaluate. */
import type { FloatHistogram, Labels, Querier, Queryable } from "@pharos/model";
import { Labels as LabelSet, SampleBuffer } from "@pharos/model";
import { type AggregateExpr, type Expr, type MatrixSelector, typeOf } from "../parser/ast.ts";
import { type ParserOptions, parseExpr, sourceOf } from "../parser/parse.ts";
import { Context, type EvaluationSettings, QueryState } from "./context.ts";
import { executionError, QueryError } from "./error.ts";
import { evaluateScalar, evaluateVector } from "./evaluate.ts";
import { extendFloats } from "./extended.ts";
import { dropMetadata, mergeRows } from "./labels.ts";
import { SharedMemory } from "./memory.ts";
import { type Plan, planQuery, withoutParens } from "./plan.ts";
import { type PlanNode, Profiler } from "./profile.ts";
import { subqueryContext } from "./range-selector.ts";
import { HISTOGRAM, NOTHING, Row, type SeriesRow } from "./row.ts";
import { RunningQueries, type RunningQuery } from "./running.ts";
import { planSelection, selectAll } from "./select.ts";
import {
  evaluateShard,
  findAggregate,
  mergeShards,
  type ShardRequest,
  type ShardResult,
  type ShardRunner,
  splittable,
} from "./shard.ts";
import { Window } from "./window.ts";

export interface VectorSample {
  labels: Labels;
  /** Unix ms. */
  t: number;
  v: number;
  h?: FloatHistogram;
}

export interface MatrixSeries {
  labels: Labels;
  /** Unix ms, ascending. */
  timestamps: Float64Array;
  values: Float64Array;
  /** Row by row, undefined where the sample is a float; absent when there is none. */
  histograms?: (FloatHistogram | undefined)[];
}

export type QueryValue =
  | { type: "scalar"; t: number; v: number }
  | { type: "string"; t: number; s: string }
  | { type: "vector"; samples: VectorSample[] }
  | { type: "matrix"; series: MatrixSeries[] };

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
  /** ms from the first to the last sample that may be needed. */
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

/** The parts of aggregations on their way elsewhere; they end when the query does. */
class ShardedParts implements Disposable {
  /** By aggregation. */
  readonly results: Promise<ShardResult[]>[];
  readonly #controller = new AbortController();

  constructor(
    runner: ShardRunner | undefined,
    { query }: Context,
    aggregates: readonly AggregateExpr[],
    source: string,
    { start, end, step }: QueryRange,
  ) {
    const { lookbackMs } = query.settings;
    const timeoutMs = Math.max(0, query.deadline - performance.now());
    const count = runner?.count ?? 0;
    const request = { query: source, start, end, step, lookbackMs, timeoutMs, count };
    this.results = aggregates.map(({ pos }) =>
      Promise.all(
        Array.from({ length: count }, (_, index) => runner!.run({ ...request, pos, index }, this.#controller.signal)),
      ),
    );
    // The query may end for another reason before anybody waits for them.
    for (const result of this.results) result.catch(() => undefined);
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
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

  constructor(options: EngineOptions = {}) {
    this.#parser = options;
    this.#memory = new SharedMemory(options.maxTotalBytes ?? 2 * 2 ** 30);
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

  /** Bytes that all queries hold now. */
  get heldBytes(): number {
    return this.#memory.held;
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
    query: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    shortMs = 0,
  ): Promise<QueryCost> {
    const plan = planQuery(this.parse(query), startMs, endMs, stepMs);
    const times = { start: startMs, end: endMs, step: stepMs, ...this.#settings };
    const { mint, maxt, uses } = planSelection(plan.expr, times);
    const cost: QueryCost = { series: 0, samples: 0, spanMs: maxt - mint, splittable: splittable(plan).length > 0 };
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
    const { query, lookbackMs, timeoutMs, index, count } = request;
    return this.#evaluate<ShardResult>(storage, query, request, { lookbackMs, timeoutMs }, signal, {
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
    const settings = { ...this.#settings, lookbackMs: options.lookbackMs || this.#settings.lookbackMs };
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
    return new QueryState(settings, querier, plan, steps, deadline, signal, this.#memory);
  }
}

async function evaluateQuery(
  expr: Expr,
  context: Context,
  instant: boolean,
): Promise<{ value: QueryValue; sortMs: number }> {
  const type = typeOf(expr);
  const { start: t } = context;
  if (type === "string") {
    const literal = withoutParens(expr);
    return { value: { type: "string", t, s: literal.kind === "string" ? literal.value : "" }, sortMs: 0 };
  }
  if (type === "scalar") {
    const values = await evaluateScalar(expr, context);
    if (instant) return { value: { type: "scalar", t, v: values[0] }, sortMs: 0 };
    const timestamps = Float64Array.from(values, (_, i) => context.timeOf(i));
    const series = values.length === 0 ? [] : [{ labels: LabelSet.empty, timestamps, values }];
    return { value: { type: "matrix", series }, sortMs: 0 };
  }
  if (type === "matrix") return sorted(await evaluateRange(expr, context));
  const rows = removeNames(context, await context.collect(await evaluateVector(expr, context)));
  if (!instant) return sorted(toMatrix(rows, context));
  const samples = rows.map(({ labels, row }): VectorSample => {
    const h = row.histogram(0);
    return h ? { labels, t, v: 0, h } : { labels, t, v: row.values[0] };
  });
  return { value: { type: "vector", samples }, sortMs: 0 };
}

/** Names that were to be kept to the end go now; series that become the same are joined. */
function removeNames(context: Context, rows: SeriesRow[]): SeriesRow[] {
  const filled = rows.filter(({ row }) => !row.isEmpty);
  if (!context.delayedNames) return filled;
  for (const series of filled) if (series.dropName) series.labels = dropMetadata(series.labels);
  return mergeRows(filled);
}

function sorted(series: MatrixSeries[]): { value: QueryValue; sortMs: number } {
  const began = performance.now();
  series.sort((a, b) => a.labels.compare(b.labels));
  return { value: { type: "matrix", series }, sortMs: performance.now() - began };
}

const SAMPLE_BYTES = 16;

/** A row goes as soon as it has become a series: both are never held for all series. */
function toMatrix(rows: SeriesRow[], context: Context): MatrixSeries[] {
  return rows.map((series) => {
    const { row } = series;
    context.query.memory.reserve(row.sampleCount * SAMPLE_BYTES);
    const out = toMatrixSeries(series, context);
    context.release(row);
    series.row = NO_ROW;
    return out;
  });
}

const NO_ROW = new Row(0);

function toMatrixSeries({ labels, row }: SeriesRow, context: Context): MatrixSeries {
  let count = 0;
  for (const kind of row.kinds) if (kind !== NOTHING) count++;
  const timestamps = new Float64Array(count);
  const values = new Float64Array(count);
  let histograms: (FloatHistogram | undefined)[] | undefined;
  let n = 0;
  for (let step = 0; step < row.steps; step++) {
    if (row.kinds[step] === NOTHING) continue;
    timestamps[n] = context.timeOf(step);
    if (row.kinds[step] === HISTOGRAM) (histograms ??= new Array(count).fill(undefined))[n] = row.histograms![step];
    else values[n] = row.values[step];
    n++;
  }
  return histograms ? { labels, timestamps, values, histograms } : { labels, timestamps, values };
}

/** A range selector or a subquery that is the whole query. */
async function evaluateRange(expr: Expr, context: Context): Promise<MatrixSeries[]> {
  if (expr.kind === "paren") return evaluateRange(expr.expr, context);
  if (expr.kind === "matrixSelector") return selectRange(expr, context);
  if (expr.kind !== "subquery") throw new Error(`no range: ${expr.kind}`);
  const inner = subqueryContext(context, expr);
  const rows = removeNames(inner, await inner.collect(await evaluateVector(expr.expr, inner)));
  return toMatrix(rows, inner);
}

async function selectRange({ selector, range, pos }: MatrixSelector, context: Context): Promise<MatrixSeries[]> {
  const { query } = context;
  const { lookbackMs } = query.settings;
  const { anchored, smoothed } = selector;
  const end = (selector.timestamp ?? context.start) - selector.offset;
  const mint = end - range - (anchored || smoothed ? lookbackMs : 0);
  const maxt = end + (smoothed ? lookbackMs : 0);
  const buffer = new SampleBuffer();
  let bufferBytes = 0;
  const out: MatrixSeries[] = [];
  for (const series of query.selections.get(selector)!) {
    if (query.isDue) await query.pause();
    buffer.clear();
    series.read(mint + 1, maxt, buffer);
    bufferBytes = query.holdBuffer(buffer, bufferBytes);
    query.memory.reserve(buffer.length * SAMPLE_BYTES);
    const samples = new SampleBuffer(buffer.length);
    for (let i = 0; i < buffer.length; i++) {
      if (buffer.isStale(i)) continue;
      const histogram = buffer.histograms?.[i];
      if (histogram) samples.pushHistogram(buffer.timestamps[i], histogram);
      else samples.push(buffer.timestamps[i], buffer.values[i]);
    }
    if (samples.length === 0) continue;
    query.hold(samples.length);
    query.samplesRead += samples.length;
    context.count(0, samples.length);
    const { labels } = series;
    if (anchored || smoothed) {
      if (samples.histograms) {
        throw executionError(`${anchored ? "anchored" : "smoothed"} modifier is not supported with histograms`);
      }
      const window = new Window(context, pos);
      window.load(labels, samples, false);
      window.slide(mint, maxt);
      const { timestamps, values } = extendFloats(window, end - range, end, smoothed);
      if (timestamps.length === 0) continue;
      out.push({ labels, timestamps: Float64Array.from(timestamps), values: Float64Array.from(values) });
      continue;
    }
    const { length } = samples;
    const timestamps = samples.timestamps.slice(0, length);
    const values = samples.values.slice(0, length);
    const { histograms } = samples;
    if (histograms) {
      histograms.length = length;
      out.push({ labels, timestamps, values, histograms: Array.from(histograms) });
    } else out.push({ labels, timestamps, values });
  }
  return out;
}
