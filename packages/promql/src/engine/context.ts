/** What the evaluation of one query shares, and the grid of steps that a part of it is evaluated on. */
import type { Querier, SampleBuffer, SeriesList } from "@pharos/model";
import type { VectorSelector } from "../parser/ast.ts";
import { formatExpr } from "../parser/printer.ts";
import { Annotations } from "./annotations.ts";
import { CANCELED, executionError, QueryError } from "./error.ts";
import type { Expansions } from "./expansions.ts";
import { QueryMemory, type SharedMemory } from "./memory.ts";
import type { Profiler } from "./profile.ts";
import { CELL_BYTES, type Row, RowMaker, type SeriesRow, type VectorResult } from "./row.ts";
import { HeldSeries } from "./series.ts";

/** Longest stretch of work between two looks at the event loop, in ms. */
const SLICE_MS = 25;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Rows kept for reuse: enough where rows are folded in one at a time, little where they are large. */
const MAX_SPARE_ROWS = 8;

function tooManySamples(limit: number): QueryError {
  return executionError(
    "query processing would load too many samples into memory in query execution",
    `Select fewer series or a shorter range, or raise --query.max-samples (now ${limit})`,
  );
}

export interface EvaluationSettings {
  lookbackMs: number;
  maxSamples: number;
  /** Bytes. */
  maxBytes: number;
  timeoutMs: number;
  delayedNameRemoval: boolean;
  typeAndUnitLabels: boolean;
  useStartTimestamps: boolean;
  /** Step of a subquery that names none, by its range; both in ms. */
  defaultSubqueryStep(rangeMs: number): number;
}

/** Estimates, in bytes: a series with its labels, and a row beside its cells. */
const SERIES_BYTES = 400;
const ROW_BYTES = 300;
const SAMPLE_BYTES = 16;

export class QueryState implements Disposable {
  readonly settings: EvaluationSettings;
  readonly querier: Querier;
  readonly annotations = new Annotations();
  readonly expansions: Expansions;
  /** Series of each selector of the plan. */
  readonly selections = new Map<VectorSelector, SeriesList>();
  /** Expressions of the plan that give the same at every step. */
  readonly invariants: ReadonlySet<object>;
  /** Selectors whose histograms are read without their buckets. */
  readonly statsOnly: ReadonlySet<object>;
  /** Only the series of this part are read. */
  shard: { index: number; count: number } | undefined;
  /** Results of parts of the plan that came from elsewhere; read once. */
  readonly provided = new Map<object, VectorResult>();
  /** Set where it is to be told what each part took. */
  profiler: Profiler | undefined;
  /** ms in which others had their turn. */
  pausedMs = 0;
  peakSamples = 0;
  totalSamples = 0;
  samplesRead = 0;
  /** Samples looked at for each step of the query itself. */
  readonly samplesPerStep: Float64Array;
  readonly signal: AbortSignal | undefined;
  readonly deadline: number;
  readonly memory: QueryMemory;
  #currentSamples = 0;
  #sliceEnd: number;

