/** Sends one request to a remote write receiver and says what is to be done about a failure. */
import { HttpClient } from "@pharos/kit";
import { describeError } from "@pharos/model";
import { createAuthorizer } from "../auth/authorizer.ts";
import type { WriteVersion } from "../write-request.ts";
import type { RemoteWriteConfig } from "./config.ts";

/** What a receiver says it has written; all 0 when it says nothing. */
export interface WrittenCounts {
  samples: number;
  histograms: number;
  exemplars: number;
}

export interface StoreResult {
  ok: boolean;
  /** It may succeed when sent again. */
  recoverable: boolean;
  /** Wait so long before, ms; 0 leaves it to the sender, below 0 is a time that has passed. */
  retryAfter: number;
  /** HTTP status, 0 when there was no answer. */
  status: number;
  message: string;
  written: WrittenCounts;
}

const CONTENT_TYPES: Readonly<Record<WriteVersion, string>> = {
  1: "application/x-protobuf",
  2: "application/x-protobuf;proto=io.prometheus.write.v2.Request",
};
const VERSIONS: Readonly<Record<WriteVersion, string>> = { 1: "0.1.0", 2: "2.0.0" };
/** Bytes of an error's text that are told. */
const MAX_MESSAGE = 1024;
const MAX_ANSWER = 2 ** 20;

function retryAfter(header: string | string[] | undefined, now: number): number {
  const text = String(header ?? "");
  if (/^-?\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.trunc((date - now) / 1000) * 1000;
}

function count(header: string | string[] | undefined): number {
  const value = Number(header ?? 0);
  return Number.isInteger(value) && value > 0 ? value : 0;
}

export interface Store {
  /** Never rejects but when the signal ends it. */
  store(body: Buffer, attempt: number, signal: AbortSignal): Promise<StoreResult>;
}

export class WriteClient implements Store, AsyncDisposable {
  readonly #config: RemoteWriteConfig;
  readonly #http: HttpClient;
  readonly #authorizer;
  readonly #userAgent: string;

  /** Throws when a TLS file cannot be read. */
  constructor(config: RemoteWriteConfig, userAgent: string) {
    this.#config = config;
    this.#http = new HttpClient(config.http, { roundRobinDns: config.roundRobinDns });
    this.#authorizer = createAuthorizer(config.cloud);
    this.#userAgent = userAgent;
  }

  async store(body: Buffer, attempt: number, signal: AbortSignal): Promise<StoreResult> {
    const { url, version, headers, remoteTimeout, queue } = this.#config;
    const none = { samples: 0, histograms: 0, exemplars: 0 };
    const timed = AbortSignal.any([signal, AbortSignal.timeout(remoteTimeout)]);
    try {
      const contentType = CONTENT_TYPES[version];
      const proof = await this.#authorizer?.headers({ url: new URL(url), body, contentType }, timed);
      const answer = await this.#http.fetch(url, {
        method: "POST",
        headers: {
          ...headers,
          "content-encoding": "snappy",
          "content-type": contentType,
          "user-agent": this.#userAgent,
          "x-prometheus-remote-write-version": VERSIONS[version],
          ...(attempt > 0 ? { "retry-attempt": String(attempt) } : {}),
          ...proof,
        },
        body,
        maxBytes: MAX_ANSWER,
        signal: timed,
      });
      const { status } = answer;
      const written: WrittenCounts = {
        samples: count(answer.headers["x-prometheus-remote-write-samples-written"]),
        histograms: count(answer.headers["x-prometheus-remote-write-histograms-written"]),
        exemplars: count(answer.headers["x-prometheus-remote-write-exemplars-written"]),
      };
      if (status >= 200 && status < 300) {
        return { ok: true, recoverable: false, retryAfter: 0, status, message: "", written };
      }
      return {
        ok: false,
        recoverable: (status >= 500 && status < 600) || (status === 429 && queue.retryOnRateLimit),
        retryAfter: retryAfter(answer.headers["retry-after"], Date.now()),
        status,
        message: `server returned HTTP status ${status}: ${answer.body.toString("utf8", 0, MAX_MESSAGE).trim()}`,
        written,
      };
    } catch (error) {
      signal.throwIfAborted();
      const message = timed.aborted ? `no answer within ${remoteTimeout} ms` : describeError(error);
      return { ok: false, recoverable: true, retryAfter: 0, status: 0, message, written: none };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#http[Symbol.asyncDispose](), this.#authorizer?.[Symbol.asyncDispose]()]);
  }
}
