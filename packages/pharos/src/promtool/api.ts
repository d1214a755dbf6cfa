/** The HTTP API of a server, as promtool speaks to it. */
import { dirname, resolve } from "node:path";
import { type FlagSpecs, HttpClient, parseHttpClientConfig, parseYaml, Secret } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { FlagValues } from "../subcommands/subcommand.ts";
import { readTextFile } from "./files.ts";

export const HTTP_FLAGS = {
  "http.config.file": { type: "string", help: "HTTP client configuration file to connect to the server." },
} as const satisfies FlagSpecs;

export const HEADER_FLAG = {
  header: { type: "string", multiple: true, help: "Extra header to send, NAME=VALUE; may be given several times." },
} as const satisfies FlagSpecs;

const MAX_BYTES = 512 * 2 ** 20;

/** The answer said what is wrong. */
export class ApiError extends UserError {
  constructor(message: string) {
    super("pharos.api", message);
  }
}

/** `name=value` texts as a map, in kingpin's words when one is not. */
export function readPairs(texts: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {};
  for (const text of texts) {
    const match = /^([^=:]+)[=:](.*)$/s.exec(text);
    if (!match) throw new UserError("pharos.command", `expected KEY=VALUE got ${JSON.stringify(text)}`);
    out[match[1]] = match[2];
  }
  return out;
}

export interface ApiOptions {
  /** URL of the server; a missing scheme is http. */
  server: string;
  values: FlagValues;
  headers?: Record<string, string>;
  /** ms */
  timeout: number;
}

export interface ApiData<T> {
  data: T;
  warnings: string[];
}

export interface RawAnswer {
  status: number;
  body: Buffer;
}

export class ServerApi implements AsyncDisposable {
  readonly base: string;
  readonly #http: HttpClient;
  readonly #headers: Record<string, string>;
  readonly #timeout: number;

  /** Throws a UserError for a URL or a configuration file that will not do. */
  constructor({ server, values, headers = {}, timeout }: ApiOptions) {
    const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(server) ? server : `http://${server}`;
    if (!URL.canParse(text) || !/^https?:/i.test(text)) {
      throw new UserError("pharos.api", `not an http or https URL: ${JSON.stringify(server)}`, {
        fix: "Give it like http://localhost:9090",
      });
    }
    const url = new URL(text);
    const file = values["http.config.file"] as string | undefined;
    if (url.username !== "" && file !== undefined) {
      throw new UserError(
        "pharos.api",
        "Cannot set base auth in the server URL and use a http.config.file at the same time",
      );
    }
    const node = file === undefined ? parseYaml("{}") : parseYaml(readTextFile(file), resolve(dirname(file), file));
    const map = (node.isNull ? parseYaml("{}") : node).map();
    const config = parseHttpClientConfig(map);
    map.done("config.HTTPClientConfig");
    if (url.username !== "") {
      const secret = (value: string) => ({ value: new Secret(decodeURIComponent(value)) });
      config.basicAuth = { username: secret(url.username), password: secret(url.password) };
    }
    this.base = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
    this.#http = new HttpClient(config);
    this.#headers = headers;
    this.#timeout = timeout;
  }

  /** Whatever a path answers. */
  async get(path: string): Promise<RawAnswer> {
    return this.#fetch(path, { method: "GET", headers: this.#headers });
  }

  /** POST of bytes, with these headers beside those of the command line. */
  async post(path: string, body: Uint8Array, headers: Record<string, string>): Promise<RawAnswer> {
    return this.#fetch(path, { method: "POST", headers: { ...headers, ...this.#headers }, body });
  }

  /** `data` of an API answer, asked for by POST; an ApiError when it is an error. */
  async call<T>(path: string, form: URLSearchParams): Promise<ApiData<T>> {
    const headers = { "content-type": "application/x-www-form-urlencoded", ...this.#headers };
    return dataOf(await this.#fetch(path, { method: "POST", headers, body: form.toString() }));
  }

  /** The same by GET, for the endpoints that know nothing else. */
  async read<T>(path: string, query: URLSearchParams): Promise<ApiData<T>> {
    return dataOf(await this.get(`${path}?${query}`));
  }

  async #fetch(path: string, request: Parameters<HttpClient["fetch"]>[1]): Promise<RawAnswer> {
    const signal = AbortSignal.timeout(this.#timeout);
    try {
      return await this.#http.fetch(this.base + path, { ...request, maxBytes: MAX_BYTES, signal });
    } catch (error) {
      if (signal.aborted) {
        throw new UserError("pharos.api", `${this.base} does not answer in ${this.#timeout / 1000} seconds`);
      }
      throw new UserError("pharos.api", `${this.base}: ${(error as Error).message}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }
}

function dataOf<T>({ status, body }: RawAnswer): ApiData<T> {
  let answer: { status?: string; errorType?: string; error?: string; data: T; warnings?: string[] };
  try {
    answer = JSON.parse(body.toString("utf8"));
  } catch {
    const detail = body.toString("utf8").trim().slice(0, 2000);
    const kind = status >= 500 ? "server_error: server error" : "client_error: client error";
    throw new ApiError(`${kind}: ${status}${detail === "" ? "" : ` (detail: ${detail})`}`);
  }
  if (answer.status !== "success") throw new ApiError(`${answer.errorType}: ${answer.error}`);
  return { data: answer.data, warnings: answer.warnings ?? [] };
}
