/** Cardinality statistics, in the form of /api/v1/status/tsdb. */
import { METRIC_NAME } from "@pharos/model";
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
}

function top(entries: Iterable<[string, number]>, limit: number): NameValue[] {
  return [...entries]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([name, value]) => ({ name, value }));
}

export function headStats(head: Head): HeadStats {
  const { postings } = head;
  const empty = head.seriesCount === 0;
  return {
    numSeries: head.seriesCount,
    numLabelPairs: postings.names().reduce((sum, name) => sum + postings.values(name).length, 0),
    chunkCount: head.chunkCount,
    minTime: empty ? 0 : head.minTime,
    maxTime: empty ? 0 : head.maxTime,
  };
}

export function tsdbStatus(head: Head, limit: number): TsdbStatus {
  const { postings } = head;
  const names = postings.names();
  const pairs: [string, number][] = [];
  const bytes: [string, number][] = [];
  for (const name of names) {
    let size = 0;
    for (const [value, count] of postings.counts(name)) {
      pairs.push([`${name}=${value}`, count]);
      size += Buffer.byteLength(value) * count;
    }
    bytes.push([name, size]);
  }
  return {
    headStats: headStats(head),
    seriesCountByMetricName: top(postings.counts(METRIC_NAME), limit),
    labelValueCountByLabelName: top(
      names.map((name) => [name, postings.values(name).length]),
      limit,
    ),
    memoryInBytesByLabelName: top(bytes, limit),
    seriesCountByLabelValuePair: top(pairs, limit),
  };
}
