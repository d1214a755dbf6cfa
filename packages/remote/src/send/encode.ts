/** Write requests of both versions, packed; see write-request.ts for their layout. */
import { snappyBound, snappyPack } from "@pharos/kit";
import { type Labels, LOW_WORD, type MetricMetadata, type MetricType } from "@pharos/model";
import { BYTES, int64Size, varintSize, WireWriter } from "../wire-writer.ts";
import { writeHistogram } from "../write-histogram.ts";
import type { WriteVersion } from "../write-request.ts";
import type { Batch, SentSeries } from "./batch.ts";

/** By their numbers in both versions. */
export const METRIC_TYPES: readonly MetricType[] = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"]; // biome-ignore format: one line

function writeLabels(out: WireWriter, labels: Labels): void {
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) {
    const label = out.begin(1);
    out.string(1, pairs[i]);
    out.string(2, pairs[i + 1]);
    out.end(label);
  }
}

export class RequestEncoder {
  readonly #version: WriteVersion;
  readonly #out = new WireWriter(2 ** 16);
  readonly #scratch = new WireWriter(256);
  readonly #symbols = new WireWriter(2 ** 14);
  readonly #numbers = new Map<string, number>();
  readonly #refs: number[] = [];
  #packed = Buffer.allocUnsafeSlow(0);

  constructor(version: WriteVersion) {
    this.#version = version;
  }

  /** The request, packed; valid until the next one. */
  batch(batch: Batch): Buffer {
    this.#out.reset();
    if (this.#version === 1) this.#writeV1(batch);
    else this.#writeV2(batch);
    return this.#pack();
  }

  /** A 1.0 request of metadata only. */
  metadata(entries: readonly (readonly [family: string, metadata: MetricMetadata])[]): Buffer {
    const out = this.#out;
    out.reset();
    for (const [family, { type, help, unit }] of entries) {
      const start = out.begin(3);
      out.uint(1, Math.max(0, METRIC_TYPES.indexOf(type)));
      out.string(2, family);
      out.string(4, help);
      out.string(5, unit);
      out.end(start);
    }
    return this.#pack();
  }

  #pack(): Buffer {
    const bytes = this.#out.view();
    const bound = snappyBound(bytes.length);
    if (this.#packed.length < bound) this.#packed = Buffer.allocUnsafeSlow(bound + (bound >> 1));
    return this.#packed.subarray(0, snappyPack(bytes, this.#packed));
  }

  #encoded(series: SentSeries): Uint8Array {
    if (!series.encoded) {
      this.#scratch.reset();
      writeLabels(this.#scratch, series.labels!);
      series.encoded = this.#scratch.copy();
    }
    return series.encoded;
  }

  #writeV1({ count, series, times, words, objects }: Batch): void {
    const out = this.#out;
    for (let row = 0; row < count; row++) {
      const labels = this.#encoded(series[row]);
      const object = objects[row];
      const time = times[row];
      if (object === undefined) {
        // value: tag and 8 bytes; timestamp: tag and varint
        const size = 10 + int64Size(time);
        out.tag(1, BYTES);
        out.varint(labels.length + 1 + varintSize(size) + size);
        out.raw(labels);
        out.tag(2, BYTES);
        out.varint(size);
        out.words(1, words[2 * row + 1 - LOW_WORD], words[2 * row + LOW_WORD]);
        out.int64(2, time);
        continue;
      }
      const message = out.begin(1);
      out.raw(labels);
      if ("kind" in object) writeHistogram(out, 4, time, object);
      else {
        const exemplar = out.begin(3);
        writeLabels(out, object.labels);
        out.double(2, object.value);
        out.int64(3, time);
        out.end(exemplar);
      }
      out.end(message);
    }
  }

  #symbol(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(text, number);
    this.#symbols.string(4, text);
    return number;
  }

  #labelRefs(labels: Labels): readonly number[] {
    const refs = this.#refs;
    refs.length = 0;
    for (const text of labels.pairs) refs.push(this.#symbol(text));
    return refs;
  }

  #writeV2({ count, series, times, words, starts, objects }: Batch): void {
    const out = this.#out;
    this.#numbers.clear();
    this.#symbols.reset();
    this.#symbol("");
    for (let row = 0; row < count; row++) {
      const { labels, metadata } = series[row];
      const object = objects[row];
      const time = times[row];
      const message = out.begin(5);
      out.packedVarints(1, this.#labelRefs(labels!));
      if (object === undefined) {
        out.tag(2, BYTES);
        const start = starts[row];
        out.varint(10 + int64Size(time) + (start === 0 ? 0 : 1 + int64Size(start)));
        out.words(1, words[2 * row + 1 - LOW_WORD], words[2 * row + LOW_WORD]);
        out.int64(2, time);
        if (start !== 0) out.int64(3, start);
      } else if ("kind" in object) writeHistogram(out, 3, time, object, starts[row]);
      else {
        const exemplar = out.begin(4);
        out.packedVarints(1, this.#labelRefs(object.labels));
        out.double(2, object.value);
        out.int64(3, time);
        out.end(exemplar);
      }
      const meta = out.begin(5);
      if (metadata) {
        out.uint(1, Math.max(0, METRIC_TYPES.indexOf(metadata.type)));
        out.uint(3, this.#symbol(metadata.help));
        out.uint(4, this.#symbol(metadata.unit));
      }
      out.end(meta);
      out.end(message);
    }
    out.raw(this.#symbols.view());
  }
}
