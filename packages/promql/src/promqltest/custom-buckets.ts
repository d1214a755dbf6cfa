/** Classic histograms as native ones with custom bucket bounds, as scraping with conversion stores them. */
import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogram, type Labels } from "@pharos/model";
import { compactHistogram } from "../histogram/algebra.ts";
import type { StoredSample } from "./memory-storage.ts";

interface Collected {
  /** Cumulative counts by bound. */
  buckets: Map<number, number>;
  count: number | undefined;
  sum: number;
}

export interface ClassicSeries {
  labels: Labels;
  samples: readonly StoredSample[];
}

/** The native histograms that the `_bucket`, `_count` and `_sum` series among these make. */
export function convertClassicHistograms(
  series: readonly ClassicSeries[],
): { labels: Labels; samples: StoredSample[] }[] {
  const groups = new Map<string, { labels: Labels; byTime: Map<number, Collected> }>();
  for (const { labels, samples } of series) {
    const match = /^(.*)_(bucket|count|sum)$/.exec(labels.metricName);
    if (!match) continue;
    const [, name, part] = match;
    const bound = Number(labels.get("le").replace("+Inf", "Infinity").replace(/^$/, "NaN"));
    if (part === "bucket" && Number.isNaN(bound)) continue;
    const base = labels.with("__name__", name).with("le", "");
    const key = base.key();
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { labels: base, byTime: new Map() }));
    for (const { t, value, histogram, stale } of samples) {
      if (histogram || stale) continue;
      let collected = group.byTime.get(t);
      if (!collected) group.byTime.set(t, (collected = { buckets: new Map(), count: undefined, sum: 0 }));
      if (part === "count") collected.count = value;
      else if (part === "sum") collected.sum = value;
      else collected.buckets.set(bound, value);
    }
  }
  return [...groups.values()].map(({ labels, byTime }) => ({
    labels,
    samples: [...byTime]
      .sort(([a], [b]) => a - b)
      .map(([t, collected]) => ({ t, value: 0, histogram: convert(collected) })),
  }));
}

function convert({ buckets, count, sum }: Collected): FloatHistogram {
  const sorted = [...buckets].sort(([a], [b]) => a - b);
  const total = count ?? sorted.at(-1)?.[1] ?? 0;
  if (sorted.at(-1)?.[0] !== Infinity) sorted.push([Infinity, total]);
  let previous = 0;
  const positiveBuckets = sorted.map(([, cumulative]) => {
    const own = cumulative - previous;
    previous = cumulative;
    return own;
  });
  return compactHistogram({
    kind: "float",
    counterResetHint: "unknown",
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum,
    positiveSpans: [{ offset: 0, length: sorted.length }],
    positiveBuckets,
    negativeSpans: [],
    negativeBuckets: [],
    customValues: sorted.slice(0, -1).map(([bound]) => bound),
  });
}
