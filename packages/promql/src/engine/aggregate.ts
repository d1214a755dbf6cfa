/** Aggregations that make one series a group: sum, avg, min, max, count, group, stddev, stdvar and quantile. */
import type { Labels } from "@pharos/model";
import type { AggregateExpr } from "../parser/ast.ts";
import { type Accumulator, createAccumulator } from "./accumulators.ts";
import type { Context } from "./context.ts";
import { Grouping } from "./labels.ts";
import type { VectorResult } from "./row.ts";

function warnQuantiles(context: Context, expr: AggregateExpr, q: Float64Array): void {
  let [min, max] = [Infinity, -Infinity];
  for (const value of q) {
    if (Number.isNaN(value)) context.annotations.invalidQuantile(value, expr.param!.pos);
    min = Math.min(min, Number.isNaN(value) ? min : value);
    max = Math.max(max, Number.isNaN(value) ? max : value);
  }
  if (max > 1) context.annotations.invalidQuantile(max, expr.param!.pos);
  if (min < 0) context.annotations.invalidQuantile(min, expr.param!.pos);
}

/** The labels of a group; whether its name is to go is known when its rows have been read. */
export interface GroupSeries {
  labels: Labels;
  dropName: boolean;
}

/** The groups of an aggregation with everything folded in; a group without input has no series. */
export async function foldIn(
  context: Context,
  expr: AggregateExpr,
  input: VectorResult,
  param: Float64Array | undefined,
): Promise<{ accumulator: Accumulator; series: (GroupSeries | undefined)[] }> {
  const grouping = new Grouping(expr.grouping, expr.without);
  const { ids, count } = await grouping.assign(context, input);
  const accumulator = createAccumulator(context, expr, count, param);
  const series: (GroupSeries | undefined)[] = new Array(count).fill(undefined);
  await context.forEach(input, (row, i) => {
    const { dropName } = input.series[i];
    const group = ids[i];
    const output = (series[group] ??= { labels: grouping.labelsAt(input, i), dropName: false });
    accumulator.add(group, row, row.histograms ? input.series[i].labels.metricName : "");
    if (dropName && !output.dropName && !row.isEmpty) output.dropName = true;
    if (!accumulator.keepsRows) context.recycle(row);
  });
  return { accumulator, series };
}

/**
 * One output series a group. Inputs are read one at a time and folded in; the row of a group is made when it is asked for,
 * so that a consumer that reads one after the other needs one row only.
 */
export async function aggregate(
  context: Context,
  expr: AggregateExpr,
  input: VectorResult,
  param: Float64Array | undefined,
): Promise<VectorResult> {
  if (expr.op === "quantile") warnQuantiles(context, expr, param!);
  const { accumulator, series } = await foldIn(context, expr, input, param);
  const groups: number[] = [];
  const filled: GroupSeries[] = [];
  for (let group = 0; group < series.length; group++) {
    const one = series[group];
    if (!one) continue;
    groups.push(group);
    filled.push(one);
  }
  return {
    series: filled,
    read: (index) => {
      const row = accumulator.finish(groups[index]);
      if (!row.isEmpty) return row;
      context.recycle(row);
      return undefined;
    },
  };
}
