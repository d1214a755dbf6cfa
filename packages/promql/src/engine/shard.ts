/**
 * One query on several cores: an aggregation whose operand treats each series by itself is evaluated in parts, each over the
 * series that a hash assigns to it, and the parts' groups are put together.
 *
 * What can be split: sum, avg, count, group, min and max over a single selector under functions, signs and operations with
 * scalars that do not depend on series. The hash leaves the metric name out, so that series that become the same when
 * their names go meet in one part. count, group, min and max are then exact; sums are compensated within and between parts,
 * so that they differ from those of one core by less than their own rounding. A part that meets histograms, or a mean whose
 * sum overflows, says that it cannot be split, and the query is evaluated in one.
 */
import { type LabelColumn, type LabelColumns, Labels, type SeriesList } from "@pharos/model";
import { DATE_FUNCTIONS } from "../functions/dates.ts";
import { FLOAT_FUNCTIONS } from "../functions/elementwise.ts";
import { RANGE_FUNCTIONS } from "../functions/range-functions.ts";
import type { AggregateExpr, Expr, Position } from "../parser/ast.ts";
import { isSetOp, typeOf } from "../parser/ast.ts";
import { walk } from "../parser/walk.ts";
import { createAccumulator } from "./accumulators.ts";
import { foldIn, type GroupSeries } from "./aggregate.ts";
import type { Annotation } from "./annotations.ts";
import type { Context } from "./context.ts";
import { KeyTable } from "./key-table.ts";

import type { Plan } from "./plan.ts";
import type { VectorResult } from "./row.ts";
import { dropMetadata, METADATA } from "./series.ts";

/** What a part is asked; plain data. Times in ms, `step` 0 is an instant query. */
export interface ShardRequest {
  query: string;
  start: number;
  end: number;
  step: number;
  lookbackMs: number;
  /** Step of a subquery that names none. */
  defaultSubqueryStepMs: number;
  /** ms that are left. */
  timeoutMs: number;
  /** Of the aggregation within the query. */
  pos: Position;
  /** Part `index` of `count`. */
  index: number;
  count: number;
}

/** The groups of a part: cells of all steps, group after group. Plain data with three transferable buffers of numbers. */
export interface ShardResult {
  /** False: this is not to be split, and nothing else here counts. */
  sound: boolean;
  /** Of each group the pairs of its labels, and whether its name is to be dropped. */
  labels: (readonly string[])[];
  dropNames: boolean[];
  first: Float64Array;
  second: Float64Array;
  count: Float64Array;
  seen: Uint8Array;
  annotations: Annotation[];
  totalSamples: number;
  samplesRead: number;
  samplesPerStep: Float64Array;
}

/** Where parts are evaluated: `count` of them at a time. */
export interface ShardRunner {
  readonly count: number;
  run(request: ShardRequest, signal: AbortSignal): Promise<ShardResult>;
}

const SPLITTABLE: ReadonlySet<string> = new Set(["sum", "avg", "count", "group", "min", "max"]);
const ELEMENTWISE: ReadonlySet<string> = new Set([
  ...FLOAT_FUNCTIONS.keys(),
  ...DATE_FUNCTIONS.keys(),
  ...["clamp", "clamp_min", "clamp_max", "round", "timestamp"],
]);

/** A scalar that no series has a part in. */
function isFree(expr: Expr): boolean {
  switch (expr.kind) {
    case "number":
      return true;
    case "paren":
    case "unary":
      return isFree(expr.expr);
    case "binary":
      return isFree(expr.lhs) && isFree(expr.rhs);
    case "call":
      return (expr.func.name === "time" || expr.func.name === "pi") && expr.args.length === 0;
    default:
      return false;
  }
}

/** Whether each series of the result comes of one selected series and of nothing else. */
function isPerSeries(expr: Expr): boolean {
  switch (expr.kind) {
    case "vectorSelector":
    case "matrixSelector":
      return true;
    case "paren":
    case "unary":
    case "subquery":
      return isPerSeries(expr.expr);
    case "binary": {
      if (isSetOp(expr.op)) return false;
      if (typeOf(expr.lhs) === "scalar") return isFree(expr.lhs) && isPerSeries(expr.rhs);
      return typeOf(expr.rhs) === "scalar" && isFree(expr.rhs) && isPerSeries(expr.lhs);
    }
    case "call": {
      const { name } = expr.func;
      const ranges = RANGE_FUNCTIONS.has(name) && name !== "absent_over_time";
      if (!ranges && !ELEMENTWISE.has(name)) return false;
      const operands = expr.args.filter((arg) => typeOf(arg) !== "scalar");
      return (
        operands.length === 1 &&
        isPerSeries(operands[0]) &&
        expr.args.every((arg) => arg === operands[0] || isFree(arg))
      );
    }
    default:
      return false;
  }
}

/** The aggregations of a plan that can be split: on the query's own grid, and not hoisted out of it. */
export function splittable(plan: Plan): AggregateExpr[] {
  const out: AggregateExpr[] = [];
  walk(plan.expr, (node, path) => {
    if (node.kind === "subquery" || plan.invariants.has(node)) return false;
    if (node.kind !== "aggregate" || !SPLITTABLE.has(node.op) || !isPerSeries(node.expr)) return undefined;
    if (path.some((outer) => plan.invariants.has(outer))) return undefined;
    let hoisted = false;
    walk(node.expr, (inner) => {
      if (plan.invariants.has(inner)) hoisted = true;
      return undefined;
    });
    if (!hoisted) out.push(node);
    return false;
  });
  return out;
}

