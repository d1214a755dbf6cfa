/**
 * Takes remote write requests into a storage. A sample that may not go in (too old, out of order, of another value at the same
 * time) is left out and reported; the others of its request are kept. Upstream keeps none of a 1.0 request then, which
 * makes senders lose what was right in it.
 */

import { MAX_SCHEMA, reduceResolution, validateNative } from "@pharos/exposition";
import { snappySize, snappyUnpack } from "@pharos/kit";
import {
  type Appendable,
  AppendResult,
  describeError,
  type FloatHistogram,
  type IntHistogram,
  Labels,
  METRIC_NAME,
  type MetricMetadata,
  UserError,
} from "@pharos/model";
import { readWriteRequest, type WriteVersion, type WrittenSeries } from "./write-request.ts";

/** The finest schema there may be. */
const FINEST_SCHEMA = 52;
/** Bytes a request may have unpacked. */
const MAX_UNPACKED = 256 * 2 ** 20;
const SOURCE = "(remote write)";

export interface WriteOutcome {
  samples: number;
  histograms: number;
  exemplars: number;
  /** Why something was left out, the first ones; empty when everything is in. */
  refusals: string[];
  refused: number;
  /** Samples and histograms of series whose labels may not be. */
  invalidLabels: number;
  /** Samples and histograms that came without metadata. */
  bare: number;
}

export interface ReceiveOptions {
  /** Samples after this are out of bounds, Unix ms. */
  maxTime?: number;
  /** Type and unit of 2.0's metadata become labels. */
  typeAndUnitLabels?: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  [AppendResult.outOfOrder]: "out of order sample",
  [AppendResult.outOfBounds]: "out of bounds",
  [AppendResult.tooOld]: "too old sample",
  [AppendResult.duplicate]: "duplicate sample for timestamp",
  [AppendResult.unknownSeries]: "the series was refused: the memory budget is used up",
  [AppendResult.overBudget]: "the series was refused: the memory budget is used up",
};
const TOO_FAR = "out of bounds: timestamp is too far in the future";
/** Refusals that are told one by one. */
const TOLD = 5;

/**
 * The version a request's content type names; undefined when it is none that is known. Without parameters it is 1.0, as
 * before there were two.
 */
export function writeVersion(contentType: string): WriteVersion | undefined {
  const [type, ...parameters] = contentType.split(";").map((part) => part.trim());
  if (type !== "application/x-protobuf") return undefined;
  for (const parameter of parameters) {
    const [name, value] = parameter.split("=").map((part) => part.trim());
    if (name.toLowerCase() !== "proto") continue;
    if (value === "prometheus.WriteRequest") return 1;
    return value === "io.prometheus.write.v2.Request" ? 2 : undefined;
  }
  return 1;
}

/** Unpacks a request's body. Throws a UserError when it is not snappy, or too large. */
export function unpackRequest(body: Buffer): Buffer {
  try {
    const size = snappySize(body);
    if (size > MAX_UNPACKED || size > 64 * body.length) throw new Error(`${size} bytes unpacked are too many`);
    const out = Buffer.allocUnsafe(size);
    snappyUnpack(body, out);
    return out;
  } catch (error) {
    throw new UserError("remote.snappy", `the body cannot be unpacked: ${describeError(error)}`, {
      fix: "Send it in snappy's block format",
      cause: error,
    });
  }
}

/**
 * Appends a request in one transaction; start timestamps of 2.0 go along.
 * Throws when it cannot be read, or not be stored: nothing of it is kept then.
 */
