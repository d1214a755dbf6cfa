/** Asks a remote read endpoint, and makes series of its answer. */
import { DEFAULT_BUCKETS, HttpClient, type Registry, snappyBound, snappyPack } from "@pharos/kit";
import {
  Labels,
  type Matcher,
  type SampleBuffer,
  type SelectHints,
  type StoredSeries,
  toFloatHistogram,
  UserError,
} from "@pharos/model";
import { crc32c, decodeChunk } from "@pharos/tsdb";
import { redactUrl } from "../remote-config.ts";
import { WireWriter } from "../wire-writer.ts";
import { unpackRequest } from "../write-receiver.ts";
import type { WrittenSeries } from "../write-request.ts";
import type { RemoteReadConfig } from "./config.ts";
import {
  decodeChunkedResponse,
  decodeReadResponse,
  encodeReadRequest,
  type ReadChunk,
  ResponseType,
} from "./messages.ts";

/** Bytes of an answer at most. */
const MAX_ANSWER = 2 ** 30;
const LABELS = ["remote_name", "url"] as const;
const STREAMED = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

export class ReadMetrics {
  readonly queries;
  readonly total;
  readonly duration;

  constructor(registry: Registry) {
    this.queries = registry.gauge("prometheus_remote_read_client_queries", "The number of in-flight remote read queries.", LABELS); // biome-ignore format: one metric a line
    this.total = registry.counter("prometheus_remote_read_client_queries_total", "The total number of remote read queries.", [...LABELS, "response_type", "code"]); // biome-ignore format: one metric a line
    this.duration = registry.histogram(
      "prometheus_remote_read_client_request_duration_seconds",
      "Histogram of the latency for remote read requests. Note that for streamed responses this is only the duration of the initial call and does not include the processing of the stream.",
      [...LABELS, "response_type"],
      [...DEFAULT_BUCKETS, 25, 60],
    );
  }
}

/** Samples as they came. */
class RemoteSamples implements StoredSeries {
  readonly labels: Labels;
  readonly #series: WrittenSeries;

  constructor(labels: Labels, series: WrittenSeries) {
    this.labels = labels;
    this.#series = series;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    const { samples, histograms } = this.#series;
    let next = 0;
    const takeHistograms = (until: number): void => {
      for (; next < histograms.length && histograms[next].timestamp <= until; next++) {
        const { timestamp, histogram } = histograms[next];
        if (timestamp >= mint && timestamp <= maxt) out.pushHistogram(timestamp, toFloatHistogram(histogram));
      }
    };
    for (const { timestamp, value, stale } of samples) {
      takeHistograms(timestamp);
      if (timestamp < mint || timestamp > maxt) continue;
      if (stale) out.pushStale(timestamp);
      else out.push(timestamp, value);
    }
    takeHistograms(Number.POSITIVE_INFINITY);
  }
}

/** Chunks of a streamed answer, decoded when they are read. */
class RemoteChunks implements StoredSeries {
  readonly labels: Labels;
  readonly chunks: ReadChunk[];

  constructor(labels: Labels, chunks: ReadChunk[]) {
    this.labels = labels;
    this.chunks = chunks;
  }

  read(mint: number, maxt: number, out: SampleBuffer): void {
    for (const { encoding, data } of this.chunks) decodeChunk(encoding, data, mint, maxt, out);
  }
}

function corrupt(reason: string): UserError {
  return new UserError("remote.read", `the answer to remote read cannot be read: ${reason}`);
}

/** The frames of a streamed answer. Throws a UserError for one that is damaged or larger than `limit` bytes. */
export function* frames(bytes: Buffer, limit: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    let size = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 42) throw corrupt("a frame without its size");
      size += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (size > limit) throw corrupt(`message size exceeded the limit ${limit} bytes; got: ${size} bytes`);
    if (at + 4 + size > bytes.length) throw corrupt("unexpected end of a frame");
    const frame = bytes.subarray(at + 4, at + 4 + size);
    if (crc32c(frame, 0, size) !== bytes.readUInt32BE(at)) throw corrupt("corrupted frame; checksum mismatch");
    at += 4 + size;
    yield frame;
  }
}

