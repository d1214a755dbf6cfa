/** Evaluates the expressions of a plan on a grid of steps. */
import { Labels } from "@pharos/model";
import { civilTime, DATE_FUNCTIONS } from "../functions/dates.ts";
import { FLOAT_FUNCTIONS, greater, HISTOGRAM_FUNCTIONS, lesser } from "../functions/elementwise.ts";
import { multiplyHistogram } from "../histogram/algebra.ts";
import type { AggregateExpr, BinaryExpr, Call, Expr, StringLiteral, UnaryExpr } from "../parser/ast.ts";
import { isSetOp, typeOf } from "../parser/ast.ts";
import { aggregate } from "./aggregate.ts";
import { scalarOp } from "./binary-op.ts";
import { choose, countValues } from "./choose.ts";
import type { Context } from "./context.ts";
import { callHistogramFraction, callHistogramQuantile, callHistogramQuantiles } from "./histogram-call.ts";
import { callInfo } from "./info-call.ts";
import { selectInstant } from "./instant-selector.ts";
import { labelJoin, labelReplace, sortByLabel, sortByValue } from "./label-call.ts";
import { dropMetadata, mergeAfterDrop } from "./labels.ts";
import { withoutParens } from "./plan.ts";
import { absentRow, callOverRange } from "./range-call.ts";
import { isRange, openRange } from "./range-selector.ts";
import { changeRows, EMPTY_VECTOR, FLOAT, HISTOGRAM, NOTHING, Row, type VectorResult } from "./row.ts";
import { namelessSeries } from "./series.ts";
import { setOperation, vectorScalar, vectorVector } from "./vector-binary.ts";

/** An instant vector, at every step of the context. */
export function evaluateVector(expr: Expr, context: Context): Promise<VectorResult> {
  const { profiler } = context.query;
  const run = () => vectorOf(expr, context);
  return profiler && expr.kind !== "paren" ? profiler.vector(expr, context, run) : run();
}

async function vectorOf(expr: Expr, context: Context): Promise<VectorResult> {
  const provided = context.query.provided.get(expr);
  if (provided) return provided;
  if (context.steps > 1 && context.query.invariants.has(expr)) return repeatVector(expr, context);
  switch (expr.kind) {
    case "vectorSelector":
      return selectInstant(context, expr);
    case "paren":
      return evaluateVector(expr.expr, context);
    case "unary":
      return negate(expr, context);
    case "aggregate":
      return evaluateAggregate(expr, context);
    case "binary":
      return evaluateBinary(expr, context);
    case "call":
      return evaluateCall(expr, context);
    default:
      throw new Error(`no instant vector: ${expr.kind}`);
  }
}

/** The result of the first step at all steps. */
async function repeatVector(expr: Expr, context: Context): Promise<VectorResult> {
  const vector = await vectorOf(expr, context.firstStep());
  return changeRows(vector, vector, (single) => {
    if (single.isEmpty) return undefined;
    const row = context.newRow();
    row.kinds.fill(single.kinds[0]);
    row.values.fill(single.values[0]);
    const histogram = single.histogram(0);
    if (histogram) row.histograms = new Array(context.steps).fill(histogram);
    return row;
  });
}

/** A scalar: one value a step. */
export function evaluateScalar(expr: Expr, context: Context): Promise<Float64Array> {
  const { profiler } = context.query;
  const run = () => scalarOf(expr, context);
  return profiler && expr.kind !== "paren" ? profiler.scalar(expr, context, run) : run();
}

async function scalarOf(expr: Expr, context: Context): Promise<Float64Array> {
  const { steps } = context;
  if (steps > 1 && context.query.invariants.has(expr)) {
    return new Float64Array(steps).fill((await scalarOf(expr, context.firstStep()))[0]);
  }
  switch (expr.kind) {
    case "number":
      return new Float64Array(steps).fill(expr.value);
    case "paren":
      return evaluateScalar(expr.expr, context);
    case "unary": {
      const values = await evaluateScalar(expr.expr, context);
      return expr.op === "-" ? values.map((value) => -value) : values;
    }
    case "binary": {
      const a = await evaluateScalar(expr.lhs, context);
      const b = await evaluateScalar(expr.rhs, context);
      return a.map((value, i) => scalarOp(expr.op, value, b[i]));
    }
    case "call":
      return scalarCall(expr, context);
    default:
      throw new Error(`no scalar: ${expr.kind}`);
  }
}

