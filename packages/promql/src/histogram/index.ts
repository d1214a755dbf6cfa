export { addHistograms, compactHistogram, equalHistograms, subtractHistograms } from "./algebra.ts";
export { type HistogramBucket, histogramBuckets } from "./buckets.ts";
export { formatHistogram, formatHistogramNotation } from "./format.ts";
export { histogramFraction, histogramQuantile } from "./quantile.ts";
