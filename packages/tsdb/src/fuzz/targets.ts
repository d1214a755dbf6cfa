/**
 * Every decoder of the database with inputs it knows, for fuzzing: each run takes one damaged input and must come back, with an
 * answer or with an error that is no bug of ours.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { snappyBound, snappyPack, snappySize, snappyUnpack } from "@pharos/kit";
import { type FloatHistogram, type IntHistogram, Labels, SampleBuffer } from "@pharos/model";
import { Block } from "../block/block.ts";
import { ChunkReader } from "../block/chunk-files.ts";
import { IndexReader } from "../block/index-reader.ts";
import { PageCache } from "../block/page-cache.ts";
import { decodeTombstoneFile, encodeTombstoneFile } from "../block/tombstones.ts";
import { decodeChunk } from "../chunk/decode.ts";
import { encodeBuffer } from "../chunk/encode.ts";
import { Encoding } from "../chunk/encoding.ts";
import { Xor2Appender } from "../chunk/xor2.ts";
import { openDb } from "../db.ts";
import { HeadChunkFiles } from "../head/chunk-files.ts";
import { LabelIndex } from "../head/label-index.ts";
import { release, restoreOpen } from "../head/open-chunk.ts";
import { SeriesTable } from "../head/series-table.ts";
import { Heap } from "../memory/heap.ts";
import { crc32c } from "../wal/crc32c.ts";
import { Encoder } from "../wal/encoding.ts";
import { encodeHistograms, groupHistograms } from "../wal/histogram-records.ts";
import { readSegment } from "../wal/read.ts";
import {
  decodeRecord,
  encodeExemplars,
  encodeMarkers,
  encodeMetadata,
  encodeSeries,
  encodeTombstones,
} from "../wal/records.ts";
import { SampleColumns } from "../wal/sample-columns.ts";
import {
  decodeSnapshotRecord,
  encodeSnapshotExemplars,
  encodeSnapshotSeries,
  encodeSnapshotTombstones,
} from "../wal/snapshot-records.ts";
import type { Random } from "./mutate.ts";

export interface FuzzTarget {
  name: string;
  seeds: readonly Buffer[];
  run(input: Buffer): void;
  /** Makes checksums right again, now and then, so that what stands behind them is reached. */
  reseal?(input: Buffer, random: Random): void;
}

function histogram(i: number, custom = false): IntHistogram {
  return {
    kind: "int",
    counterResetHint: "unknown",
    schema: custom ? -53 : 1,
    zeroThreshold: custom ? 0 : 0.001,
    zeroCount: custom ? 0 : i,
    count: custom ? 2 * i : 4 * i,
    sum: 1.5 * i,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: custom ? [] : [{ offset: 1, length: 1 }],
    positiveDeltas: [i, 0],
    negativeDeltas: custom ? [] : [i],
    customValues: custom ? [0.5, 2] : [],
  };
}

function floatHistogram(i: number): FloatHistogram {
  const { positiveDeltas: _p, negativeDeltas: _n, ...base } = histogram(i);
  return { ...base, kind: "float", positiveBuckets: [i, i], negativeBuckets: [i] };
}

function chunkSeeds(): { encoding: number; data: Uint8Array }[] {
  const floats = new SampleBuffer();
  for (let i = 0; i < 120; i++) floats.push(1.7e12 + i * 15_000 + (i % 7), i % 3 === 0 ? Math.sin(i) : i);
  const out = encodeBuffer(floats, 1e15);
  for (const make of [histogram, (i: number) => histogram(i, true), floatHistogram]) {
    const buffer = new SampleBuffer();
    for (let i = 1; i < 40; i++) {
      buffer.pushHistogram(1.7e12 + i * 15_000, make(i) as FloatHistogram);
    }
    out.push(...encodeBuffer(buffer, 1e15));
  }
  const xor2 = new Xor2Appender();
  const words = new Uint32Array(Float64Array.of(1.5).buffer);
  for (let i = 0; i < 120; i++)
    xor2.append(1.7e12 + i * 15_000 + (i % 5), words[1] ^ (i % 3), words[0] ^ i, i > 20 ? 1.6e12 + (i % 9) : 0);
  out.push({ mint: 0, maxt: 0, encoding: Encoding.xor2, data: xor2.finish() });
  // Without start timestamps these differ from the others in their header only.
  for (const { encoding, data } of out.filter(
    (chunk) => chunk.encoding === Encoding.histogram || chunk.encoding === Encoding.floatHistogram,
  )) {
    const copy = data.slice();
    copy[0] = data[2] & 0xc0;
    copy[2] = 0;
    out.push({ mint: 0, maxt: 0, encoding: encoding + 3, data: copy });
  }
  return out;
}

