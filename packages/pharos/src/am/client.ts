/** The HTTP API of an Alertmanager, as amtool speaks to it. */

import { dirname, resolve } from "node:path";
import { ALERTMANAGER_VERSION } from "@pharos/alertmanager";
import { HttpClient, parseHttpClientConfig, parseYaml, Secret } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { failed, type Invocation, readText, textOf } from "./context.ts";

export interface ApiMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual?: boolean;
}

export interface ApiSilence {
  id: string;
  status: { state: string };
  matchers: ApiMatcher[];
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string>;
}

export interface ApiAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL?: string;
  status: { state: string };
}

export interface ApiStatus {
  cluster: { name?: string; status: string; peers: { name: string; address: string }[] };
  config: { original: string };
  uptime: string;
  versionInfo: Record<"branch" | "buildDate" | "buildUser" | "goVersion" | "revision" | "version", string>;
}

const MAX_BYTES = 512 * 2 ** 20;

/** The answer was an error. */
export class ApiError extends UserError {
  readonly status: number;
  constructor(status: number, message: string) {
    super("pharos.am", message);
    this.status = status;
  }
}

export class ApiClient implements AsyncDisposable {
  readonly #base: string;
  readonly #http: HttpClient;
  readonly #signal: AbortSignal;

  private constructor(base: string, http: HttpClient, signal: AbortSignal) {
    this.#base = base;
    this.#http = http;
    this.#signal = signal;
  }

  /** Warns when the versions differ, unless that is switched off. */
  static async open({ values, signal, warn }: Invocation): Promise<ApiClient> {
    const text = textOf(values, "alertmanager.url");
    if (!/^https?:\/\/[^/]/.test(text))
      throw failed(
        `not an http or https URL: ${JSON.stringify(text)}`,
        "Give --alertmanager.url like http://localhost:9093",
      );
    const url = new URL(text);
    const file = textOf(values, "http.config.file");
    if (url.username !== "" && file !== "")
      throw failed("basic authentication and http.config.file are mutually exclusive");
    const node = file === "" ? parseYaml("{}") : parseYaml(readText(file), resolve(dirname(file), file));
    const map = (node.isNull ? parseYaml("{}") : node).map();
    const config = parseHttpClientConfig(map);
    map.done("config.HTTPClientConfig");
    if (url.username !== "") {
      const secret = (value: string) => ({ value: new Secret(decodeURIComponent(value)) });
      config.basicAuth = { username: secret(url.username), password: secret(url.password) };
    }
    const base = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
    const client = new ApiClient(base, new HttpClient(config), signal);
    if (values["version-check"] !== false) await client.#checkVersion(warn);
    return client;
  }

  async #checkVersion(warn: (text: string) => void): Promise<void> {
    const minor = (version: string): string => version.split(".").slice(0, 2).join(".");
    try {
      const { version } = (await this.call<ApiStatus>("GET", "/api/v2/status")).versionInfo;
      if (minor(version) !== minor(ALERTMANAGER_VERSION))
        warn(
          `Warning: amtool version (${ALERTMANAGER_VERSION}) and alertmanager version (${version}) are different.\n`,
        );
    } catch {
      // The command itself will say what is wrong.
    }
  }

  /** Throws an ApiError, or what the system says. */
  async call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
    let answer: Awaited<ReturnType<HttpClient["fetch"]>>;
    try {
      answer = await this.#http.fetch(this.#base + path, {
        method,
        headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
        body: body === undefined ? undefined : JSON.stringify(body),
        maxBytes: MAX_BYTES,
        signal: this.#signal,
      });
    } catch (error) {
      if (this.#signal.aborted) throw failed("the Alertmanager does not answer in time", "Give more --timeout");
      const { code } = error as NodeJS.ErrnoException;
      throw failed(`cannot reach the Alertmanager at ${this.#base}: ${code ?? describeError(error)}`);
    }
    const text = answer.body.toString("utf8");
    if (answer.status < 200 || answer.status > 299) throw new ApiError(answer.status, errorText(text, answer.status));
    return (text.trim() === "" ? undefined : JSON.parse(text)) as T;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#http[Symbol.asyncDispose]();
  }
}

function errorText(text: string, status: number): string {
  try {
    const value = JSON.parse(text) as string | { message?: string };
    return typeof value === "string" ? value : (value.message ?? text);
  } catch {
    return text.trim() === "" ? `status ${status}` : text.trim();
  }
}

/** A list of parameters; those without a value are left out. */
export function query(parameters: Readonly<Record<string, string | boolean | readonly string[] | undefined>>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? (value as string[]) : [String(value)]) out.append(name, one);
  }
  const text = String(out);
  return text === "" ? "" : `?${text}`;
}
