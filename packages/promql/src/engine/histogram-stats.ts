/**
 * Selectors of which only count and sum of native histograms are needed, as in `histogram_count(rate(x[5m]))`: buckets
 * are left out from the beginning. Resets are then found while reading, because later nobody sees the buckets.
 */
import type { FloatHistogram, SampleBuffer } from "@pharos/model";
import { detectReset } from "../histogram/reset.ts";
import type { Expr, VectorSelector } from "../parser/ast.ts";
import { walk } from "../parser/walk.ts";

const STATS_ONLY: ReadonlySet<string> = new Set(["histogram_count", "histogram_sum", "histogram_avg"]);
const WHOLE: ReadonlySet<string> = new Set(["histogram_quantile", "histogram_quantiles", "histogram_fraction"]);

export function statsOnlySelectors(expr: Expr): ReadonlySet<VectorSelector> {
  const out = new Set<VectorSelector>();
  walk(expr, (node, path) => {
    if (node.kind === "vectorSelector" && needsOnlyStats(path)) out.add(node);
    return undefined;
  });
  return out;
}

function needsOnlyStats(path: readonly Expr[]): boolean {
  let statsOnly = false;
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    // Subqueries need the buckets to find resets, trimming and quantiles to work at all.
    if (node.kind === "subquery") return false;
    if (node.kind === "binary" && (node.op === "</" || node.op === ">/")) return false;
    if (node.kind !== "call") continue;
    if (WHOLE.has(node.func.name)) return false;
    if (STATS_ONLY.has(node.func.name)) statsOnly = true;
  }
  return statsOnly;
}

/** Takes the buckets out of the histograms of a buffer, and completes unknown hints. */
export function reduceToStats(buffer: SampleBuffer): void {
  const { histograms, length } = buffer;
  if (!histograms) return;
  let last: FloatHistogram | undefined;
  for (let i = 0; i < length; i++) {
    const current = histograms[i];
    if (!current || current.stale) continue;
    let hint = current.counterResetHint;
    if (hint === "unknown" && last) hint = detectReset(current, last) ? "reset" : "not_reset";
    histograms[i] = {
      kind: "float",
      counterResetHint: hint,
      schema: current.schema,
      zeroThreshold: 0,
      zeroCount: 0,
      count: current.count,
      sum: current.sum,
      positiveSpans: [],
      positiveBuckets: [],
      negativeSpans: [],
      negativeBuckets: [],
      customValues: current.customValues,
    };
    last = { ...current, counterResetHint: hint };
  }
}