function recordSeeds(): Buffer[] {
  const labels = Labels.from({ __name__: "m", instance: "ünï", job: "x" });
  const out = new Encoder();
  const made: Buffer[] = [];
  const take = (encode: () => void): void => {
    out.reset();
    encode();
    made.push(Buffer.from(out.view()));
  };
  take(() =>
    encodeSeries(out, [
      { ref: 1, labels },
      { ref: 2 ** 40, labels },
    ]),
  );
  take(() => {
    out.byte(2);
    out.u64(5);
    out.i64(1.7e12);
    const columns = new SampleColumns();
    for (let i = 0; i < 20; i++) {
      columns.refs[i] = i;
      columns.times[i] = i * 10;
      columns.words.set([i, 1], 2 * i);
    }
    out.samples(columns, 0, 20);
  });
  take(() => encodeMetadata(out, [{ ref: 3, metadata: { type: "counter", help: "Help.", unit: "seconds" } }]));
  take(() => encodeTombstones(out, [{ ref: 1, mint: 0, maxt: 1.7e12 }]));
  take(() => encodeExemplars(out, [{ ref: 1, labels, value: 1, timestamp: 1.7e12 }]));
  take(() => encodeMarkers(out, [{ ref: 1, file: 1, offset: 8 }]));
  const all = [histogram(3), floatHistogram(3), histogram(3, true)].map((value) => ({
    ref: 9,
    time: 1.7e12,
    histogram: value,
  }));
  for (const [type, entries] of groupHistograms(all)) take(() => encodeHistograms(out, type, entries));
  return made;
}

function snapshotSeeds(): Buffer[] {
  const labels = Labels.from({ __name__: "m", instance: "ünï", job: "x" });
  const out = new Encoder();
  const made: Buffer[] = [];
  const take = (encode: () => void): void => {
    out.reset();
    encode();
    made.push(Buffer.from(out.view()));
  };
  take(() => encodeSnapshotSeries(out, 7, labels, undefined));
  for (const { encoding, data } of chunkSeeds()) {
    const isInt = encoding === Encoding.histogram || encoding === Encoding.histogramStart;
    const isHistogram = encoding !== Encoding.xor && encoding !== Encoding.xor2;
    const lastHistogram = isHistogram ? (isInt ? histogram(5) : floatHistogram(5)) : undefined;
    const chunk = { mint: 1.7e12, maxt: 1.8e12, encoding, data, lastHigh: 1, lastLow: 2, lastHistogram };
    take(() => encodeSnapshotSeries(out, 2 ** 40, labels, chunk));
  }
  take(() => encodeSnapshotTombstones(out, new Encoder(), [{ ref: 1, mint: 0, maxt: 1.7e12 }]));
  take(() => encodeSnapshotExemplars(out, [{ ref: 1, labels, value: 1, timestamp: 1.7e12 }]));
  return made;
}

const nothing = (): void => {};
const IGNORE = { series: nothing, samples: nothing, histogram: nothing, metadata: nothing, tombstone: nothing, exemplar: nothing, marker: nothing }; // biome-ignore format: a list