  constructor(
    settings: EvaluationSettings,
    querier: Querier,
    plan: { invariants: ReadonlySet<object>; statsOnly: ReadonlySet<object> },
    steps: number,
    deadline: number,
    signal: AbortSignal | undefined,
    shared: SharedMemory,
    expansions: Expansions,
  ) {
    this.expansions = expansions;
    if (steps > settings.maxSamples) throw tooManySamples(settings.maxSamples);
    this.settings = settings;
    this.memory = new QueryMemory(settings.maxBytes, shared, () => this.#narrowing(steps));
    this.querier = querier;
    this.invariants = plan.invariants;
    this.statsOnly = plan.statsOnly;
    this.samplesPerStep = new Float64Array(steps);
    this.signal = signal;
    this.deadline = deadline;
    this.#sliceEnd = performance.now() + SLICE_MS;
  }

  /** Takes samples into memory. Throws QueryError at the limit. */
  hold(samples: number): void {
    this.#currentSamples += samples;
    if (this.#currentSamples > this.settings.maxSamples) {
      throw tooManySamples(this.settings.maxSamples);
    }
    if (this.#currentSamples > this.peakSamples) this.peakSamples = this.#currentSamples;
  }

  release(samples: number): void {
    this.#currentSamples -= samples;
  }

  /** Takes the series of a selector into account, before the first of them is decoded. */
  holdSeries(count: number): void {
    this.memory.reserve(count * SERIES_BYTES);
  }

  /** Takes into account what a buffer that series are decoded into, one after the other, has grown by; its new size. */
  holdBuffer(buffer: SampleBuffer, known: number): number {
    const bytes = buffer.timestamps.length * SAMPLE_BYTES;
    if (bytes > known) this.memory.reserve(bytes - known);
    return Math.max(bytes, known);
  }

  /** What would make the query smaller. */
  #narrowing(steps: number): string {
    const counts = [...this.selections]
      .map(([selector, { length }]) => ({ text: formatExpr(selector), length }))
      .sort((a, b) => b.length - a.length);
    const grid = steps > 1 ? `, or fewer than the ${steps} steps by a shorter range or a longer step` : "";
    if (counts.length === 0) return `Select fewer series${grid}`;
    const [{ text, length }] = counts;
    return `Narrow ${text}, which selects ${length} series${grid}, or sum up before series are kept`;
  }

  /** Counts samples that are only looked at and then forgotten. */
  touch(samples: number): void {
    this.hold(samples);
    this.release(samples);
  }

  /** Gives back everything that is still held. */
  [Symbol.dispose](): void {
    this.release(this.#currentSamples);
    this.memory.release(this.memory.held);
  }

  /** Throws when the time is up or the query was given up. */
  check(): void {
    if (this.signal?.aborted) {
      throw new QueryError("canceled", CANCELED, { cause: this.signal.reason });
    }
    if (performance.now() > this.deadline) {
      throw new QueryError("timeout", "query timed out in expression evaluation");
    }
  }

  /** The value of a promise, unless the time is up or the query is given up first. */
  async wait<T>(promise: Promise<T>): Promise<T> {
    let giveUp: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    const stopped = new Promise<never>((_, reject) => {
      giveUp = () => {
        try {
          this.check();
        } catch (error) {
          reject(error);
          return;
        }
        // Timers count whole milliseconds: one may fire a fraction before the time is up.
        clearTimeout(timer);
        timer = setTimeout(giveUp, Math.min(LONGEST_TIMER_MS, Math.max(0, this.deadline - performance.now()) + 1));
      };
    });
    giveUp();
    this.signal?.addEventListener("abort", giveUp);
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener("abort", giveUp);
    }
  }

  /** True when the event loop should get a turn; `await pause()` then. */
  get isDue(): boolean {
    return performance.now() > this.#sliceEnd;
  }

  async pause(): Promise<void> {
    const began = performance.now();
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.pausedMs += performance.now() - began;
    this.check();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}

export class Context {
  readonly query: QueryState;
  /** Unix ms of the first and the last step. */
  readonly start: number;
  readonly end: number;
  /** ms, at least 1. */
  readonly interval: number;
  readonly steps: number;
  /** The grid is the query's own, not that of a subquery. */
  readonly isOuter: boolean;
  readonly #spareRows: Row[] = [];
  readonly #rows: RowMaker;

  constructor(query: QueryState, start: number, end: number, interval: number, isOuter: boolean) {
    this.query = query;
    this.start = start;
    this.end = end;
    this.interval = interval;
    this.steps = end < start ? 0 : Math.floor((end - start) / interval) + 1;
    // A row takes memory for every step, samples or not.
    if (this.steps > query.settings.maxSamples) throw tooManySamples(query.settings.maxSamples);
    this.isOuter = isOuter;
    this.#rows = new RowMaker(this.steps);
  }

  get annotations(): Annotations {
    return this.query.annotations;
  }

  get delayedNames(): boolean {
    return this.query.settings.delayedNameRemoval;
  }

  timeOf(step: number): number {
    return this.start + step * this.interval;
  }

  /** An empty row. */
  newRow(): Row {
    return this.#spareRows.pop() ?? this.#rows.make();
  }

  /** Takes back a row that its reader is done with. */
  recycle(row: Row): void {
    if (row.steps !== this.steps || this.#spareRows.length >= MAX_SPARE_ROWS) return;
    row.kinds.fill(0);
    row.histograms = undefined;
    this.#spareRows.push(row);
  }

  /** The same query at the first step only. */
  firstStep(): Context {
    return new Context(this.query, this.start, this.start, 1, this.isOuter);
  }

  /** Bytes of a row without histograms. */
  get rowBytes(): number {
    return ROW_BYTES + this.steps * CELL_BYTES;
  }

  /** Counts a row that is kept against the limits. */
  hold(row: Row): void {
    this.#holdBytes(row, this.rowBytes);
    this.#holdSamples(row);
  }

  /** As `hold`, of a row that is yet to be filled: it counts as full. */
  holdFull(row: Row): void {
    this.#holdBytes(row, this.rowBytes);
    this.query.hold(this.steps);
    row.held += this.steps;
  }

  #holdBytes(row: Row, bytes: number): void {
    this.query.memory.reserve(bytes);
    row.bytes += bytes;
  }

  #holdSamples(row: Row): void {
    const samples = row.sampleCount;
    if (row.histograms) this.#holdBytes(row, samples * SAMPLE_BYTES);
    this.query.hold(samples);
    row.held += samples;
  }

  release(row: Row): void {
    this.query.release(row.held);
    this.query.memory.release(row.bytes);
    row.held = row.bytes = 0;
  }

  /** Rows as a vector; a row that was held becomes its reader's business. */
  vectorOf(rows: readonly SeriesRow[]): VectorResult {
    return {
      series: [...rows],
      read: (index) => {
        const { row } = rows[index];
        this.release(row);
        return row;
      },
    };
  }

  /** Reads every row of a vector and holds it, giving the event loop its turns. Rows without samples are left out. */
  async collect(vector: VectorResult): Promise<SeriesRow[]> {
    const out: SeriesRow[] = [];
    const { memory } = this.query;
    const bytes = this.rowBytes;
    await this.forEach(
      vector,
      (row, index) => {
        memory.release(bytes);
        this.hold(row);
        out.push(new HeldSeries(vector.series[index], row));
      },
      // Room for the row before its series is decoded.
      () => memory.reserve(bytes),
      () => memory.release(bytes),
    );
    return out;
  }

  /**
   * Reads the rows of a vector one after the other, giving the event loop its turns. `before` is called ahead of each read,
   * `empty` after one that gave nothing.
   */
  async forEach(
    vector: VectorResult,
    visit: (row: Row, index: number) => void,
    before?: () => void,
    empty?: () => void,
  ): Promise<void> {
    const { query } = this;
    for (let i = 0; i < vector.series.length; i++) {
      if (query.isDue) await query.pause();
      before?.();
      const answer = vector.read(i);
      const row = answer instanceof Promise ? await answer : answer;
      if (row) visit(row, i);
      else empty?.();
    }
  }

  /** Adds to the statistics one sample for each float of a row, `total` in all. */
  countFloats(kinds: Uint8Array, total: number): void {
    this.query.totalSamples += total;
    if (!this.isOuter) return;
    const { samplesPerStep } = this.query;
    // FLOAT is 1.
    for (let i = 0; i < kinds.length; i++) samplesPerStep[i] += kinds[i];
  }

  /** The statistics of the steps of the query itself; undefined on any other grid. */
  get perStep(): Float64Array | undefined {
    return this.isOuter ? this.query.samplesPerStep : undefined;
  }

  /** Adds to the statistics that `samples` samples went into a step. */
  count(step: number, samples: number): void {
    this.query.totalSamples += samples;
    if (this.isOuter) this.query.samplesPerStep[step] += samples;
  }
}
