/**
 * Metric families as data: what exporters and self-metrics hand to the writers, and what a strict reader returns.
 * Scraping does not go through this form: it reads lines straight into the database.
 */
import type { Exemplar, FloatHistogram, IntHistogram, MetricType } from "@pharos/model";

/** Labels of one metric as a flat `[name, value, …]` run, in the order to be written. */
export type LabelRun = readonly string[];

interface MetricBase {
  labels: LabelRun;
  /** Unix ms; undefined lets the scraper choose. */
  timestamp?: number;
  /** Start (created) timestamp, Unix ms. */
  startTimestamp?: number;
}

/** A counter, gauge, info, stateset or unknown metric. */
export interface SimpleMetric extends MetricBase {
  value: number;
  exemplar?: Exemplar;
}

export interface HistogramMetric extends MetricBase {
  /** Cumulative counts by upper bound, ascending; the +Inf bucket may be left out, `count` says it. */
  buckets: { upperBound: number; cumulativeCount: number; exemplar?: Exemplar }[];
  count: number;
  sum: number;
  native?: IntHistogram | FloatHistogram;
}

export interface SummaryMetric extends MetricBase {
  quantiles: { quantile: number; value: number }[];
  count: number;
  sum: number;
}

interface FamilyBase {
  /** As in text 0.0.4: a counter's name includes `_total` when it has one. */
  name: string;
  help: string;
  unit?: string;
}

export type MetricFamily =
  | (FamilyBase & { type: Exclude<MetricType, "histogram" | "gaugehistogram" | "summary">; metrics: SimpleMetric[] })
  | (FamilyBase & { type: "histogram" | "gaugehistogram"; metrics: HistogramMetric[] })
  | (FamilyBase & { type: "summary"; metrics: SummaryMetric[] });