/** Makes the targets; dispose of what they wrote when done. */
export async function makeTargets(): Promise<{ targets: FuzzTarget[]; close: () => void }> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-fuzz-"));
  const cache = new PageCache(2 ** 20);
  {
    const start = 1_700_000_000_000 - (1_700_000_000_000 % 7_200_000);
    await using db = await openDb({ dir: join(dir, "db") });
    for (let i = 0; i < 800; i++) {
      const appender = db.appender();
      for (let n = 0; n < 5; n++) {
        appender.append(appender.series(Labels.from({ __name__: "m", n: String(n) })), start + i * 15_000, i * n);
      }
      appender.appendHistogram(appender.series(Labels.from({ __name__: "h" })), start + i * 15_000, histogram(i % 50));
      appender.commit();
    }
    await db.compact();
  }
  const read = (...path: string[]): Buffer => readFileSync(join(dir, "db", ...path));
  const ulid = readdirSync(join(dir, "db")).find((name) => name.length === 26)!;
  const segment = readdirSync(join(dir, "db", "wal"))
    .filter((name) => /^\d{8}$/.test(name))
    .at(-1)!;
  const headChunks = join(dir, "head-chunks");
  const index = read(ulid, "index");
  const chunks = read(ulid, "chunks", "000001");
  const refs: number[] = [];
  {
    using opened = new Block(join(dir, "db", ulid), cache);
    for (const series of opened.series()) refs.push(...series.chunks.map(({ ref }) => ref));
  }
  mkdirSync(join(dir, "chunks"));
  const packed = (bytes: Buffer): Buffer => {
    const out = Buffer.alloc(snappyBound(bytes.length));
    return out.subarray(0, snappyPack(bytes, out));
  };
  const ranges = new Map([
    [1, [{ mint: 0, maxt: 10 }]],
    [2 ** 33, [{ mint: -5, maxt: 1e13 }]],
  ]);
  const heap = new Heap();
  const table = new SeriesTable(heap, new LabelIndex(heap, () => new Uint32Array()));
  const restored = table.create(Labels.from({ __name__: "restored" }), 1);
  const targets: FuzzTarget[] = [
    ...chunkSeeds().map(
      ({ encoding, data }): FuzzTarget => ({
        name: `chunk, encoding ${encoding}`,
        seeds: [Buffer.from(data)],
        run: (input) => decodeChunk(encoding, input, -1e300, 1e300, new SampleBuffer()),
      }),
    ),
    { name: "record of the log", seeds: recordSeeds(), run: (input) => decodeRecord(input, IGNORE) },
    {
      name: "record of a snapshot of the head",
      seeds: snapshotSeeds(),
      run: (input) => {
        decodeSnapshotRecord(input, {
          ...IGNORE,
          series: (_ref, _labels, chunk) => {
            if (!chunk) return;
            if (!chunk.lastHistogram) {
              restoreOpen(heap, table, restored, chunk);
              release(heap, table, restored);
            }
            decodeChunk(chunk.encoding, chunk.data, -1e300, 1e300, new SampleBuffer());
          },
        });
      },
    },
    {
      name: "snappy block",
      seeds: recordSeeds().map(packed),
      run: (input) => {
        const size = snappySize(input);
        if (size <= 64 * input.length) snappyUnpack(input, Buffer.allocUnsafe(size));
      },
    },
    {
      name: "segment of the log",
      seeds: [read("wal", segment).subarray(0, 70_000)],
      run: (input) => {
        writeFileSync(join(dir, "segment"), input);
        for (const record of readSegment(join(dir, "segment"))) decodeRecord(record, IGNORE);
      },
    },
    {
      name: "index",
      seeds: [index],
      run: (input) => {
        writeFileSync(join(dir, "index"), input);
        using opened = new IndexReader(join(dir, "index"), cache);
        for (const name of opened.names()) for (const value of opened.values(name)) opened.refs(name, value);
        for (const ref of opened.all()) opened.series(ref);
        for (const _ of opened.symbols());
      },
      reseal: resealIndex,
    },
    {
      name: "chunk file",
      seeds: [chunks.subarray(0, 4_000)],
      run: (input) => {
        writeFileSync(join(dir, "chunks", "000001"), input);
        using opened = new ChunkReader(join(dir, "chunks"), cache);
        const buffer = new SampleBuffer();
        for (const ref of refs.slice(0, 3)) {
          buffer.clear();
          const { encoding, data } = opened.read(ref);
          decodeChunk(encoding, data, -1e300, 1e300, buffer);
        }
      },
    },
    {
      name: "tombstones",
      seeds: [encodeTombstoneFile(ranges)],
      run: (input) => void decodeTombstoneFile(input, "tombstones"),
      reseal: (input) => {
        if (input.length > 9) input.writeUInt32BE(crc32c(input, 5, input.length - 4), input.length - 4);
      },
    },
    {
      name: "file of head chunks",
      seeds: [read("chunks_head", readdirSync(join(dir, "db", "chunks_head"))[0]).subarray(0, 20_000)],
      run: (input) => {
        mkdirSync(headChunks, { recursive: true });
        writeFileSync(join(headChunks, "000001"), input);
        using files = new HeadChunkFiles(headChunks, cache);
        const buffer = new SampleBuffer();
        const found: (() => void)[] = [];
        for (const _ of files.open(({ file, offset, bytes }) => {
          found.push(() => {
            const { encoding, data } = files.read(file, offset, bytes);
            decodeChunk(encoding, data, -1e300, 1e300, buffer);
          });
        }));
        for (const step of found) step();
      },
    },
  ];
  return { targets, close: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Checksums of an index: that of a random section, and that of the table of contents. */
function resealIndex(input: Buffer, random: Random): void {
  const toc = input.length - 52;
  if (toc < 0) return;
  for (let i = 0; i < 6; i++) {
    const at = input.readUInt32BE(toc + 8 * i + 4);
    if (at === 0 || at + 8 > input.length || i === 1) continue;
    const length = input.readUInt32BE(at);
    const end = at + 4 + length;
    if (end + 4 <= input.length) input.writeUInt32BE(crc32c(input, at + 4, end), end);
  }
  // Series entries lie one behind the other at multiples of 16.
  let at = input.readUInt32BE(toc + 12);
  const until = input.readUInt32BE(toc + 36);
  while (at + 8 < Math.min(until, input.length)) {
    const length = input[at];
    if (length === 0 || length > 127 || at + 1 + length + 4 > input.length) break;
    input.writeUInt32BE(crc32c(input, at + 1, at + 1 + length), at + 1 + length);
    at = Math.ceil((at + 1 + length + 4) / 16) * 16;
  }
  if (random.below(4) > 0) input.writeUInt32BE(crc32c(input, toc, toc + 48), toc + 48);
}
