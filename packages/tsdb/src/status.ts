/** Cardinality statistics, in the form of /api/v1/status/tsdb. */
import { METRIC_NAME } from "@pharos/model";
import type { BudgetSource } from "./head/budget.ts";
import type { Head } from "./head/head.ts";

export interface HeadStats {
  numSeries: number;
  numLabelPairs: number;
  chunkCount: number;
  minTime: number;
  maxTime: number;
}

export interface NameValue {
  name: string;
  value: number;
}

export interface TsdbStatus {
  headStats: HeadStats;
  seriesCountByMetricName: NameValue[];
  labelValueCountByLabelName: NameValue[];
  memoryInBytesByLabelName: NameValue[];
  seriesCountByLabelValuePair: NameValue[];
  /** Pharos' own: what the head takes, and who brought its series. */
  memory: {
    usedBytes: number;
    reservedBytes: number;
    budgetBytes: number;
    refusedSeries: number;
    sources: BudgetSource[];
  };
}

function top(entries: Iterable<[string, number]>, limit: number): NameValue[] {
  return [...entries]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name, value]) => ({ name, value }));
}

export function headStats(head: Head): HeadStats {
  const empty = head.seriesCount === 0;
  return {
    numSeries: head.seriesCount,
    numLabelPairs: head.store.index.pairCount,
    chunkCount: head.store.chunkCount,
    minTime: empty ? 0 : head.minTime,
    maxTime: empty ? 0 : head.maxTime,
  };
}

export function tsdbStatus(head: Head, limit: number): TsdbStatus {
  const { index } = head.store;
  const names = index.names();
  const pairs: [string, number][] = [];
  const bytes: [string, number][] = [];
  const metrics: [string, number][] = [];
  for (const name of names) {
    let size = 0;
    for (const { value, series, bytes: length } of index.statistics(name)) {
      pairs.push([`${name}=${value}`, series]);
      if (name === METRIC_NAME) metrics.push([value, series]);
      size += length * series;
    }
    bytes.push([name, size]);
  }
  return {
    headStats: headStats(head),
    seriesCountByMetricName: top(metrics, limit),
    labelValueCountByLabelName: top(
      names.map((name) => [name, index.valueCount(name)]),
      limit,
    ),
    memoryInBytesByLabelName: top(bytes, limit),
    seriesCountByLabelValuePair: top(pairs, limit),
    memory: {
      usedBytes: head.budget.used,
      reservedBytes: head.store.reservedBytes,
      budgetBytes: head.budget.limit,
      refusedSeries: head.budget.refused,
      sources: head.budget.sources
        .filter(({ name, refused }) => name !== "" || refused > 0)
        .toSorted((a, b) => b.series - a.series)
        .slice(0, limit)
        .map(({ name, series, growth, refused }) => ({ name, series, growth, refused })),
    },
  };
}