async function scalarCall({ func, args }: Call, context: Context): Promise<Float64Array> {
  const { steps } = context;
  switch (func.name) {
    case "time":
      return Float64Array.from({ length: steps }, (_, i) => context.timeOf(i) / 1000);
    case "pi":
      return new Float64Array(steps).fill(Math.PI);
    case "max_of":
    case "min_of": {
      const [a, b] = [await evaluateScalar(args[0], context), await evaluateScalar(args[1], context)];
      const pick = func.name === "max_of" ? greater : lesser;
      return a.map((value, i) => pick(value, b[i]));
    }
    case "scalar": {
      const out = new Float64Array(steps).fill(Number.NaN);
      const found = new Uint8Array(steps);
      await context.forEach(await evaluateVector(args[0], context), (row) => {
        const { kinds, values } = row;
        for (let i = 0; i < steps; i++) {
          if (kinds[i] !== FLOAT) continue;
          out[i] = found[i] === 0 ? values[i] : Number.NaN;
          found[i] = 1;
        }
        context.recycle(row);
      });
      return out;
    }
    default:
      throw new Error(`no scalar function: ${func.name}`);
  }
}

async function negate({ op, expr }: UnaryExpr, context: Context): Promise<VectorResult> {
  const vector = await evaluateVector(expr, context);
  if (op === "+") return vector;
  const nameless = namelessSeries(vector, context.delayedNames);
  const result = changeRows(nameless, vector, (row) => {
    for (let i = 0; i < row.steps; i++) {
      const histogram = row.histogram(i);
      if (histogram) row.setHistogram(i, multiplyHistogram(histogram, -1));
      else row.values[i] = -row.values[i];
    }
    return row;
  });
  return context.delayedNames ? result : mergeAfterDrop(context, vector, result);
}

async function evaluateAggregate(expr: AggregateExpr, context: Context): Promise<VectorResult> {
  if (expr.op === "count_values") {
    const label = (withoutParens(expr.param!) as StringLiteral).value;
    return countValues(context, expr, await evaluateVector(expr.expr, context), label);
  }
  const param = expr.param && (await evaluateScalar(expr.param, context));
  const input = await evaluateVector(expr.expr, context);
  switch (expr.op) {
    case "topk":
    case "bottomk":
    case "limitk":
    case "limit_ratio":
      return choose(context, expr, input, param!);
    default:
      return aggregate(context, expr, input, param);
  }
}

async function evaluateBinary(expr: BinaryExpr, context: Context): Promise<VectorResult> {
  const { lhs, rhs, op } = expr;
  const left = typeOf(lhs);
  const right = typeOf(rhs);
  if (left === "vector" && right === "vector") {
    const a = await evaluateVector(lhs, context);
    const b = await evaluateVector(rhs, context);
    return isSetOp(op) ? setOperation(context, expr, a, b) : vectorVector(context, expr, a, b);
  }
  if (left === "vector") {
    const vector = await evaluateVector(lhs, context);
    return vectorScalar(context, expr, vector, await evaluateScalar(rhs, context), false);
  }
  const scalar = await evaluateScalar(lhs, context);
  return vectorScalar(context, expr, await evaluateVector(rhs, context), scalar, true);
}

function scalarVector(context: Context, values: Float64Array): VectorResult {
  const row = new Row(context.steps);
  row.kinds.fill(FLOAT);
  row.values.set(values);
  return context.vectorOf([{ labels: Labels.empty, dropName: false, row }]);
}

/** Changes each row in place; the metric name goes. */
function mapRows(
  context: Context,
  vector: VectorResult,
  change: (row: Row) => void,
  dropLabels: (labels: Labels) => Labels = dropMetadata,
): Promise<VectorResult> | VectorResult {
  const nameless = namelessSeries(vector, context.delayedNames, dropLabels);
  const result = changeRows(nameless, vector, (row) => {
    change(row);
    return row;
  });
  return context.delayedNames ? result : mergeAfterDrop(context, vector, result);
}

function mapFloats(f: (value: number, step: number) => number): (row: Row) => void {
  return ({ kinds, values }) => {
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === FLOAT) values[i] = f(values[i], i);
      else kinds[i] = NOTHING;
    }
  };
}

function mapHistograms(f: (histogram: NonNullable<ReturnType<Row["histogram"]>>) => number): (row: Row) => void {
  return (row) => {
    for (let i = 0; i < row.steps; i++) {
      const histogram = row.histogram(i);
      if (histogram) row.setFloat(i, f(histogram));
      else row.kinds[i] = NOTHING;
    }
  };
}

function text(expr: Expr): string {
  return (withoutParens(expr) as StringLiteral).value;
}

