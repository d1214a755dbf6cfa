/**
 * Native histogram chunks in Prometheus' format, integer (encoding 2) and float (3):
 *
 *   u16 count · flags byte (80 counter reset, 40 no reset, C0 gauge, 0 unknown) · layout · samples
 *   layout   zero threshold (0: none; 1…254: power of two 2^(b-243)/2… as frexp's exponent + 243; 255: float64 follows) ·
 *            varbit schema · positive spans · negative spans (count, then length and offset each) ·
 *            bounds when the schema is -53 (count, then x·1000+1 when whole and small, else a 0 bit and a float64)
 *   integer  first: t, count, zero count, 64-bit sum, buckets; then Δ² of t, count, zero count, XORed sum, Δ² of buckets
 *   float    first: t, 64-bit count, zero count, sum, buckets; then Δ² of t and everything else XORed, each on its own
 *
 * A staleness marker is a sum with the marker's payload and has no buckets; nothing but markers follows it in a chunk.
 */
import {
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
  type IntHistogram,
  LOW_WORD,
  type SampleBuffer,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@pharos/model";
import { BitReader, BitWriter, brokenChunk, XorReader, XorWriter } from "./bits.ts";
import { StartReader, StartWriter } from "./start-times.ts";
import { readVarbit, readVarbitUnsigned, writeVarbit, writeVarbitUnsigned } from "./varbit.ts";

const TARGET_BYTES = 1024;
const MIN_SAMPLES = 10;
const COUNTER_RESET = 0x80;
const NO_RESET = 0x40;
const GAUGE = 0xc0;
/** The most a varbit integer or an XORed value takes, in bytes, rounded up. */
const FIELD_BYTES = 10;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);
const HIGH_WORD = 1 - LOW_WORD;

function highOf(value: number): number {
  float[0] = value;
  return floatWords[HIGH_WORD];
}

function lowOf(value: number): number {
  float[0] = value;
  return floatWords[LOW_WORD];
}

function fromWords(high: number, low: number): number {
  floatWords[HIGH_WORD] = high;
  floatWords[LOW_WORD] = low;
  return float[0];
}

interface Layout {
  schema: number;
  zeroThreshold: number;
  positiveSpans: Span[];
  negativeSpans: Span[];
  customValues: number[];
}

function bucketsOf(spans: readonly Span[]): number {
  let count = 0;
  for (const { length } of spans) count += length;
  return count;
}

function writeFloat(out: BitWriter, value: number): void {
  out.bits(highOf(value), 32);
  out.bits(lowOf(value), 32);
}

function readFloat(input: BitReader): number {
  const high = input.bits(32);
  return fromWords(high, input.bits(32));
}

function writeZeroThreshold(out: BitWriter, threshold: number): void {
  if (threshold === 0) {
    out.bits(0, 8);
    return;
  }
  const exponent = Math.log2(threshold);
  // frexp's fraction of a power of two is 0.5, its exponent one more than the logarithm.
  if (Number.isInteger(exponent) && 2 ** exponent === threshold && exponent + 1 >= -242 && exponent + 1 <= 11) {
    out.bits(exponent + 1 + 243, 8);
    return;
  }
  out.bits(255, 8);
  writeFloat(out, threshold);
}

function readZeroThreshold(input: BitReader): number {
  const byte = input.bits(8);
  if (byte === 0) return 0;
  return byte === 255 ? readFloat(input) : 2 ** (byte - 244);
}

function writeLayout(out: BitWriter, layout: Layout): void {
  const { schema, zeroThreshold, positiveSpans, negativeSpans, customValues } = layout;
  writeZeroThreshold(out, zeroThreshold);
  writeVarbit(out, schema);
  for (const spans of [positiveSpans, negativeSpans]) {
    writeVarbitUnsigned(out, spans.length);
    for (const { length, offset } of spans) {
      writeVarbitUnsigned(out, length);
      writeVarbit(out, offset);
    }
  }
  if (schema !== CUSTOM_BUCKETS_SCHEMA) return;
  writeVarbitUnsigned(out, customValues.length);
  for (const bound of customValues) {
    const thousandths = Math.round(bound * 1000);
    if (thousandths >= 0 && thousandths <= 33_554_430 && thousandths / 1000 === bound) {
      writeVarbitUnsigned(out, thousandths + 1);
    } else {
      out.bits(0, 1);
      writeFloat(out, bound);
    }
  }
}

