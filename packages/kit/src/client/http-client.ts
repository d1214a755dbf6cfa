/** An HTTP client made of an `http_config`: keep-alive connections, authentication, limits on time and size. */
import { readFileSync } from "node:fs";
import { createGunzip } from "node:zlib";
import { UserError } from "@pharos/model";
import { Agent, type Dispatcher, interceptors, ProxyAgent, request } from "undici";
import type { HttpClientConfig, OAuth2Config, SecretSource, TlsClientConfig } from "./config.ts";

export interface HttpRequest {
  method?: Dispatcher.HttpMethod;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Largest body in bytes after decompression; 0: any. */
  maxBytes?: number;
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The body is larger than allowed. */
export class BodyTooLarge extends Error {}

/** Redirects followed at most, as Go's client does. */
const MAX_REDIRECTS = 10;

function reveal(source: SecretSource): string {
  if (source.value) return source.value.reveal();
  return source.file ? readFileSync(source.file, "utf8").trim() : "";
}

function connectOptions(tls: TlsClientConfig) {
  const file = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : readFileSync(path, "utf8");
  return {
    ca: tls.ca ?? file(tls.caFile),
    cert: tls.cert ?? file(tls.certFile),
    key: tls.key?.reveal() ?? file(tls.keyFile),
    servername: tls.serverName,
    rejectUnauthorized: !tls.insecureSkipVerify,
    minVersion: tls.minVersion as "TLSv1.2" | undefined,
    maxVersion: tls.maxVersion as "TLSv1.3" | undefined,
  };
}

class TokenSource {
  readonly #config: OAuth2Config;
  #token: { text: string; expires: number } | undefined;

  constructor(config: OAuth2Config) {
    this.#config = config;
  }

  async get(signal?: AbortSignal): Promise<string> {
    if (this.#token && this.#token.expires > Date.now()) return this.#token.text;
    const { clientId, clientSecret, tokenUrl, scopes, endpointParams, tls } = this.#config;
    const form = new URLSearchParams({ grant_type: "client_credentials", ...endpointParams });
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const dispatcher = new Agent({ connect: connectOptions(tls) });
    try {
      const credentials = Buffer.from(
        `${encodeURIComponent(clientId)}:${encodeURIComponent(reveal(clientSecret))}`,
      ).toString("base64");
      const { statusCode, body } = await request(tokenUrl, {
        method: "POST",
        headers: {
          authorization: `Basic ${credentials}`,
          "content-type": "application/x-www-form-urlencoded",
          accept: "application/json",
        },
        body: form.toString(),
        signal,
        dispatcher,
      });
      const answer = (await body.json()) as { access_token?: string; expires_in?: number };
      if (statusCode !== 200 || !answer.access_token)
        throw new Error(`oauth2: cannot fetch token: status ${statusCode}`);
      // A token about to expire would be refused on the way.
      this.#token = { text: answer.access_token, expires: Date.now() + ((answer.expires_in ?? 3600) - 10) * 1000 };
      return answer.access_token;
    } finally {
      await dispatcher.close();
    }
  }
}

function bypassesProxy(host: string, noProxy: string): boolean {
  return noProxy
    .split(",")
    .map((entry) => entry.trim().replace(/^\./, ""))
    .some((entry) => entry !== "" && (entry === "*" || host === entry || host.endsWith(`.${entry}`)));
}

export class HttpClient implements AsyncDisposable {
  readonly #config: HttpClientConfig;
  readonly #direct: Dispatcher;
  readonly #agents: Agent[] = [];
  readonly #proxied: Dispatcher | undefined;
  readonly #noProxy: string;
  readonly #token: TokenSource | undefined;

  /** With `socketPath`, connects to that socket whatever the URL's host. Throws when a TLS file cannot be read. */
  constructor(config: HttpClientConfig, options: { socketPath?: string } = {}) {
    this.#config = config;
    const connect = { ...connectOptions(config.tls), ...options };
    const agent = new Agent({ connect, connections: null, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
    this.#agents.push(agent);
    const redirect = interceptors.redirect({ maxRedirections: MAX_REDIRECTS });
    const wrap = (dispatcher: Dispatcher): Dispatcher =>
      config.followRedirects ? dispatcher.compose(redirect) : dispatcher;
    this.#direct = wrap(agent);
    const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, NO_PROXY, no_proxy } = process.env;
    const fromEnvironment = config.proxyFromEnvironment
      ? (HTTPS_PROXY ?? https_proxy ?? HTTP_PROXY ?? http_proxy)
      : undefined;
    this.#noProxy = config.noProxy || (config.proxyFromEnvironment ? (NO_PROXY ?? no_proxy ?? "") : "");
    const proxyUrl = config.proxyUrl ?? fromEnvironment;
    if (proxyUrl) {
      const headers = Object.fromEntries(
        Object.entries(config.proxyHeaders).map(([name, values]) => [name, values.join(", ")]),
      );
      this.#proxied = wrap(new ProxyAgent({ uri: proxyUrl, requestTls: connect, headers }));
    }
    this.#token = config.oauth2 && new TokenSource(config.oauth2);
  }

  async #headers(signal?: AbortSignal): Promise<Record<string, string>> {
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
    const { method = "GET", headers, body, maxBytes = 0, signal } = options;
    const host = new URL(url).hostname;
    const dispatcher = this.#proxied && !bypassesProxy(host, this.#noProxy) ? this.#proxied : this.#direct;
    const answer = await request(url, {
      method,
      headers: { ...(await this.#headers(signal)), ...headers },
      body,
      signal,
      dispatcher,
    });
    const encoding = String(answer.headers["content-encoding"] ?? "identity");
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (maxBytes > 0 && size > maxBytes) throw new BodyTooLarge(`body size limit exceeded`);
      chunks.push(chunk);
    };
    if (encoding === "gzip") {
      const gunzip = createGunzip();
      answer.body.on("error", (error) => gunzip.destroy(error));
      answer.body.pipe(gunzip);
      for await (const chunk of gunzip) take(chunk as Buffer);
    } else if (encoding === "identity" || encoding === "") {
      for await (const chunk of answer.body) take(chunk as Buffer);
    } else {
      await answer.body.dump();
      throw new UserError("kit.http", `unsupported content encoding ${JSON.stringify(encoding)}`);
    }
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.map((agent) => agent.destroy()), this.#proxied?.destroy()]);
  }
}
