/** Comparison of query results with what a promqltest file expects. */
import type { FloatHistogram, Labels } from "@pharos/model";
import type { QueryResult } from "../engine/engine.ts";
import type { MatrixSeries, QueryValue, VectorSample } from "../engine/result.ts";
import { compactHistogram } from "../histogram/algebra.ts";
import { almostEqual } from "../histogram/almost-equal.ts";
import { formatHistogramNotation } from "../histogram/format.ts";
import type { SequenceValue } from "../parser/series.ts";
import type { EvalCommand, Expectation } from "./script.ts";

/** Relative error that is allowed. */
const EPSILON = 1e-6;

function close(a: number, b: number): boolean {
  return almostEqual(a, b, EPSILON);
}

function sameSpans(a: FloatHistogram["positiveSpans"], b: FloatHistogram["positiveSpans"]): boolean {
  return a.length === b.length && a.every(({ offset, length }, i) => offset === b[i].offset && length === b[i].length);
}

function sameBuckets(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => close(value, b[i]));
}

function sameHistogram(expected: FloatHistogram, actual: FloatHistogram, withHint: boolean): boolean {
  const a = compactHistogram(expected);
  const b = compactHistogram(actual);
  return (
    a.schema === b.schema &&
    close(a.count, b.count) &&
    close(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    close(a.zeroCount, b.zeroCount) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((value, i) => value === b.customValues[i]) &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    sameBuckets(a.positiveBuckets, b.positiveBuckets) &&
    sameBuckets(a.negativeBuckets, b.negativeBuckets) &&
    (!withHint || a.counterResetHint === b.counterResetHint)
  );
}

function show(value: number, histogram: FloatHistogram | undefined): string {
  return histogram ? formatHistogramNotation(histogram) : String(value);
}

/** What is wrong with a sample; nothing when it is as expected. */
function compareSample(
  expected: SequenceValue,
  value: number,
  histogram: FloatHistogram | undefined,
): string | undefined {
  const equal =
    expected.histogram && histogram
      ? sameHistogram(expected.histogram, histogram, expected.hintGiven)
      : !expected.histogram && !histogram && close(expected.value, value);
  if (equal) return undefined;
  const hint = expected.hintGiven
    ? ` (hint ${expected.histogram?.counterResetHint}, got ${histogram?.counterResetHint})`
    : "";
  return `expected ${show(expected.value, expected.histogram)} but got ${show(value, histogram)}${hint}`;
}

function byLabels<T extends { labels: Labels }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.labels.key(), item]));
}

function compareVector(command: EvalCommand, samples: readonly VectorSample[]): string | undefined {
  if (command.scalar) return "expected a scalar but got a vector";
  const expected = byLabels(command.series);
  for (const [i, { labels, v, h }] of samples.entries()) {
    const entry = expected.get(labels.key());
    if (!entry) return `unexpected metric ${labels} in result, has value ${show(v, h)}`;
    if (command.ordered && entry.position !== i + 1) {
      return `expected metric ${labels} at position ${entry.position} but was at ${i + 1}`;
    }
    const problem = compareSample(entry.values[0], v, h);
    if (problem) return `${problem} for ${labels}`;
    expected.delete(labels.key());
  }
  const [missing] = expected.values();
  return missing && `expected metric ${missing.labels} not found`;
}

function compareMatrix(
  command: EvalCommand,
  series: readonly MatrixSeries[],
  times: { start: number; step: number },
): string | undefined {
  if (command.ordered) return "expected ordered result, but query returned a matrix";
  if (command.scalar) return "expected a scalar but got a matrix";
  const expected = byLabels(command.series);
  let previous: Labels | undefined;
  for (const { labels, timestamps, values, histograms } of series) {
    if (previous && previous.compare(labels) >= 0) return `matrix is not sorted: ${previous} before ${labels}`;
    previous = labels;
    const entry = expected.get(labels.key());
    if (!entry) return `unexpected metric ${labels} in result, has ${[...values].join(" ")}`;
    expected.delete(labels.key());
    const points = entry.values
      .map((value, i) => ({ value, t: times.start + i * times.step }))
      .filter(({ value }) => !value.omitted);
    if (points.length !== timestamps.length) {
      const got = [...timestamps].map((t, i) => `${show(values[i], histograms?.[i])}@${t}`).join(" ");
      return `expected ${points.length} points for ${labels} but got ${timestamps.length}: ${got}`;
    }
    for (const [i, { value, t }] of points.entries()) {
      if (timestamps[i] !== t) return `expected a point of ${labels} at ${t} but got one at ${timestamps[i]}`;
      const problem = compareSample(value, values[i], histograms?.[i]);
      if (problem) return `${problem} at ${t} for ${labels}`;
    }
  }
  const [missing] = expected.values();
  return missing && `expected metric ${missing.labels} not found`;
}

/** What differs from the expected result; nothing when all is as expected. */
export function compareValue(command: EvalCommand, value: QueryValue): string | undefined {
  switch (value.type) {
    case "string":
      return command.text === value.s ? undefined : `expected string ${command.text} but got ${value.s}`;
    case "scalar":
      if (!command.scalar) return `expected a vector but got scalar ${value.v}`;
      return compareSample(command.scalar, value.v, undefined);
    case "vector":
      return compareVector(command, value.samples);
    case "matrix":
      return compareMatrix(command, value.series, command.rangeVector ?? command);
  }
}

export function matchesExpectation({ message, pattern }: Expectation, text: string): boolean {
  return message === undefined ? pattern === undefined || pattern.test(text) : message === text;
}

function compareAnnotations(kind: string, expected: readonly Expectation[], actual: readonly string[]) {
  if (expected.length === 0) return undefined;
  if (actual.length === 0) return `expected ${kind} annotations but none were found`;
  for (const expectation of expected) {
    if (!actual.some((text) => matchesExpectation(expectation, text))) {
      const wanted = expectation.message ?? expectation.pattern?.source;
      return `expected ${kind} annotation ${JSON.stringify(wanted)}, found: ${JSON.stringify(actual)}`;
    }
  }
  const extra = actual.find((text) => !expected.some((expectation) => matchesExpectation(expectation, text)));
  return extra && `unexpected ${kind} annotation ${JSON.stringify(extra)}`;
}

/** What differs from the expected warnings and infos. */
export function checkAnnotations(command: EvalCommand, { warnings, infos }: QueryResult): string | undefined {
  if (command.noWarn && warnings.length > 0) return `unexpected warnings: ${JSON.stringify(warnings)}`;
  if (command.noInfo && infos.length > 0) return `unexpected infos: ${JSON.stringify(infos)}`;
  return compareAnnotations("warn", command.warn, warnings) ?? compareAnnotations("info", command.info, infos);
}