function readLayout(input: BitReader): Layout {
  const zeroThreshold = readZeroThreshold(input);
  const schema = readVarbit(input);
  const [positiveSpans, negativeSpans] = [0, 1].map(() =>
    Array.from({ length: readCount(input) }, () => {
      const length = readVarbitUnsigned(input);
      return { length, offset: readVarbit(input) };
    }),
  );
  const customValues: number[] = [];
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    for (let left = readCount(input); left > 0; left--) {
      const whole = readVarbitUnsigned(input);
      customValues.push(whole === 0 ? readFloat(input) : (whole - 1) / 1000);
    }
  }
  // Every bucket takes a bit at least: damaged lengths are not believed, for memory would be taken for them.
  if (bucketsOf(positiveSpans) + bucketsOf(negativeSpans) > input.left) throw brokenChunk();
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues };
}

/** A number of things of which each takes a bit at least. */
function readCount(input: BitReader): number {
  const count = readVarbitUnsigned(input);
  if (count > input.left) throw brokenChunk();
  return count;
}

function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  return a.length === b.length && a.every((span, i) => span.offset === b[i].offset && span.length === b[i].length);
}

function sameLayout(a: Layout, b: Layout): boolean {
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    sameSpans(a.positiveSpans, b.positiveSpans) &&
    sameSpans(a.negativeSpans, b.negativeSpans) &&
    a.customValues.length === b.customValues.length &&
    a.customValues.every((value, i) => value === b.customValues[i])
  );
}

const EMPTY: Layout = { schema: 0, zeroThreshold: 0, positiveSpans: [], negativeSpans: [], customValues: [] };

/** One bucket column: integers as Δ², floats XORed. */
class Column {
  readonly isFloat: boolean;
  #value = 0;
  #delta = 0;
  #xor = new XorWriter();

  constructor(isFloat: boolean) {
    this.isFloat = isFloat;
  }

  first(out: BitWriter, value: number, unsigned: boolean): void {
    if (this.isFloat) this.#xor.first(out, highOf(value), lowOf(value));
    else if (unsigned) writeVarbitUnsigned(out, value);
    else writeVarbit(out, value);
    this.#value = value;
  }

  next(out: BitWriter, value: number): void {
    if (this.isFloat) {
      this.#xor.next(out, highOf(value), lowOf(value));
      return;
    }
    const delta = value - this.#value;
    writeVarbit(out, delta - this.#delta);
    this.#delta = delta;
    this.#value = value;
  }
}

/** An open chunk of histograms of one kind and layout. */
export class HistogramAppender {
  readonly encoding: 2 | 3 | 5 | 6;
  readonly #out = new BitWriter(256);
  readonly #starts: StartWriter | undefined;
  /** What the two top bits of the count are with start timestamps. */
  readonly #countFlags: number;
  readonly #isFloat: boolean;
  readonly #layout: Layout;
  readonly #gauge: boolean;
  /** Its flags byte: what is known about a counter reset at its beginning. */
  readonly flags: number;
  readonly #columns: Column[] = [];
  readonly #sum = new XorWriter();
  #previous: IntHistogram | FloatHistogram;
  #last: IntHistogram | FloatHistogram;
  #delta = 0;
  count = 0;
  firstTime = 0;
  lastTime = 0;

