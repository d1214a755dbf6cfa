/** Fetching one target: the headers of a scrape, and the cheapest connection that can do it. */
import { STATUS_CODES } from "node:http";
import { BodyTooLarge, gunzip, type HttpClient } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { ScrapeConfig } from "./config.ts";
import { acceptHeader } from "./content-type.ts";
import { PlainConnection } from "./plain-connection.ts";
import type { TargetSpec } from "./target.ts";

/** Dispose of it when the body has been read: its memory is used again. */
export interface Fetched extends Disposable {
  body: Buffer;
  contentType: string | undefined;
}

/** Compressed bytes beyond the limit on decompressed ones that are still read. */
const GZIP_OVERHEAD = 1024;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function checkStatus(status: number): void {
  if (status === 200) return;
  throw new UserError("scrape.status", `server returned HTTP status ${status} ${STATUS_CODES[status] ?? ""}`.trim());
}

export class Fetcher implements Disposable {
  readonly #url: string;
  readonly #client: HttpClient;
  readonly #followRedirects: boolean;
  readonly #headers: Record<string, string>;
  /** Largest body in bytes after decompression; 0: any. */
  readonly #maxBytes: number;
  /** undefined where only the general client will do. */
  #plain: PlainConnection | undefined;
  #target = "";
  /** Size of the last body, after and before decompression. */
  #lastBytes = 0;
  #lastRawBytes = 0;

  constructor(spec: TargetSpec, config: ScrapeConfig, client: HttpClient, userAgent: string) {
    this.#url = spec.url;
    this.#client = client;
    this.#followRedirects = config.http.followRedirects;
    // As upstream: a body of exactly the limit is too large already.
    this.#maxBytes = config.bodySizeLimit > 0 ? config.bodySizeLimit - 1 : 0;
    this.#headers = {
      accept: acceptHeader(config.scrapeProtocols, config.metricNameEscapingScheme),
      "accept-encoding": config.enableCompression ? "gzip" : "identity",
      "user-agent": userAgent,
      "x-prometheus-scrape-timeout-seconds": String(spec.timeout / 1000),
    };
    if (!URL.canParse(spec.url)) return;
    const url = new URL(spec.url);
    if (url.protocol !== "http:" || url.username !== "" || url.password !== "" || !client.isDirect(url)) return;
    this.#plain = new PlainConnection(url);
    this.#target = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  }

  /** The body of a good answer. Throws a UserError for any other status, BodyTooLarge, and what connections throw. */
  async fetch(signal: AbortSignal): Promise<Fetched> {
    const headers = { ...(await this.#client.requestHeaders(signal)), ...this.#headers };
    return (this.#plain && (await this.#fetchPlain(this.#plain, headers, signal))) ?? this.#fetchGeneral(signal);
  }

  async #fetchGeneral(signal: AbortSignal): Promise<Fetched> {
    const { status, headers, body } = await this.#client.fetch(this.#url, {
      headers: this.#headers,
      maxBytes: this.#maxBytes,
      expectedBytes: this.#lastBytes,
      signal,
    });
    checkStatus(status);
    if (body.length > 0) this.#lastBytes = body.length;
    const contentType = headers["content-type"];
    return {
      body,
      contentType: Array.isArray(contentType) ? contentType[0] : contentType,
      [Symbol.dispose]: () => {},
    };
  }

  /** undefined when the answer sends us elsewhere, which is for the general client to follow. */
  async #fetchPlain(
    connection: PlainConnection,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Fetched | undefined> {
    let head = this.#target;
    for (const [name, value] of Object.entries(headers)) {
      if (/[\r\n]/.test(value)) throw new Error(`net/http: invalid header field value for ${JSON.stringify(name)}`);
      head += `${name}: ${value}\r\n`;
    }
    const answer = await connection.request({
      head,
      maxBytes:
        this.#maxBytes === 0 ? 0 : this.#maxBytes + (this.#headers["accept-encoding"] === "gzip" ? GZIP_OVERHEAD : 0),
      expectedBytes: this.#lastRawBytes,
      signal,
    });
    const { status, headers: answered, body } = answer;
    const release = (): void => body[Symbol.dispose]();
    try {
      if (REDIRECTS.has(status) && this.#followRedirects && answered.has("location")) {
        release();
        connection[Symbol.dispose]();
        this.#plain = undefined;
        return undefined;
      }
      checkStatus(status);
      return this.#decode(body.bytes, answered, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  #decode(raw: Buffer, headers: ReadonlyMap<string, string>, release: () => void): Fetched {
    const contentType = headers.get("content-type");
    const encoding = (headers.get("content-encoding") ?? "identity").toLowerCase();
    this.#lastRawBytes = raw.length;
    if (encoding === "gzip" && raw.length > 0) {
      const body = gunzip(raw, this.#maxBytes, this.#lastBytes);
      release();
      this.#lastBytes = body.length;
      return { body, contentType, [Symbol.dispose]: () => {} };
    }
    if (encoding !== "identity" && encoding !== "" && encoding !== "gzip") {
      throw new UserError("scrape.encoding", `unsupported content encoding ${JSON.stringify(encoding)}`);
    }
    if (this.#maxBytes > 0 && raw.length > this.#maxBytes) throw new BodyTooLarge();
    return { body: raw, contentType, [Symbol.dispose]: release };
  }

  [Symbol.dispose](): void {
    this.#plain?.[Symbol.dispose]();
  }
}
