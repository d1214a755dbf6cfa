/**
 * The log of late samples (wbl, in the write-ahead log's format): which ones came, in their order, and between them marks that
 * say from where on the older ones of a series are in a chunk. Written after the transaction's own record, as upstream does.
 */
import type { FloatHistogram, IntHistogram } from "@pharos/model";
import { LOW_WORD } from "@pharos/model";
import type { Encoder } from "../wal/encoding.ts";
import { encodeHistograms, groupHistograms, type HistogramRecord } from "../wal/histogram-records.ts";
import { encodeMarkers, encodeSamples, type MarkerRecord } from "../wal/records.ts";
import { SampleColumns } from "../wal/sample-columns.ts";
import type { LateChunk } from "./late.ts";

/** Entries of one transaction, written when one of another kind follows. */
export class LateLog {
  readonly #write: (encode: (out: Encoder) => void) => void;
  /** Made when the first late sample comes: most transactions have none. */
  #samples: SampleColumns | undefined;
  #histograms: HistogramRecord[] = [];
  #markers: MarkerRecord[] = [];

  readonly #withStarts: boolean;

  /** `write` puts one record into the log; `withStarts`: records have start timestamps. */
  constructor(write: (encode: (out: Encoder) => void) => void, withStarts: boolean) {
    this.#write = write;
    this.#withStarts = withStarts;
  }

  float(ref: number, time: number, high: number, low: number, start: number): void {
    if (this.#histograms.length > 0 || this.#markers.length > 0) this.flush();
    const samples = (this.#samples ??= new SampleColumns());
    samples.hasStarts = this.#withStarts;
    samples.reserve();
    const row = samples.count++;
    samples.refs[row] = ref;
    samples.times[row] = time;
    samples.starts[row] = start;
    samples.words[2 * row + 1 - LOW_WORD] = high;
    samples.words[2 * row + LOW_WORD] = low;
  }

  histogram(ref: number, time: number, histogram: IntHistogram | FloatHistogram, start: number): void {
    if (this.#waiting || this.#markers.length > 0) this.flush();
    this.#histograms.push({ ref, time, histogram, start: this.#withStarts ? start : undefined });
  }

  chunk(ref: number, { file, offset }: LateChunk): void {
    if (this.#waiting || this.#histograms.length > 0) this.flush();
    this.#markers.push({ ref, file, offset });
  }

  get #waiting(): boolean {
    return (this.#samples?.count ?? 0) > 0;
  }

  flush(): void {
    const samples = this.#samples;
    if (samples && samples.count > 0) this.#write((out) => encodeSamples(out, samples, 0, samples.count));
    for (const [type, entries] of groupHistograms(this.#histograms)) {
      this.#write((out) => encodeHistograms(out, type, entries));
    }
    const markers = this.#markers;
    if (markers.length > 0) this.#write((out) => encodeMarkers(out, markers));
    if (samples) samples.count = 0;
    this.#histograms = [];
    this.#markers = [];
  }
}