/** The aggregation that a request is about. */
export function findAggregate(plan: Plan, { start, end }: Position): AggregateExpr {
  const found = splittable(plan).find(({ pos }) => pos.start === start && pos.end === end);
  if (!found) throw new Error(`no aggregation to split at ${start}…${end}`);
  return found;
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a over the code units of a text. */
function hashText(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** What a label adds to the hash of its label set; in the order of names. */
function mix(hash: number, name: number, value: number): number {
  return Math.imul(Math.imul(hash ^ name, FNV_PRIME) ^ value, FNV_PRIME);
}

function placeOf(hash: number, count: number): number {
  return ((hash ^ (hash >>> 16)) >>> 0) % count;
}

/** Hashes of all labels but those that go with the name. */
function hashLabels(labels: Labels): number {
  const { pairs } = dropMetadata(labels);
  let hash = FNV_OFFSET;
  for (let i = 0; i < pairs.length; i += 2) hash = mix(hash, hashText(pairs[i]), hashText(pairs[i + 1]));
  return hash;
}

/** The same for all series at once: a text is hashed once for each different one. */
function hashColumns(columns: LabelColumns, length: number): Int32Array {
  const hashes = new Int32Array(length).fill(FNV_OFFSET);
  for (const name of columns.names()) {
    if (METADATA.has(name)) continue;
    const { numbers, values } = columns.column(name);
    const named = hashText(name);
    const ofValues = Int32Array.from(values, hashText);
    for (let i = 0; i < length; i++) {
      if (numbers[i] !== 0) hashes[i] = mix(hashes[i], named, ofValues[numbers[i]]);
    }
  }
  return hashes;
}

export function seriesOfShard(series: SeriesList, { index, count }: { index: number; count: number }): SeriesList {
  const { labelColumns } = series;
  if (!labelColumns) return series.filter(({ labels }) => placeOf(hashLabels(labels), count) === index);
  const hashes = hashColumns(labelColumns, series.length);
  const places: number[] = [];
  for (let i = 0; i < hashes.length; i++) if (placeOf(hashes[i], count) === index) places.push(i);
  const column = (name: string): LabelColumn => {
    const { numbers, values } = labelColumns.column(name);
    return { numbers: Uint32Array.from(places, (place) => numbers[place]), values };
  };
  return Object.assign(
    places.map((place) => series[place]),
    { labelColumns: { column, names: () => labelColumns.names() } },
  );
}

/** Evaluates a part whose operand is `input`. */
export async function evaluateShard(context: Context, expr: AggregateExpr, input: VectorResult): Promise<ShardResult> {
  const { accumulator, series } = await foldIn(context, expr, input, undefined);
  const { steps, query } = context;
  const groups = [...series.keys()].filter((group) => series[group] !== undefined);
  const cells = groups.length * steps;
  query.memory.reserve(cells * 25);
  const result: ShardResult = {
    sound: true,
    labels: groups.map((group) => series[group]!.labels.pairs),
    dropNames: groups.map((group) => series[group]!.dropName),
    first: new Float64Array(cells),
    second: new Float64Array(cells),
    count: new Float64Array(cells),
    seen: new Uint8Array(cells),
    annotations: query.annotations.entries(),
    totalSamples: query.totalSamples,
    samplesRead: query.samplesRead,
    samplesPerStep: query.samplesPerStep,
  };
  for (const [i, group] of groups.entries()) {
    const state = accumulator.state?.(group);
    if (!state) return { ...result, sound: false };
    const { slab, base } = state;
    const end = base + steps;
    result.first.set(slab.first.subarray(base, end), i * steps);
    result.second.set(slab.second.subarray(base, end), i * steps);
    result.count.set(slab.count.subarray(base, end), i * steps);
    result.seen.set(slab.seen.subarray(base, end), i * steps);
  }
  return result;
}

/** The aggregation put together from its parts; undefined when one of them is not sound. */
export function mergeShards(
  context: Context,
  expr: AggregateExpr,
  parts: readonly ShardResult[],
): VectorResult | undefined {
  if (!parts.every(({ sound }) => sound)) return undefined;
  const { query } = context;
  const table = new KeyTable();
  const series: GroupSeries[] = [];
  const groups = parts.map((part) =>
    part.labels.map((pairs, i) => {
      const labels = Labels.fromSortedPairs(pairs);
      const group = table.keyOf(labels);
      series[group] ??= { labels, dropName: false };
      series[group].dropName ||= part.dropNames[i];
      return group;
    }),
  );
  const accumulator = createAccumulator(context, expr, series.length, undefined);
  for (const [k, part] of parts.entries()) {
    for (const [i, group] of groups[k].entries()) accumulator.absorb!(group, part, i * context.steps);
    query.annotations.take(part.annotations);
    query.totalSamples += part.totalSamples;
    query.samplesRead += part.samplesRead;
    for (const [step, samples] of part.samplesPerStep.entries()) query.samplesPerStep[step] += samples;
  }
  return { series, read: (group) => accumulator.finish(group) };
}

/** The parts of aggregations on their way elsewhere; they end when the query does. */
export class ShardedParts implements Disposable {
  /** By aggregation. */
  readonly results: Promise<ShardResult[]>[];
  readonly #controller = new AbortController();

  constructor(
    runner: ShardRunner | undefined,
    { query }: Context,
    aggregates: readonly AggregateExpr[],
    source: string,
    { start, end, step }: { start: number; end: number; step: number },
  ) {
    const { lookbackMs } = query.settings;
    const defaultSubqueryStepMs = query.settings.defaultSubqueryStep(0);
    const timeoutMs = Math.max(0, query.deadline - performance.now());
    const count = runner?.count ?? 0;
    const request = { query: source, start, end, step, lookbackMs, defaultSubqueryStepMs, timeoutMs, count };
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
