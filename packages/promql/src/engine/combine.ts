/** Combining the histograms of a window, with the annotations that this may call for. */
import type { FloatHistogram } from "@pharos/model";
import { type CombinedHistogram, IncompatibleSchemas } from "../histogram/algebra.ts";
import type { Window } from "./window.ts";

/** The combination; undefined, with the warning recorded, when exponential meets custom buckets. */
export function combineInWindow(
  { context, metricName, position }: Window,
  operation: "addition" | "subtraction",
  run: () => CombinedHistogram,
): FloatHistogram | undefined {
  try {
    const { histogram, boundsReconciled } = run();
    if (boundsReconciled) context.annotations.customBucketsReconciled(operation, position);
    return histogram;
  } catch (error) {
    if (!(error instanceof IncompatibleSchemas)) throw error;
    context.annotations.mixedExponentialCustom(metricName, position);
    return undefined;
  }
}
