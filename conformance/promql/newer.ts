/**
 * What Pharos does as Prometheus 3.14 does it and Prometheus 3.5, the peer, does not yet; and what no Prometheus does twice
 * in the same way. A difference that one of these explains is counted apart.
 */

export interface NewerBehaviour {
  /** What changed since 3.5. */
  reason: string;
  /** Only with metric names kept to the end. */
  delayedNames?: true;
  query?: RegExp;
  /** The text of the difference. */
  difference?: RegExp;
}

export const NEWER: readonly NewerBehaviour[] = [
  { reason: "mad_over_time of a window with a NaN is NaN", query: /mad_over_time/ },
  {
    reason: "a NaN parameter of topk, bottomk, limitk and limit_ratio has an error text of its own, even without input",
    query: /(topk|bottomk|limitk|limit_ratio)/,
    difference: /(Parameter|Ratio) value is NaN/,
  },
  {
    reason: "histogram_fraction takes the first bucket of a classic histogram to begin at zero",
    query: /histogram_fraction\(.*latency_bucket|histogram_fraction\(.*odd_bucket/,
  },
  {
    reason: "a comparison counts pairs that it drops when it looks for ambiguous matches",
    query: /[<>=!]=?/,
    difference: /error only here: multiple matches for labels/,
  },
  {
    reason:
      "functions over counts and sums alone do not look at buckets, so that resets of gauges are not seen in them",
    query: /histogram_(count|sum|avg)\(.*(native_gauge|mixture|native_float|native|custom)/,
    difference: /peer (?!\{)|only here|missing/,
  },
  {
    reason: "histograms with different custom buckets are reconciled",
    query: /mixture|custom/,
    difference: /mismatched custom buckets|incompatible (custom buckets|bucket layout)|only here|is missing/,
  },
  {
    // Counted, they are more series than were left by dropping them.
    reason: "histograms with different custom buckets are reconciled",
    query: /\bcount\b.*(rate|increase|delta)\((mixture|custom)/,
    difference: /peer \d+$/,
  },
  {
    reason: "rates of histograms are not extrapolated below zero",
    query: /(rate|increase)\(.*(native|custom|mixture|latency)/,
    difference: /peer \{/,
  },
  {
    // The factor is another one, and with it the last bit that decides which bucket a rank falls into.
    reason: "rates of histograms are not extrapolated below zero",
    query: /histogram_quantile.*(rate|increase)\(.*(native|custom|mixture|latency)/,
    difference: /peer -?[\d.NI]/,
  },
  {
    reason: "a negative multiple of a histogram is a gauge",
    query: /-/,
    difference: /annotation (only here|missing): .*not a (counter|gauge)/,
  },
  {
    reason: "quantile() warns about its parameter even without input",
    query: /quantile /,
    difference: /annotation only here: PromQL warning: quantile value should be/,
  },
  {
    reason: "sums and averages of histograms are compensated for rounding, and so survive infinities",
    query: /(sum|avg)(_over_time\(| ).*(native|custom|mixture)/,
    difference: /peer \{"count":/,
  },
  {
    reason: "timestamp() of a selector with @ and offset in a range query",
    query: /timestamp\(.* @ /,
    difference: /only here|peer 17/,
  },
  {
    reason: "subqueries of histograms: 3.5 answers a step differently in a longer range query",
    query: /\(.*(native|custom|mixture).*\[[^\]]*:/,
    difference: /peer \{|peer \d+$/,
  },
  {
    reason: "a duration that is not finite is an error",
    difference: /duration is NaN or infinite/,
  },
  {
    reason: "an aggregation whose parameter varies is not evaluated once for all steps",
    query: /(quantile|topk|bottomk|limitk|limit_ratio).*\(scalar\(.* @ /,
  },
  {
    reason: "a duration in parentheses with a sign is the whole offset",
    query: /offset -\([^)]*\) [-+*/%^]/,
  },
  {
    reason: "durations know more functions, which error texts name",
    difference: /expected number, duration, step\(\), or range\(\)/,
  },
  {
    reason: "a name that is to be dropped goes through info() and subqueries as such",
    delayedNames: true,
    query: /info\(|last_over_time\(/,
    difference: /only here|is missing/,
  },
  {
    reason: "series that become the same when their names go are joined where they do not overlap",
    delayedNames: true,
    difference: /error missing: vector cannot contain metrics with the same labelset/,
  },
  {
    reason: "info() goes by labels, not by the places of series, which differ where some have no sample",
    query: /info\(/,
    difference: /only here|is missing/,
  },
  {
    reason: "3.5 breaks over some histograms in long subqueries",
    difference: /error missing: unexpected error: runtime error/,
  },
  {
    reason: "every incompatible pair of a step is told of, not the last one only",
    difference: /annotation only here: .*incompatible/,
  },
  {
    reason: "quantiles of compensated sums with negative buckets",
    query: /histogram_(quantile|fraction|stddev|stdvar).*(sum|avg).*delta\(/,
    difference: /peer -?[\d.NI]/,
  },
  {
    reason: "label_replace, label_join and the sign join series that become the same where they do not overlap",
    query: /label_(replace|join)\(|-/,
    difference: /error missing: vector cannot contain metrics with the same labelset/,
  },
  {
    reason: "subnormal numbers have their own logarithm; Go's assembly takes them for the smallest normal one",
    query: /\b(ln|log2|log10)\(.*extreme/,
    difference: /peer -(709|307|102)/,
  },
  {
    reason: "sorting in a range query is warned about",
    query: /sort/,
    difference: /annotation only here: PromQL warning: sort is ineffective/,
  },
  {
    reason: "conflicting counter resets are warned about",
    difference: /annotation only here: PromQL warning: conflicting counter resets/,
  },
];

/** Annotations in the form that 3.5 and 3.14 share. */
export function commonAnnotation(text: string, query: string): string {
  let out = text
    // Newer: the buckets, difference and times of what was forced.
    .replace(/, from buckets .* to \S+Z(?= \()/, "")
    // Newer: no name where it is about to be dropped.
    .replace(
      /(monotonicity .*|mix of classic and native histograms|malformed value of "[^"]*") for metric name "[^"]*"/,
      "$1",
    );
  // 3.5 loses the position of a subquery and does not take parentheses off.
  if (/[[:]|[(,] ?\(/.test(query)) out = out.replace(/ \(\d+:\d+\)$/, "");
  return out;
}

/**
 * Error texts without what upstream leaves to chance or lost: which of several duplicates is named first, and where in a
 * query a label stands in both clauses.
 */
export function commonError(text: string): string {
  return text
    .replace(/(found duplicate series for) .* on the (left|right) (.*): \[.*\];/, "$1 … on the $2 $3: […];")
    .replace(/\d+:\d+(: parse error: label "\w+" must not occur in ON and GROUP)/, "…$1");
}

/**
 * Whether a query depends on the order of series where upstream has none: among equal values the first ones are kept,
 * and the results of all but selectors come out of a hash map.
 */
export function hasRandomOrder(query: string): boolean {
  return /\b(topk|bottomk|limitk)\b/.test(query);
}

/**
 * The relative difference that is taken as none. Go and JavaScript compute logarithms and the like to the last bit but one,
 * which cancellation may enlarge; deviations depend on the order of their input.
 */
export function toleranceOf(query: string): number {
  if (/stddev|stdvar/.test(query)) return 1e-5;
  // What is left of a division loses as many digits as the quotient has.
  if (/ % .*\b(deriv|predict_linear)\b/.test(query)) return 1e-6;
  return /\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|deg|rad|deriv|predict_linear)\b|\^/.test(query) ? 1e-9 : 1e-12;
}
