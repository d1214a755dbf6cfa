/** Finding the series of a query: one querier for all of it, one select for each different selector. */
import type { Matcher, SelectHints, SeriesList } from "@pharos/model";
import type { Expr, VectorSelector } from "../parser/ast.ts";
import { walk } from "../parser/walk.ts";
import type { QueryState } from "./context.ts";
import { QueryError } from "./error.ts";
import { seriesOfShard } from "./shard.ts";

export interface SelectorUse {
  selector: VectorSelector;
  hints: SelectHints;
}

export interface SelectionPlan {
  /** Unix ms that samples are needed from and to; both 0 when nothing is selected. */
  mint: number;
  maxt: number;
  uses: SelectorUse[];
}

interface QueryTimes {
  start: number;
  end: number;
  step: number;
  lookbackMs: number;
  defaultSubqueryStep(rangeMs: number): number;
}

/** Offsets, ranges and the innermost fixed time of the subqueries around a selector. */
function subqueryTimes(path: readonly Expr[]): { offset: number; range: number; timestamp: number | undefined } {
  let offset = 0;
  let range = 0;
  let timestamp: number | undefined;
  for (const node of path) {
    if (node.kind !== "subquery") continue;
    offset += node.offset;
    range += node.range;
    if (node.timestamp !== undefined) {
      // A fixed time makes everything further out irrelevant.
      offset = node.offset;
      range = node.range;
      timestamp = node.timestamp;
    }
  }
  return { offset, range, timestamp };
}

function timeRange(times: QueryTimes, selector: VectorSelector, path: readonly Expr[], range: number) {
  const subquery = subqueryTimes(path);
  let start = subquery.timestamp ?? times.start;
  let end = subquery.timestamp ?? times.end;
  if (selector.timestamp !== undefined) start = end = selector.timestamp;
  else {
    start -= subquery.offset + subquery.range;
    end -= subquery.offset;
  }
  const { lookbackMs } = times;
  // Windows are open on the left: a sample exactly at their beginning is not part of them.
  if (range === 0) start -= lookbackMs - 1;
  else start -= (selector.anchored || selector.smoothed ? range + lookbackMs : range) - 1;
  if (selector.smoothed) end += lookbackMs;
  return { start: start - selector.offset, end: end - selector.offset };
}

/** The function or aggregation nearest around a selector, none across a binary operator. */
function surroundingFunction(path: readonly Expr[]): string {
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (node.kind === "aggregate") return node.op;
    if (node.kind === "call") return node.func.name;
    if (node.kind === "binary") return "";
  }
  return "";
}

/** Of everything in an expression but the parts in `without`, which need no series here. */
export function planSelection(expr: Expr, times: QueryTimes, without?: ReadonlySet<Expr>): SelectionPlan {
  const uses: SelectorUse[] = [];
  let mint = Infinity;
  let maxt = -Infinity;
  walk(expr, (node, path) => {
    if (without?.has(node)) return false;
    if (node.kind === "call" && node.func.name === "info") {
      // The second argument is no selector of its own: info() selects for itself.
      walk(node.args[0], visit, [...path, node]);
      return false;
    }
    return visit(node, path);
  });
  function visit(node: Expr, path: readonly Expr[]): undefined {
    if (node.kind !== "vectorSelector") return;
    const parent = path.at(-1);
    const range = parent?.kind === "matrixSelector" ? parent.range : 0;
    const { start, end } = timeRange(times, node, path, range);
    mint = Math.min(mint, start);
    maxt = Math.max(maxt, end);
    let step = times.step;
    for (const outer of path) {
      if (outer.kind === "subquery") step = outer.step || times.defaultSubqueryStep(outer.range);
    }
    uses.push({ selector: node, hints: { start, end, step, range, func: surroundingFunction(path) } });
  }
  return maxt === -Infinity ? { mint: 0, maxt: 0, uses } : { mint, maxt, uses };
}

function keyOf(matchers: readonly Matcher[]): string {
  return matchers
    .map(({ name, type, value }) => `${name}\0${type}\0${value}`)
    .sort()
    .join("\x01");
}

/** The series that match; what the storage throws becomes a QueryError. */
export async function selectSeries(
  query: QueryState,
  matchers: readonly Matcher[],
  hints: SelectHints,
): Promise<SeriesList> {
  try {
    const answer = query.querier.select(matchers, hints);
    const series = answer instanceof Promise ? await query.wait(answer) : answer;
    query.holdSeries(series.length);
    for (const text of query.querier.warnings ?? []) query.annotations.storage(text);
    return series;
  } catch (error) {
    if (error instanceof QueryError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new QueryError("execution", `expanding series: ${reason}`, { cause: error });
  }
}

/** Selects for all selectors; equal ones share one select with the union of their hints. */
export async function selectAll(query: QueryState, uses: readonly SelectorUse[]): Promise<void> {
  const byKey = new Map<string, { hints: SelectHints; selectors: VectorSelector[] }>();
  for (const { selector, hints } of uses) {
    const key = keyOf(selector.matchers);
    const known = byKey.get(key);
    if (!known) {
      byKey.set(key, { hints: { ...hints }, selectors: [selector] });
      continue;
    }
    known.selectors.push(selector);
    known.hints.start = Math.min(known.hints.start, hints.start);
    known.hints.end = Math.max(known.hints.end, hints.end);
    if (known.hints.func !== hints.func) known.hints.func = "";
    if (known.hints.range !== hints.range) known.hints.range = 0;
  }
  for (const { hints, selectors } of byKey.values()) {
    const all = await selectSeries(query, selectors[0].matchers, hints);
    const series = query.shard ? seriesOfShard(all, query.shard) : all;
    for (const selector of selectors) query.selections.set(selector, series);
    // A select is the storage's work, as long as it takes: somebody may have given up meanwhile.
    if (query.isDue) await query.pause();
    query.check();
  }
}