  /**
   * `after` is the last histogram of the series, if it was one: it decides whether this chunk starts with a reset. `withStarts`:
   * the chunk keeps start timestamps. `flags`: those of a chunk that is written anew.
   */
  constructor(
    first: IntHistogram | FloatHistogram,
    after: IntHistogram | FloatHistogram | undefined,
    withStarts = false,
    flags?: number,
  ) {
    this.#isFloat = first.kind === "float";
    this.encoding = withStarts ? (this.#isFloat ? 6 : 5) : this.#isFloat ? 3 : 2;
    this.#starts = withStarts ? new StartWriter() : undefined;
    this.#layout = first.stale ? EMPTY : first;
    this.#gauge = first.counterResetHint === "gauge";
    this.#previous = first;
    this.#last = first;
    this.#out.reserve(64 + 20 * (first.positiveSpans.length + first.negativeSpans.length + first.customValues.length));
    this.flags = flags ?? this.#flags(first, after);
    this.#countFlags = withStarts ? this.flags << 8 : 0;
    this.#out.bits(withStarts ? 0 : this.flags, 8);
    writeLayout(this.#out, this.#layout);
  }

  /** As upstream: a kilobyte, but not less than ten samples. */
  get isFull(): boolean {
    return this.count >= MIN_SAMPLES && this.#out.byteLength >= TARGET_BYTES;
  }

  /** False when the histogram needs a new chunk: other kind or layout, a counter reset, or after a marker. */
  accepts(histogram: IntHistogram | FloatHistogram): boolean {
    if (this.count === 0) return true;
    if ((histogram.kind === "float") !== this.#isFloat) return false;
    if (histogram.stale) return true;
    if (this.#previous.stale) return false;
    if ((histogram.counterResetHint === "gauge") !== this.#gauge) return false;
    if (!sameLayout(histogram, this.#layout)) return false;
    return this.#gauge || (histogram.counterResetHint !== "reset" && !isReset(this.#previous, histogram));
  }

  /** Whether a histogram that is not accepted has other buckets, and nothing else against it (see histogram-widen.ts). */
  mayWiden(histogram: IntHistogram | FloatHistogram): boolean {
    const previous = this.#previous;
    if ((histogram.kind === "float") !== this.#isFloat || histogram.stale || previous.stale) return false;
    if ((histogram.counterResetHint === "gauge") !== this.#gauge) return false;
    if (!this.#gauge) {
      if (histogram.counterResetHint === "reset") return false;
      if (histogram.count < previous.count || histogram.zeroCount < previous.zeroCount) return false;
    }
    const { schema, zeroThreshold, customValues } = this.#layout;
    return (
      histogram.schema === schema &&
      histogram.zeroThreshold === zeroThreshold &&
      histogram.customValues.length === customValues.length &&
      histogram.customValues.every((value, i) => value === customValues[i])
    );
  }

  /** `start` 0 when unknown; `original`: what `last` is to answer, when the histogram was brought into the chunk's buckets. */
  append(
    time: number,
    histogram: IntHistogram | FloatHistogram,
    start = 0,
    original: IntHistogram | FloatHistogram = histogram,
  ): void {
    const out = this.#out;
    const fields = histogram.stale
      ? [0, 0]
      : [
          histogram.count,
          histogram.zeroCount,
          ...(histogram.kind === "int"
            ? [...histogram.positiveDeltas, ...histogram.negativeDeltas]
            : [...histogram.positiveBuckets, ...histogram.negativeBuckets]),
        ];
    out.reserve((fields.length + 4) * FIELD_BYTES);
    const sumHigh = histogram.stale ? STALE_NAN_HIGH : highOf(histogram.sum);
    const sumLow = histogram.stale ? STALE_NAN_LOW : lowOf(histogram.sum);
    const isFloat = this.#isFloat;
    if (this.count === 0) {
      writeVarbit(out, time);
      for (const value of fields) {
        if (this.#columns.length === 2) this.#sum.first(out, sumHigh, sumLow);
        const column = new Column(isFloat);
        column.first(out, value, this.#columns.length < 2);
        this.#columns.push(column);
      }
      if (fields.length === 2) this.#sum.first(out, sumHigh, sumLow);
      this.firstTime = time;
    } else {
      const delta = time - this.lastTime;
      writeVarbit(out, delta - this.#delta);
      this.#delta = delta;
      for (let i = 0; i < 2; i++) {
        if (histogram.stale && !isFloat) writeVarbit(out, 0);
        else this.#columns[i].next(out, fields[i]);
      }
      this.#sum.next(out, sumHigh, sumLow);
      for (let i = 2; i < fields.length; i++) this.#columns[i].next(out, fields[i]);
    }
    this.#starts?.next(out, this.count, time, this.lastTime, start);
    this.lastTime = time;
    this.#previous = histogram;
    this.#last = original;
    this.count++;
  }

  /** The newest histogram as it came. */
  get last(): IntHistogram | FloatHistogram {
    return this.#last;
  }

  /** The newest histogram in the chunk's buckets. */
  get previous(): IntHistogram | FloatHistogram {
    return this.#previous;
  }

  get isGauge(): boolean {
    return this.#gauge;
  }

  get withStarts(): boolean {
    return this.#starts !== undefined;
  }

  finish(): Uint8Array {
    return this.view().slice();
  }

  view(): Uint8Array {
    this.#out.setCount(this.#countFlags | this.count);
    const bytes = this.#out.view();
    if (this.#starts) bytes[2] = this.#starts.header;
    return bytes;
  }

  get byteLength(): number {
    return this.#out.capacity;
  }

  #flags(first: IntHistogram | FloatHistogram, after: IntHistogram | FloatHistogram | undefined): number {
    if (this.#gauge) return GAUGE;
    if (first.counterResetHint === "reset") return COUNTER_RESET;
    if (!after || after.stale || first.stale || after.kind !== first.kind || !sameLayout(after, first)) return 0;
    return isReset(after, first) ? COUNTER_RESET : NO_RESET;
  }
}

/** Whether a counter of the same layout went down anywhere. */
function isReset(before: IntHistogram | FloatHistogram, after: IntHistogram | FloatHistogram): boolean {
  if (after.count < before.count || after.zeroCount < before.zeroCount) return true;
  if (before.kind === "int" && after.kind === "int") {
    return (
      anyLess(running(before.positiveDeltas), running(after.positiveDeltas)) ||
      anyLess(running(before.negativeDeltas), running(after.negativeDeltas))
    );
  }
  if (before.kind !== "float" || after.kind !== "float") return true;
  return (
    anyLess(before.positiveBuckets, after.positiveBuckets) || anyLess(before.negativeBuckets, after.negativeBuckets)
  );
}

function running(deltas: readonly number[]): number[] {
  let current = 0;
  return deltas.map((delta) => (current += delta));
}

function anyLess(before: readonly number[], after: readonly number[]): boolean {
  return before.some((value, i) => after[i] < value);
}

function hintOf(flags: number, row: number): CounterResetHint {
  if ((flags & GAUGE) === GAUGE) return "gauge";
  // The first one of a chunk may follow on anything, whatever the writer knew then.
  return row > 0 ? "not_reset" : "unknown";
}

const STALE: Omit<FloatHistogram, "counterResetHint"> = {
  kind: "float",
  ...EMPTY,
  zeroCount: 0,
  count: 0,
  sum: Number.NaN,
  positiveBuckets: [],
  negativeBuckets: [],
  stale: true,
};

/**
 * Count and flags of a chunk; the reader then stands at the layout. With start timestamps the flags are the two top bits of the
 * count, and their header stands where the flags are without them.
 */
function open(
  bytes: Uint8Array,
  withStarts: boolean,
): { input: BitReader; samples: number; flags: number; starts: StartReader | undefined } {
  const input = new BitReader(bytes);
  const header = input.bits(8);
  const count = (bytes[0] << 8) | bytes[1];
  return withStarts
    ? { input, samples: count & 0x3fff, flags: bytes[0] & GAUGE, starts: new StartReader(header) }
    : { input, samples: count, flags: header, starts: undefined };
}

export function decodeIntHistogram(
  bytes: Uint8Array,
  mint: number,
  maxt: number,
  out: SampleBuffer,
  withStarts = false,
): void {
  const { input, samples, flags, starts } = open(bytes, withStarts);
  if (samples === 0) return;
  const layout = readLayout(input);
  const positives = bucketsOf(layout.positiveSpans);
  const values = new Float64Array(2 + positives + bucketsOf(layout.negativeSpans));
  const deltas = new Float64Array(values.length);
  const sum = new XorReader();
  let time = 0;
  let delta = 0;
  for (let row = 0; row < samples; row++) {
    const before = time;
    if (row === 0) {
      time = readVarbit(input);
      values[0] = readVarbitUnsigned(input);
      values[1] = readVarbitUnsigned(input);
      sum.first(input);
      for (let i = 2; i < values.length; i++) values[i] = readVarbit(input);
    } else {
      time += delta += readVarbit(input);
      values[0] += deltas[0] += readVarbit(input);
      values[1] += deltas[1] += readVarbit(input);
      sum.next(input);
    }
    const stale = sum.high === STALE_NAN_HIGH && sum.low === STALE_NAN_LOW;
    if (row > 0 && !stale) for (let i = 2; i < values.length; i++) values[i] += deltas[i] += readVarbit(input);
    const start = starts?.next(input, row, time, before) ?? 0;
    if (input.left < 0) throw brokenChunk();
    if (time < mint) continue;
    if (time > maxt) return;
    const counterResetHint = hintOf(flags, row);
    if (stale) {
      out.pushHistogram(time, { ...STALE, counterResetHint });
      if (start !== 0 || out.startTimestamps) out.setStartTimestamp(start);
      continue;
    }
    const buckets: number[] = Array.from(values.subarray(2));
    out.pushHistogram(time, {
      kind: "float",
      counterResetHint,
      ...layout,
      count: values[0],
      zeroCount: values[1],
      sum: fromWords(sum.high, sum.low),
      positiveBuckets: running(buckets.slice(0, positives)),
      negativeBuckets: running(buckets.slice(positives)),
    });
    if (start !== 0 || out.startTimestamps) out.setStartTimestamp(start);
  }
}

export function decodeFloatHistogram(
  bytes: Uint8Array,
  mint: number,
  maxt: number,
  out: SampleBuffer,
  withStarts = false,
): void {
  const { input, samples, flags, starts } = open(bytes, withStarts);
  if (samples === 0) return;
  const layout = readLayout(input);
  const positives = bucketsOf(layout.positiveSpans);
  // Columns: count, zero count, sum, buckets.
  const columns = Array.from({ length: 3 + positives + bucketsOf(layout.negativeSpans) }, () => new XorReader());
  const sum = columns[2];
  let time = 0;
  let delta = 0;
  for (let row = 0; row < samples; row++) {
    const before = time;
    if (row === 0) {
      time = readVarbit(input);
      for (const column of columns) column.first(input);
    } else {
      time += delta += readVarbit(input);
      for (let i = 0; i < 3; i++) columns[i].next(input);
    }
    const stale = sum.high === STALE_NAN_HIGH && sum.low === STALE_NAN_LOW;
    if (row > 0 && !stale) for (let i = 3; i < columns.length; i++) columns[i].next(input);
    const start = starts?.next(input, row, time, before) ?? 0;
    if (input.left < 0) throw brokenChunk();
    if (time < mint) continue;
    if (time > maxt) return;
    const counterResetHint = hintOf(flags, row);
    if (stale) {
      out.pushHistogram(time, { ...STALE, counterResetHint });
      if (start !== 0 || out.startTimestamps) out.setStartTimestamp(start);
      continue;
    }
    const values = columns.map(({ high, low }) => fromWords(high, low));
    out.pushHistogram(time, {
      kind: "float",
      counterResetHint,
      ...layout,
      count: values[0],
      zeroCount: values[1],
      sum: values[2],
      positiveBuckets: values.slice(3, 3 + positives),
      negativeBuckets: values.slice(3 + positives),
    });
    if (start !== 0 || out.startTimestamps) out.setStartTimestamp(start);
  }
}
