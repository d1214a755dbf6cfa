/** Answers remote read from a storage, as samples or as a stream of chunks. */
import { snappyBound, snappyPack } from "@pharos/kit";
import { Labels, LOW_WORD, Matcher, type Queryable, SampleBuffer, type StoredSeries, UserError } from "@pharos/model";
import { crc32c, encodeBuffer } from "@pharos/tsdb";
import { WireWriter } from "../wire-writer.ts";
import { writeHistogram } from "../write-histogram.ts";
import {
  frameOf,
  type ReadChunk,
  type ReadQuery,
  type ReadRequest,
  ResponseType,
  writeChunkedResponse,
  writeReadLabels,
} from "./messages.ts";

export interface AnswerOptions {
  externalLabels: Labels;
  /** Samples of a query at most; 0: any. */
  sampleLimit: number;
  /** Bytes of chunks in a frame, about. */
  frameBytes: number;
}

/** Chunks do not cross multiples of this, as the head's do not. */
const CHUNK_RANGE_MS = 2 * 3600_000;

/** The first type the client accepts that there is. Throws a UserError when there is none. */
export function responseType(accepted: readonly number[]): number {
  if (accepted.length === 0) return ResponseType.samples;
  const found = accepted.find((type) => type === ResponseType.samples || type === ResponseType.streamedChunks);
  if (found !== undefined) return found;
  throw new UserError(
    "remote.read",
    `server does not support any of the requested response types: ${accepted.join(" ")}`,
    {
      fix: "Accept SAMPLES (0) or STREAMED_XOR_CHUNKS (1)",
    },
  );
}

/** Matchers for an external label look for its absence: nothing in the storage has it. */
function localMatchers(matchers: readonly Matcher[], externalLabels: Labels): Matcher[] {
  return matchers.map((matcher) =>
    matcher.type === "=" && externalLabels.get(matcher.name) === matcher.value
      ? new Matcher("=", matcher.name, "")
      : matcher,
  );
}

/** A series' own labels win. */
function withExternal(labels: Labels, externalLabels: Labels): Labels {
  return externalLabels.size === 0 ? labels : Labels.fromEntries([...externalLabels, ...labels]);
}

async function* selected(
  storage: Queryable,
  { start, end, matchers, hints }: ReadQuery,
  externalLabels: Labels,
): AsyncGenerator<{ labels: Labels; series: StoredSeries }> {
  using querier = storage.querier(start, end);
  for (const series of await querier.select(localMatchers(matchers, externalLabels), hints)) {
    yield { labels: withExternal(series.labels, externalLabels), series };
  }
}

/** The whole answer, packed. Throws a UserError beyond the limit of samples. */
export async function answerSamples(storage: Queryable, request: ReadRequest, options: AnswerOptions): Promise<Buffer> {
  const { externalLabels, sampleLimit } = options;
  const out = new WireWriter(2 ** 16);
  const buffer = new SampleBuffer();
  for (const query of request.queries) {
    const result = out.begin(1);
    let samples = 0;
    for await (const { labels, series } of selected(storage, query, externalLabels)) {
      buffer.clear();
      series.read(query.start, query.end, buffer);
      samples += buffer.length;
      if (sampleLimit > 0 && samples > sampleLimit) {
        throw new UserError("remote.read-limit", `exceeded sample limit (${sampleLimit})`, {
          fix: "Ask for fewer series or a shorter range, or raise --storage.remote.read-sample-limit",
        });
      }
      const message = out.begin(1);
      writeReadLabels(out, labels);
      writeRows(out, buffer);
      out.end(message);
    }
    out.end(result);
  }
  const bytes = out.view();
  const packed = Buffer.allocUnsafe(snappyBound(bytes.length));
  return packed.subarray(0, snappyPack(bytes, packed));
}

function writeRows(out: WireWriter, { length, timestamps, words, histograms }: SampleBuffer): void {
  for (let row = 0; row < length; row++) {
    const histogram = histograms?.[row];
    if (histogram) {
      writeHistogram(out, 4, timestamps[row], histogram);
      continue;
    }
    const sample = out.begin(2);
    out.words(1, words[2 * row + 1 - LOW_WORD], words[2 * row + LOW_WORD]);
    out.int64(2, timestamps[row]);
    out.end(sample);
  }
}

/** Frames of a streamed answer: one series each, or a part of one. */
export async function* answerChunks(
  storage: Queryable,
  request: ReadRequest,
  { externalLabels, frameBytes }: AnswerOptions,
): AsyncGenerator<Buffer> {
  const buffer = new SampleBuffer();
  const message = new WireWriter(2 ** 16);
  const frame = new WireWriter(2 ** 16);
  for (const [number, query] of request.queries.entries()) {
    for await (const { labels, series } of selected(storage, query, externalLabels)) {
      buffer.clear();
      series.read(query.start, query.end, buffer);
      // Start timestamps would need encodings that a client need not know.
      buffer.startTimestamps = undefined;
      const room = frameBytes - labels.pairs.reduce((sum, text) => sum + Buffer.byteLength(text) + 2, 0);
      for (const chunks of inFrames(encodeBuffer(buffer, CHUNK_RANGE_MS), room)) {
        message.reset();
        writeChunkedResponse(message, labels, chunks, number);
        frame.reset();
        const bytes = message.view();
        frameOf(bytes, crc32c(bytes, 0, bytes.length), frame);
        yield frame.copy();
      }
    }
  }
}

/** A frame is full with the chunk that reaches its size. */
function* inFrames(chunks: readonly ReadChunk[], room: number): Generator<ReadChunk[]> {
  let frame: ReadChunk[] = [];
  let left = room;
  for (const chunk of chunks) {
    frame.push(chunk);
    left -= chunk.data.length + 20;
    if (left > 0) continue;
    yield frame;
    frame = [];
    left = room;
  }
  if (frame.length > 0) yield frame;
}
