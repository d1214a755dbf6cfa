/** Requests to an API: a time and a size limit on each, an error that says what the server said when it refuses. */
import { HttpClient, type HttpClientConfig, type HttpRequest, type HttpResponse } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { Json } from "./json.ts";
import { parseXml, type XmlElement } from "./xml.ts";

export const USER_AGENT = "Prometheus/3.14.0";
const MAX_BYTES = 64 * 2 ** 20;
/** Of an error's body, so many characters are shown. */
const SHOWN = 200;

export interface ApiOptions {
  /** For each request, ms. */
  timeoutMs: number;
  /** Ends all requests. */
  signal: AbortSignal;
  /** Connects to this socket whatever the URL's host. */
  socketPath?: string;
}

export type ApiRequest = Omit<HttpRequest, "maxBytes" | "expectedBytes">;

/** A server answered with a status that is no success. */
export class ApiStatusError extends UserError {
  readonly status: number;
  readonly body: string;

  constructor(url: string, { status, body }: HttpResponse) {
    const text = body.toString("utf8");
    const said = text.trim().slice(0, SHOWN).replace(/\s+/g, " ");
    const { origin, pathname } = new URL(url);
    super("discovery.status", `${origin}${pathname} answers HTTP status ${status}${said === "" ? "" : `: ${said}`}`);
    this.status = status;
    this.body = text;
  }
}

export class Api implements AsyncDisposable {
  readonly #client: HttpClient;
  readonly #options: ApiOptions;

  /** Throws when a TLS file cannot be read. */
  constructor(config: HttpClientConfig, options: ApiOptions) {
    this.#client = new HttpClient(config, { socketPath: options.socketPath });
    this.#options = options;
  }

  /** The client below, for those who ask for tokens with it. */
  get http(): HttpClient {
    return this.#client;
  }

  /** The answer whatever its status. */
  fetch(url: string, request: ApiRequest & { timeoutMs?: number } = {}): Promise<HttpResponse> {
    const { timeoutMs = this.#options.timeoutMs, signal, headers, ...rest } = request;
    const { bare, authorization } = userOf(url);
    const signals = [this.#options.signal, AbortSignal.timeout(Math.max(1, timeoutMs)), ...(signal ? [signal] : [])];
    return this.#client.fetch(bare, {
      ...rest,
      headers: { "user-agent": USER_AGENT, accept: "application/json", ...authorization, ...headers },
      maxBytes: MAX_BYTES,
      signal: AbortSignal.any(signals),
    });
  }

  /** The answer when its status is a success, else an ApiStatusError. */
  async get(url: string, request: ApiRequest & { timeoutMs?: number } = {}): Promise<HttpResponse> {
    const answer = await this.fetch(url, request);
    if (answer.status < 200 || answer.status > 299) throw new ApiStatusError(url, answer);
    return answer;
  }

  async json(url: string, request: ApiRequest = {}): Promise<Json> {
    return Json.parse((await this.get(url, request)).body.toString("utf8"));
  }

  /** Posts JSON and reads JSON. */
  post(url: string, body: unknown, request: ApiRequest = {}): Promise<Json> {
    const headers = { "content-type": "application/json", ...request.headers };
    return this.json(url, { ...request, method: "POST", headers, body: JSON.stringify(body) });
  }

  async xml(url: string, request: ApiRequest = {}): Promise<XmlElement> {
    const headers = { accept: "application/xml", ...request.headers };
    return parseXml((await this.get(url, { ...request, headers })).body.toString("utf8"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }
}

/** A URL without its user, who becomes a header: it goes before what the configuration has, as in Go. */
function userOf(text: string): { bare: string; authorization: Record<string, string> } {
  if (!/^https?:\/\/[^/?#]*@/i.test(text)) return { bare: text, authorization: {} };
  const url = new URL(text);
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  return { bare: String(url), authorization: { authorization: `Basic ${Buffer.from(user).toString("base64")}` } };
}

/** A text without the passwords of URLs in it. */
export function withoutPasswords(text: string): string {
  return text.replace(/(:\/\/[^\s/?#:@]*):[^\s/?#@]*@/g, "$1:<secret>@");
}

/** A URL with parameters behind what it has already; undefined ones are left out. */
export function withQuery(
  url: string,
  parameters: Readonly<Record<string, string | readonly string[] | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of value === undefined ? [] : typeof value === "string" ? [value] : value) query.append(name, each);
  }
  const text = query.toString();
  return text === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${text}`;
}
