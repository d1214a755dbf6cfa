/** What a block is full of: churn and cardinality, counted as `promtool tsdb analyze` counts them. */
import { type Matcher, METRIC_NAME } from "@pharos/model";
import { selectPostings } from "../postings/select.ts";
import { type NameValue, Top } from "../status.ts";
import type { Block } from "./block.ts";

export interface BlockAnalysis {
  ulid: string;
  /** Unix ms, the end exclusive. */
  minTime: number;
  maxTime: number;
  /** In the block, and of them those that were looked at. */
  totalSeries: number;
  matchedSeries: number;
  labelNames: number;
  /** Different pairs of name and value, and how often one occurs in a series. */
  labelPairs: number;
  labelPairEntries: number;
  /** How many series' worth of the block's time is not covered by the series with them. */
  churnByPair: NameValue[];
  churnByName: NameValue[];
  seriesByPair: NameValue[];
  /** Bytes of all values of a label. */
  valueBytesByName: NameValue[];
  valuesByName: NameValue[];
  seriesByMetric: NameValue[];
}

/** Looks at all series of a block, or at those that matchers select; every list has at most `limit` entries, largest first. */
export function analyzeBlock(block: Block, limit: number, matchers: readonly Matcher[] = []): BlockAnalysis {
  const { meta, index } = block;
  const range = meta.maxTime - meta.minTime;
  /** By name and value: series, and ms that they do not cover. */
  const names = new Map<string, Map<string, { series: number; uncovered: number }>>();
  const refs = matchers.length > 0 ? selectPostings(index, matchers) : index.all();
  for (const ref of refs) {
    const { labels, chunks } = index.series(ref);
    const uncovered = chunks.length > 0 ? range - (chunks[chunks.length - 1].maxt - chunks[0].mint) : range;
    for (const [name, value] of labels) {
      let values = names.get(name);
      if (!values) names.set(name, (values = new Map()));
      const known = values.get(value);
      if (known) {
        known.series++;
        known.uncovered += uncovered;
      } else values.set(value, { series: 1, uncovered });
    }
  }
  const list = (): Top<string> => new Top(limit, (text) => text);
  const lists = {
    churnByPair: list(),
    churnByName: list(),
    seriesByPair: list(),
    valueBytesByName: list(),
    valuesByName: list(),
    seriesByMetric: list(),
  };
  let labelPairs = 0;
  let labelPairEntries = 0;
  for (const [name, values] of names) {
    let bytes = 0;
    let missing = 0;
    for (const [value, { series, uncovered }] of values) {
      bytes += Buffer.byteLength(value);
      missing += uncovered;
      labelPairEntries += series;
      lists.churnByPair.add(`${name}=${value}`, Math.floor(uncovered / range));
      lists.seriesByPair.add(`${name}=${value}`, series);
      if (name === METRIC_NAME) lists.seriesByMetric.add(value, series);
    }
    labelPairs += values.size;
    lists.churnByName.add(name, Math.floor(missing / range));
    lists.valueBytesByName.add(name, bytes);
    lists.valuesByName.add(name, values.size);
  }
  return {
    ulid: meta.ulid,
    minTime: meta.minTime,
    maxTime: meta.maxTime,
    totalSeries: meta.stats.numSeries ?? index.all().length,
    matchedSeries: refs.length,
    labelNames: names.size,
    labelPairs,
    labelPairEntries,
    churnByPair: lists.churnByPair.entries(),
    churnByName: lists.churnByName.entries(),
    seriesByPair: lists.seriesByPair.entries(),
    valueBytesByName: lists.valueBytesByName.entries(),
    valuesByName: lists.valuesByName.entries(),
    seriesByMetric: lists.seriesByMetric.entries(),
  };
}
