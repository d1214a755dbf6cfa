/** An HTTP client made of an `http_config`: keep-alive connections, authentication, limits on time and size. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { UserError } from "@pharos/model";
import { type Dispatcher, request } from "undici";
import type { HttpClientConfig, SecretSource } from "./config.ts";
import { Connections } from "./connections.ts";
import { TokenSource } from "./oauth2.ts";

export interface HttpRequest {
  method?: Dispatcher.HttpMethod;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Largest body in bytes after decompression; 0: any. */
  maxBytes?: number;
  /** Size of a compressed body after decompression, when it can be guessed: saves copies. */
  expectedBytes?: number;
  /** Encodings of answers that the caller undoes itself. */
  acceptsEncodings?: readonly string[];
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The body is larger than allowed. */
export class BodyTooLarge extends Error {
  constructor() {
    super("body size limit exceeded");
  }
}

/** Compressed bytes beyond the limit on decompressed ones that are still read: gzip can make small bodies larger. */
const GZIP_OVERHEAD = 1024;
const MAX_CHUNK = 16 * 2 ** 20;

/** Secrets are read at each use, so that rotation takes effect. */
function reveal(source: SecretSource): string {
  if (source.value) return source.value.reveal();
  return source.file ? readFileSync(source.file, "utf8").trim() : "";
}

/** Decompressed bytes. Throws BodyTooLarge beyond `maxBytes` (0: any); `expectedBytes` is a guess of how many there will be. */
export function gunzip(raw: Buffer, maxBytes: number, expectedBytes: number): Buffer {
  try {
    return gunzipSync(raw, {
      // Inflating a scrape costs more than reading it: one chunk of the right size halves that.
      chunkSize: Math.min(MAX_CHUNK, Math.max(16_384, expectedBytes + 1024)),
      ...(maxBytes > 0 ? { maxOutputLength: maxBytes } : {}),
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLarge();
    throw error;
  }
}

export class HttpClient implements AsyncDisposable {
  readonly #config: HttpClientConfig;
  readonly #connections: Connections;
  readonly #token: TokenSource | undefined;

  /**
   * With `socketPath`, connects to that socket whatever the URL's host; with `roundRobinDns`, each connection goes to another
   * of its addresses. Throws when a TLS file cannot be read.
   */
  constructor(config: HttpClientConfig, options: { socketPath?: string; roundRobinDns?: boolean } = {}) {
    this.#config = config;
    this.#connections = new Connections({
      tls: config.tls,
      proxy: config,
      followRedirects: config.followRedirects,
      ...options,
    });
    this.#token = config.oauth2 && new TokenSource(config.oauth2, reveal);
  }

  /** Whether requests to this URL go straight to its host: no proxy, no other socket. */
  isDirect(url: URL): boolean {
    return this.#connections.isDirect(url);
  }

  /** The connections to use for this URL, for callers that read answers as they come. */
  dispatcherFor(url: URL): Dispatcher {
    return this.#connections.to(url);
  }

  /** Headers of authentication and from the configuration, as they are now. */
  async requestHeaders(signal?: AbortSignal): Promise<Record<string, string>> {
    const { basicAuth, authorization, headers } = this.#config;
    const out: Record<string, string> = {};
    for (const { name, values, secrets, files } of headers) {
      out[name.toLowerCase()] = [
        ...values,
        ...secrets.map((secret) => secret.reveal()),
        ...files.map((file) => readFileSync(file, "utf8").trim()),
      ].join(", ");
    }
    if (basicAuth) {
      const credentials = `${reveal(basicAuth.username)}:${reveal(basicAuth.password)}`;
      out.authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
    } else if (authorization) out.authorization = `${authorization.type} ${reveal(authorization.credentials)}`;
    else if (this.#token) out.authorization = `Bearer ${await this.#token.get(signal)}`;
    return out;
  }

  /** The whole answer, decompressed. Throws BodyTooLarge beyond `maxBytes`, and what undici throws. */
  async fetch(url: string, options: HttpRequest = {}): Promise<HttpResponse> {
    const { method = "GET", headers, body, maxBytes = 0, expectedBytes = 0, acceptsEncodings = [], signal } = options;
    const dispatcher = this.#connections.to(new URL(url));
    const answer = await request(url, {
      method,
      headers: { ...(await this.requestHeaders(signal)), ...headers },
      body,
      signal,
      dispatcher,
    });
    const encoding = String(answer.headers["content-encoding"] ?? "identity");
    const compressed = encoding === "gzip";
    if (!compressed && encoding !== "identity" && encoding !== "" && !acceptsEncodings.includes(encoding)) {
      await answer.body.dump();
      throw new UserError("kit.http", `unsupported content encoding ${JSON.stringify(encoding)}`);
    }
    const limit = maxBytes > 0 && compressed ? maxBytes + GZIP_OVERHEAD : maxBytes;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      // Leaving the loop closes the connection: the rest is not read.
      if (limit > 0 && size > limit) throw new BodyTooLarge();
      chunks.push(chunk);
    }
    const raw = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: compressed && size > 0 ? gunzip(raw, maxBytes, expectedBytes) : raw,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#connections[Symbol.asyncDispose](), this.#token?.[Symbol.asyncDispose]()]);
  }
}