export function receiveWrite(
  storage: Appendable,
  request: Buffer,
  version: WriteVersion,
  options: ReceiveOptions = {},
): WriteOutcome {
  const { maxTime = Number.POSITIVE_INFINITY, typeAndUnitLabels = false } = options;
  const outcome: WriteOutcome = {
    samples: 0,
    histograms: 0,
    exemplars: 0,
    refusals: [],
    refused: 0,
    invalidLabels: 0,
    bare: 0,
  };
  const appender = storage.appender(SOURCE);
  const refuse = (why: string, labels: string): void => {
    outcome.refused++;
    if (outcome.refusals.length < TOLD) outcome.refusals.push(`${why}: ${labels}`);
  };
  try {
    for (const series of readWriteRequest(request, version)) {
      if (typeAndUnitLabels && series.metadata) addTypeAndUnit(series.labels, series.metadata);
      const labels = checkLabels(series, refuse);
      if (!labels) {
        outcome.invalidLabels += series.samples.length + series.histograms.length;
        continue;
      }
      if (version === 2 && series.samples.length + series.histograms.length === 0) {
        refuse("TimeSeries must contain at least one sample or histogram for series", String(labels));
        continue;
      }
      const ref = appender.series(labels);
      if (ref === 0) {
        refuse(REASONS[AppendResult.overBudget], String(labels));
        continue;
      }
      const take = (result: AppendResult, time: number): boolean => {
        if (result === AppendResult.ok) return true;
        refuse(REASONS[result], `${labels} at ${time}`);
        return false;
      };
      const before = outcome.samples + outcome.histograms;
      for (const { timestamp, value, stale, start } of series.samples) {
        if (timestamp > maxTime) {
          refuse(TOO_FAR, `${labels} at ${timestamp}`);
          continue;
        }
        if (start > 0 || series.created > 0) appender.appendStartTimestamp(ref, timestamp, start || series.created);
        const result = stale ? appender.appendStale(ref, timestamp) : appender.append(ref, timestamp, value);
        if (take(result, timestamp)) outcome.samples++;
      }
      for (const { timestamp, histogram: sent, start } of series.histograms) {
        const histogram = coarse(sent);
        const problem = timestamp > maxTime ? TOO_FAR : histogram.stale ? undefined : invalid(histogram);
        if (start > 0 || series.created > 0) appender.appendStartTimestamp(ref, timestamp, start || series.created);
        if (problem) refuse(problem, `${labels} at ${timestamp}`);
        else if (take(appender.appendHistogram(ref, timestamp, histogram), timestamp)) outcome.histograms++;
      }
      // Exemplars out of order are left out in silence, as upstream does: senders repeat them.
      for (const { labels: own, value, timestamp } of series.exemplars) {
        const result = appender.appendExemplar(ref, { labels: Labels.fromEntries(own), value, timestamp });
        if (result === AppendResult.ok) outcome.exemplars++;
      }
      if (series.metadata) appender.updateMetadata(ref, series.metadata);
      else outcome.bare += outcome.samples + outcome.histograms - before;
    }
  } catch (error) {
    appender.rollback();
    throw error;
  }
  appender.commit();
  return outcome;
}

/** Schemas beyond those that are stored come down to the finest of them. */
function coarse(histogram: IntHistogram | FloatHistogram): IntHistogram | FloatHistogram {
  const { kind, schema, positiveSpans, negativeSpans } = histogram;
  if (schema <= MAX_SCHEMA || schema > FINEST_SCHEMA) return histogram;
  const counts =
    kind === "int"
      ? [histogram.positiveDeltas.length, histogram.negativeDeltas.length]
      : [histogram.positiveBuckets.length, histogram.negativeBuckets.length];
  // One whose spans and buckets disagree is refused as it is.
  const fits = [positiveSpans, negativeSpans].every(
    (spans, i) => spans.reduce((sum, { length }) => sum + length, 0) === counts[i],
  );
  return fits ? reduceResolution(histogram, MAX_SCHEMA) : histogram;
}

/** In place of labels of these names that were sent. */
function addTypeAndUnit(labels: [string, string][], { type, unit }: MetricMetadata): void {
  if (type === "unknown" && unit === "") return;
  const others = labels.filter(([name]) => name !== "__type__" && name !== "__unit__");
  labels.splice(0, labels.length, ...others);
  if (type !== "unknown") labels.push(["__type__", type]);
  if (unit !== "") labels.push(["__unit__", unit]);
}

function invalid(histogram: Parameters<typeof validateNative>[0]): string | undefined {
  try {
    validateNative(histogram);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

function checkLabels(series: WrittenSeries, refuse: (why: string, labels: string) => void): Labels | undefined {
  const { labels, problem } = series;
  if (problem !== undefined) {
    refuse("the series cannot be read", problem);
    return undefined;
  }
  const names = new Set(labels.map(([name]) => name));
  const text = (): string => String(Labels.fromEntries(labels));
  if (names.size < labels.length) refuse("duplicate label names", text());
  else if (names.has("")) refuse("empty label name", text());
  else {
    const set = Labels.fromEntries(labels);
    if (set.has(METRIC_NAME)) return set;
    refuse("no metric name", text());
  }
  return undefined;
}