async function evaluateCall(call: Call, context: Context): Promise<VectorResult> {
  const { args } = call;
  const { name } = call.func;
  const rangeIndex = args.findIndex(isRange);
  if (rangeIndex >= 0) return rangeCall(call, rangeIndex, context);
  const date = DATE_FUNCTIONS.get(name);
  if (date) {
    if (args.length === 0) {
      const times = Float64Array.from({ length: context.steps }, (_, i) => date(civilTime(context.timeOf(i) / 1000)));
      return scalarVector(context, times);
    }
    return mapRows(
      context,
      await evaluateVector(args[0], context),
      mapFloats((value) => date(civilTime(value))),
    );
  }
  if (name === "vector") return scalarVector(context, await evaluateScalar(args[0], context));
  if (name === "timestamp" || name === "start_timestamp") return timestampCall(call, context);
  if (name.startsWith("histogram_quantile") || name === "histogram_fraction") return histogramCall(call, context);
  const vector = await evaluateVector(args[0], context);
  const float = FLOAT_FUNCTIONS.get(name);
  if (float) return mapRows(context, vector, mapFloats(float));
  const histogram = HISTOGRAM_FUNCTIONS.get(name);
  if (histogram) return mapRows(context, vector, mapHistograms(histogram), (labels) => labels.withoutMetricName());
  switch (name) {
    case "absent":
      return absentRow(context, args[0], vector, false);
    case "clamp":
      return clamp(context, vector, await evaluateScalar(args[1], context), await evaluateScalar(args[2], context));
    case "clamp_max":
      return clamp(context, vector, undefined, await evaluateScalar(args[1], context));
    case "clamp_min":
      return clamp(context, vector, await evaluateScalar(args[1], context), undefined);
    case "round": {
      const nearest = args.length > 1 ? await evaluateScalar(args[1], context) : undefined;
      return mapRows(
        context,
        vector,
        mapFloats((value, i) => {
          // Multiplying by the inverse is more exact than dividing.
          const inverse = 1 / (nearest ? nearest[i] : 1);
          return Math.floor(value * inverse + 0.5) / inverse;
        }),
      );
    }
    case "sort":
    case "sort_desc":
      warnSort(call, context);
      return sortByValue(context, vector, name === "sort_desc");
    case "sort_by_label":
    case "sort_by_label_desc":
      warnSort(call, context);
      return sortByLabel(context, vector, args.slice(1).map(text), name === "sort_by_label_desc");
    case "label_replace":
      return labelReplace(context, vector, args.slice(1).map(text));
    case "label_join":
      return labelJoin(context, vector, args.slice(1).map(text));
    case "info":
      return callInfo(context, call, vector);
    default:
      throw new Error(`function without implementation: ${name}`);
  }
}

function warnSort({ pos }: Call, context: Context): void {
  if (context.steps > 1) context.annotations.sortInRangeQuery(pos);
}

function clamp(
  context: Context,
  vector: VectorResult,
  min: Float64Array | undefined,
  max: Float64Array | undefined,
): Promise<VectorResult> | VectorResult {
  return mapRows(context, vector, ({ kinds, values }) => {
    for (let i = 0; i < kinds.length; i++) {
      const low = min ? min[i] : -Infinity;
      const high = max ? max[i] : Infinity;
      if (kinds[i] === HISTOGRAM || high < low) kinds[i] = NOTHING;
      else values[i] = greater(low, lesser(high, values[i]));
    }
  });
}

/** Of a bare selector the time of its samples, of anything else the evaluation time. */
async function timestampCall(call: Call, context: Context): Promise<VectorResult> {
  const [arg] = call.args;
  const starts = call.func.name === "start_timestamp";
  if (arg.kind === "vectorSelector") {
    if (starts && !context.query.settings.useStartTimestamps) return EMPTY_VECTOR;
    const times = selectInstant(context, arg, starts ? "startTimestamp" : "timestamp");
    return mapRows(context, times, () => undefined);
  }
  const vector = await evaluateVector(arg, context);
  if (starts) return EMPTY_VECTOR;
  return mapRows(context, vector, ({ kinds, values }) => {
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === NOTHING) continue;
      kinds[i] = FLOAT;
      values[i] = context.timeOf(i) / 1000;
    }
  });
}

async function histogramCall({ func, args }: Call, context: Context): Promise<VectorResult> {
  if (func.name === "histogram_quantile") {
    const q = await evaluateScalar(args[0], context);
    const vector = await evaluateVector(args[1], context);
    return callHistogramQuantile(context, q, vector, args[0].pos, args[1].pos);
  }
  if (func.name === "histogram_quantiles") {
    const vector = await evaluateVector(args[0], context);
    const quantiles = [];
    for (const arg of args.slice(2)) quantiles.push({ values: await evaluateScalar(arg, context), pos: arg.pos });
    return callHistogramQuantiles(context, vector, text(args[1]), quantiles, args[0].pos);
  }
  const lower = await evaluateScalar(args[0], context);
  const upper = await evaluateScalar(args[1], context);
  return callHistogramFraction(context, lower, upper, await evaluateVector(args[2], context), args[2].pos);
}

async function rangeCall(call: Call, rangeIndex: number, context: Context): Promise<VectorResult> {
  const range = call.args[rangeIndex];
  if (!isRange(range)) throw new Error("not a range");
  const source = await openRange(context, range, async (expr, inner) => {
    const rows = await inner.collect(await evaluateVector(expr, inner));
    return { series: rows, rows: rows.map(({ row }) => row) };
  });
  const scalars: Float64Array[] = [];
  for (const [i, arg] of call.args.entries()) {
    if (i !== rangeIndex) scalars.push(await evaluateScalar(arg, context));
  }
  return callOverRange(context, call, source, scalars);
}
