/**
 * Histograms whose buckets are not those of the open chunk. Where only buckets came, or empty ones went, the chunk is written anew
 * with all of them instead of ending: buckets come one by one when a target starts, and each would cost a chunk. As upstream does
 * (its recoding in tsdb/chunkenc/histogram.go).
 */
import { type FloatHistogram, type IntHistogram, SampleBuffer, type Span } from "@pharos/model";
import { decodeFloatHistogram, decodeIntHistogram, HistogramAppender } from "./histogram.ts";

type Histogram = IntHistogram | FloatHistogram;

/** Buckets of one side by their index. */
type Side = ReadonlyMap<number, number>;

function running(deltas: readonly number[]): number[] {
  let current = 0;
  return deltas.map((delta) => (current += delta));
}

function deltas(counts: readonly number[]): number[] {
  return counts.map((count, i) => count - (counts[i - 1] ?? 0));
}

function sideOf(spans: readonly Span[], counts: readonly number[]): Side {
  const side = new Map<number, number>();
  let index = 0;
  let bucket = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) side.set(index++, counts[bucket++]);
  }
  return side;
}

function sidesOf(histogram: Histogram): readonly [Side, Side] {
  const [positive, negative] =
    histogram.kind === "int"
      ? [running(histogram.positiveDeltas), running(histogram.negativeDeltas)]
      : [histogram.positiveBuckets, histogram.negativeBuckets];
  return [sideOf(histogram.positiveSpans, positive), sideOf(histogram.negativeSpans, negative)];
}

/** Indexes of both, ascending; undefined when a counter went down in one of them, or lost one that was not empty. */
function union(before: Side, after: Side, isGauge: boolean): number[] | undefined {
  if (!isGauge) {
    for (const [index, count] of before) if ((after.get(index) ?? 0) < count) return undefined;
  }
  return [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
}

function spansOf(indexes: readonly number[]): Span[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** The same histogram with these buckets, those it does not have being 0. */
function spread(histogram: Histogram, indexes: readonly [readonly number[], readonly number[]]): Histogram {
  const [positive, negative] = sidesOf(histogram).map((side, i) => indexes[i].map((index) => side.get(index) ?? 0));
  const layout = { positiveSpans: spansOf(indexes[0]), negativeSpans: spansOf(indexes[1]) };
  if (histogram.kind === "float") {
    return { ...histogram, ...layout, positiveBuckets: positive, negativeBuckets: negative };
  }
  return { ...histogram, ...layout, positiveDeltas: deltas(positive), negativeDeltas: deltas(negative) };
}

/**
 * Makes room in a chunk for a histogram that it does not accept as it is: answers the chunk that goes on (another one, where
 * buckets came) and the histogram in its buckets; undefined when a new chunk has to be started.
 */
export function widen(
  open: HistogramAppender,
  histogram: Histogram,
): { open: HistogramAppender; histogram: Histogram } | undefined {
  const { previous, isGauge } = open;
  if (!open.mayWiden(histogram)) return undefined;
  const before = sidesOf(previous);
  const after = sidesOf(histogram);
  const positive = union(before[0], after[0], isGauge);
  const negative = union(before[1], after[1], isGauge);
  if (!positive || !negative) return undefined;
  const indexes = [positive, negative] as const;
  if (positive.length === before[0].size && negative.length === before[1].size) {
    // In the chunk's own spans, which need not be the shortest.
    const { positiveSpans, negativeSpans } = previous;
    return { open, histogram: { ...spread(histogram, indexes), positiveSpans, negativeSpans } };
  }
  return { open: recode(open, indexes), histogram: spread(histogram, indexes) };
}

function recode(open: HistogramAppender, indexes: readonly [readonly number[], readonly number[]]): HistogramAppender {
  const buffer = new SampleBuffer(open.count);
  const isInt = open.previous.kind === "int";
  const decode = isInt ? decodeIntHistogram : decodeFloatHistogram;
  decode(open.view(), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, buffer, open.withStarts);
  let made: HistogramAppender | undefined;
  for (let row = 0; row < buffer.length; row++) {
    const wide = spread(buffer.histograms![row]!, indexes) as FloatHistogram;
    const next = isInt ? asInt(wide) : wide;
    made ??= new HistogramAppender(
      { ...next, counterResetHint: open.isGauge ? "gauge" : "unknown" },
      undefined,
      open.withStarts,
      open.flags,
    );
    made.append(buffer.timestamps[row], next, buffer.startTimestamps?.[row] ?? 0);
  }
  return made!;
}

function asInt({ positiveBuckets, negativeBuckets, ...rest }: FloatHistogram): IntHistogram {
  return { ...rest, kind: "int", positiveDeltas: deltas(positiveBuckets), negativeDeltas: deltas(negativeBuckets) };
}