/** `strip`: labels to take off what is found. */
export function seriesOfStream(bytes: Buffer, limit: number, strip: ReadonlySet<string>): StoredSeries[] {
  const found: RemoteChunks[] = [];
  for (const frame of frames(bytes, limit)) {
    for (const { labels, chunks } of decodeChunkedResponse(frame).series) {
      const own = labels.filter((name) => !strip.has(name));
      const last = found.at(-1);
      if (last?.labels.equals(own)) last.chunks.push(...chunks);
      else found.push(new RemoteChunks(own, chunks));
    }
  }
  return found.sort((a, b) => a.labels.compare(b.labels));
}

export function seriesOfSamples(bytes: Buffer, strip: ReadonlySet<string>): StoredSeries[] {
  const found: StoredSeries[] = [];
  for (const { series } of decodeReadResponse(bytes)) {
    const labels = Labels.fromEntries(series.labels).filter((name) => !strip.has(name));
    found.push(new RemoteSamples(labels, series));
  }
  return found.sort((a, b) => a.labels.compare(b.labels));
}

export class ReadClient implements AsyncDisposable {
  readonly #config: RemoteReadConfig;
  readonly #http: HttpClient;
  readonly #metrics: ReadMetrics;
  readonly #userAgent: string;
  readonly #labels: readonly [string, string];

  /** Throws when a TLS file cannot be read. `name`: as shown in metrics. */
  constructor(config: RemoteReadConfig, name: string, metrics: ReadMetrics, userAgent: string) {
    this.#config = config;
    this.#http = new HttpClient(config.http);
    this.#metrics = metrics;
    this.#userAgent = userAgent;
    this.#labels = [name, redactUrl(config.url)];
  }

  /** Series sorted by labels, without those named in `strip`. Throws what went wrong. */
  async read(
    start: number,
    end: number,
    matchers: readonly Matcher[],
    hints: SelectHints | undefined,
    strip: ReadonlySet<string>,
  ): Promise<StoredSeries[]> {
    const { url, headers, remoteTimeout, chunkedReadLimit } = this.#config;
    const out = new WireWriter();
    encodeReadRequest(out, {
      queries: [{ start, end, matchers: [...matchers], hints }],
      accepted: [ResponseType.streamedChunks, ResponseType.samples],
    });
    const bytes = out.view();
    const packed = Buffer.allocUnsafe(snappyBound(bytes.length));
    const inFlight = this.#metrics.queries.labels(...this.#labels);
    const started = performance.now();
    inFlight.inc();
    try {
      const {
        status,
        headers: told,
        body,
      } = await this.#http.fetch(url, {
        method: "POST",
        headers: {
          ...headers,
          "content-encoding": "snappy",
          "content-type": "application/x-protobuf",
          "user-agent": this.#userAgent,
          "x-prometheus-remote-read-version": "0.1.0",
        },
        body: packed.subarray(0, snappyPack(bytes, packed)),
        maxBytes: MAX_ANSWER,
        acceptsEncodings: ["snappy"],
        signal: AbortSignal.timeout(remoteTimeout),
      });
      const contentType = String(told["content-type"] ?? "");
      const isStream = contentType.startsWith("application/x-streamed-protobuf");
      const kind = isStream ? "chunked" : "sampled";
      this.#metrics.total.labels(...this.#labels, status < 300 ? kind : "unknown", String(status)).inc();
      this.#metrics.duration.labels(...this.#labels, kind).observe((performance.now() - started) / 1000);
      if (status < 200 || status >= 300) {
        throw new Error(
          `remote server ${redactUrl(url)} returned http status ${status}: ${body.toString("utf8", 0, 1024).trim()}`,
        );
      }
      if (isStream) return seriesOfStream(body, chunkedReadLimit, strip);
      if (contentType.startsWith("application/x-protobuf")) return seriesOfSamples(unpackRequest(body), strip);
      throw new Error(`unsupported content type: ${contentType}; expected application/x-protobuf or ${STREAMED}`);
    } finally {
      inFlight.dec();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }
}
