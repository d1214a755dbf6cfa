/** Shortens the write-ahead log: its older part is written anew without what memory has dropped. */
import type { MetricMetadata } from "@pharos/model";
import { Encoder } from "../wal/encoding.ts";
import { encodeHistograms, groupHistograms, type HistogramRecord } from "../wal/histogram-records.ts";
import { type Corruption, readSegment } from "../wal/read.ts";
import {
  decodeRecord,
  type ExemplarRecord,
  encodeExemplars,
  encodeMetadata,
  encodeSamples,
  encodeSeries,
  encodeTombstones,
  hasStartTimestamps,
  type SeriesRecord,
} from "../wal/records.ts";
import { SampleColumns } from "../wal/sample-columns.ts";
import { lastCheckpoint, segmentPath, segmentsOf } from "../wal/segments.ts";
import { replaceByCheckpoint, type WalWriter } from "../wal/write.ts";
import type { Head } from "./head.ts";
import { RefMap } from "./ref-map.ts";
import { LOGGED, REF } from "./series-table.ts";

/**
 * The older two thirds of the segments become a checkpoint; samples before `mint` are left out. Answers what could not be
 * read, which is not in it either.
 */
export function writeCheckpoint(head: Head, mint: number): Corruption[] {
  const dir = head.walDir;
  head.wal.nextSegment();
  const closed = segmentsOf(dir).slice(0, -1);
  const usual = closed[Math.floor((closed.length * 2) / 3) - 1] ?? closed.at(-1);
  const held = head.heldSegment?.() ?? Number.POSITIVE_INFINITY;
  const last = held <= (usual ?? -1) ? closed.findLast((index) => index < held) : usual;
  if (last === undefined) return [];
  // Who reads behind needs the series of what stands after this, also those that memory has dropped meanwhile.
  const isHeld = held <= usual!;
  const old = lastCheckpoint(dir);
  const files = [
    ...(old ? segmentsOf(old.path).map((index) => segmentPath(old.path, index)) : []),
    ...closed.filter((index) => index <= last).map((index) => segmentPath(dir, index)),
  ];
  const alive = new RefMap();
  const { table } = head.store;
  for (let series = 0; series < table.end; series++) {
    if (table.has(series, LOGGED)) alive.set(table.hot.f64[8 * series + REF], series);
  }
  const corruptions: Corruption[] = [];
  replaceByCheckpoint(dir, last, head.options.compression, (writer) => {
    const copier = new RecordCopier(writer, (ref) => isHeld || alive.get(ref) >= 0 || head.aliases.get(ref) >= 0, mint);
    for (const segment of files) {
      const records = readSegment(segment);
      for (let step = records.next(); ; step = records.next()) {
        if (!step.done) copier.copy(step.value);
        else {
          for (const { offset, end, reason } of step.value) {
            corruptions.push({ segment, offset, lost: end - offset, reason });
          }
          break;
        }
      }
    }
  });
  return corruptions;
}

/** Copies records without series that are gone and samples that are too old. */
export class RecordCopier {
  readonly #writer: WalWriter;
  readonly #alive: (ref: number) => boolean;
  readonly #mint: number;
  readonly #out = new Encoder();
  readonly #samples = new SampleColumns();

  constructor(writer: WalWriter, alive: (ref: number) => boolean, mint: number) {
    this.#writer = writer;
    this.#alive = alive;
    this.#mint = mint;
  }

  copy(record: Buffer): void {
    const mint = this.#mint;
    const alive = this.#alive;
    const kept = this.#samples;
    kept.count = 0;
    const series: SeriesRecord[] = [];
    const metadata: { ref: number; metadata: MetricMetadata }[] = [];
    const tombstones: { ref: number; mint: number; maxt: number }[] = [];
    const exemplars: ExemplarRecord[] = [];
    const histograms: HistogramRecord[] = [];
    const withStarts = hasStartTimestamps(record);
    decodeRecord(record, {
      series: (ref, labels) => alive(ref) && series.push({ ref, labels }),
      samples: ({ count, refs, times, words, starts, hasStarts }) => {
        kept.hasStarts = hasStarts;
        for (let i = 0; i < count; i++) {
          if (times[i] < mint || !alive(refs[i])) continue;
          kept.reserve();
          const row = kept.count++;
          kept.refs[row] = refs[i];
          kept.times[row] = times[i];
          kept.starts[row] = starts[i];
          kept.words[2 * row] = words[2 * i];
          kept.words[2 * row + 1] = words[2 * i + 1];
        }
      },
      histogram: (ref, time, histogram, start) =>
        time >= mint && alive(ref) && histograms.push({ ref, time, histogram, start: withStarts ? start : undefined }),
      metadata: (ref, entry) => alive(ref) && metadata.push({ ref, metadata: entry }),
      tombstone: (ref, from, to) => to >= mint && alive(ref) && tombstones.push({ ref, mint: from, maxt: to }),
      exemplar: (ref, { labels, value, timestamp = 0 }) =>
        timestamp >= mint && alive(ref) && exemplars.push({ ref, labels, value, timestamp }),
      marker: () => {},
    });
    if (series.length > 0) this.#write((out) => encodeSeries(out, series));
    if (metadata.length > 0) this.#write((out) => encodeMetadata(out, metadata));
    if (kept.count > 0) this.#write((out) => encodeSamples(out, kept, 0, kept.count));
    for (const [type, entries] of groupHistograms(histograms)) {
      this.#write((out) => encodeHistograms(out, type, entries));
    }
    if (tombstones.length > 0) this.#write((out) => encodeTombstones(out, tombstones));
    if (exemplars.length > 0) this.#write((out) => encodeExemplars(out, exemplars));
  }

  #write(encode: (out: Encoder) => void): void {
    this.#out.reset();
    encode(this.#out);
    this.#writer.log(this.#out.view());
  }
}
