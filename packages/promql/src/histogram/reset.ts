/** Counter resets of native histograms. */
import type { FloatHistogram } from "@pharos/model";
import { usesCustomBuckets } from "./bounds.ts";
import { coarsen, rebound, type Side, sameBounds, sharedBounds, toSparse, widenZeroBucket } from "./sparse.ts";

/** Whether some bucket of `previous` is not in `current` any more, or holds less there. */
function shrank(current: Side, previous: Side): boolean {
  let c = 0;
  for (let p = 0; p < previous.index.length; p++) {
    while (c < current.index.length && current.index[c] < previous.index[p]) c++;
    if (c === current.index.length || current.index[c] !== previous.index[p]) return true;
    if (current.count[c] < previous.count[p]) return true;
  }
  return false;
}

/** Whether the counter was reset between `previous` and `current`: by hint, or because something went down. */
export function detectReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.counterResetHint === "reset") return true;
  if (current.counterResetHint === "not_reset") return false;
  if (current.count < previous.count) return true;
  const now = toSparse(current);
  const before = toSparse(previous);
  if (usesCustomBuckets(current)) {
    if (!usesCustomBuckets(previous)) return true;
    if (!sameBounds(current.customValues, previous.customValues)) {
      const shared = sharedBounds(current.customValues, previous.customValues);
      rebound(now, shared);
      rebound(before, shared);
    }
    return shrank(now.positive, before.positive);
  }
  // A finer resolution or a narrower zero bucket can only come from a new histogram.
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  widenZeroBucket(before, current.zeroThreshold);
  // The wider zero bucket cuts through a populated bucket of the previous one.
  if (before.zeroThreshold !== current.zeroThreshold) return true;
  if (current.zeroCount < before.zeroCount + before.zeroLost) return true;
  coarsen(before, current.schema);
  return shrank(now.positive, before.positive) || shrank(now.negative, before.negative);
}
