/** A client of the Kubernetes API: typed paths over HTTP, server-side apply, status patches, watches. */
import { Agent, type Dispatcher, request } from "undici";
import { groupVersion, type KubeObject, type ResourceType } from "../types.ts";
import { type ClientTarget, type Credentials, resolveTarget } from "./config.ts";

/** The API said no. `code` is the HTTP status, `reason` Kubernetes' own word for it. */
export class KubeError extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = "KubeError";
    this.code = code;
    this.reason = reason;
  }
}

export interface ObjectName {
  namespace?: string;
  name: string;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
}

export interface KubeList<T extends KubeObject = KubeObject> {
  metadata: { resourceVersion?: string; continue?: string };
  items: T[];
}

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: KubeObject & { code?: number; reason?: string; message?: string };
}

/** Largest line of a watch, in characters: an object cannot be larger than what the API server stores. */
const MAX_LINE = 16 * 2 ** 20;

export class KubeClient {
  readonly server: string;
  readonly #credentials: Credentials;
  readonly #dispatcher: Agent;

  constructor(server: string, credentials: Credentials) {
    this.server = server.replace(/\/+$/, "");
    this.#credentials = credentials;
    // Watches are quiet for minutes: only the connection itself may time out.
    this.#dispatcher = new Agent({
      connect: { timeout: 10_000, ...credentials.tls },
      bodyTimeout: 0,
      headersTimeout: 60_000,
    });
  }

  get<T extends KubeObject>(type: ResourceType, { namespace, name }: ObjectName, signal?: AbortSignal): Promise<T> {
    return this.#json<T>("GET", this.#path(type, namespace, name), undefined, undefined, signal);
  }

  list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<KubeList<T>> {
    return this.#json<KubeList<T>>(
      "GET",
      this.#path(type, options.namespace) + query(options),
      undefined,
      undefined,
      signal,
    );
  }

  create<T extends KubeObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    return this.#json<T>("POST", this.#path(type, object.metadata.namespace), object, "application/json", signal);
  }

  replace<T extends KubeObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#json<T>("PUT", this.#path(type, namespace, name), object, "application/json", signal);
  }

  /** JSON merge patch. */
  patch<T extends KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#json<T>("PATCH", this.#path(type, namespace, name), patch, "application/merge-patch+json", signal);
  }

  /** JSON merge patch of the status subresource. */
  patchStatus<T extends KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#json<T>(
      "PATCH",
      `${this.#path(type, namespace, name)}/status`,
      patch,
      "application/merge-patch+json",
      signal,
    );
  }

  /** Server-side apply. */
  apply<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: { fieldManager: string; force?: boolean },
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const path = `${this.#path(type, namespace, name)}?fieldManager=${encodeURIComponent(options.fieldManager)}&force=${options.force ?? false}`;
    return this.#json<T>("PATCH", path, object, "application/apply-patch+yaml", signal);
  }

  /** True when it was there. */
  async delete(type: ResourceType, { namespace, name }: ObjectName, signal?: AbortSignal): Promise<boolean> {
    try {
      await this.#json("DELETE", this.#path(type, namespace, name), undefined, undefined, signal);
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.code === 404) return false;
      throw error;
    }
  }

  /** Events until the server or the signal ends the watch. */
  async *watch(
    type: ResourceType,
    options: ListOptions & { allowWatchBookmarks?: boolean; timeoutSeconds?: number },
    signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const path = this.#path(type, options.namespace) + query({ ...options, watch: true });
    const { statusCode, body } = await this.#send("GET", path, undefined, undefined, signal);
    if (statusCode !== 200) throw await errorOf(statusCode, body);
    let rest = "";
    body.setEncoding("utf8");
    for await (const chunk of body as AsyncIterable<string>) {
      rest += chunk;
      let end: number;
      while ((end = rest.indexOf("\n")) >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        if (line.trim() !== "") yield JSON.parse(line) as WatchEvent;
      }
      if (rest.length > MAX_LINE) throw new Error(`a watch event of ${path} is larger than ${MAX_LINE} characters`);
    }
  }

  #path({ group, version, plural }: ResourceType, namespace?: string, name?: string): string {
    let path = `${group === "" ? "/api" : "/apis"}/${groupVersion({ group, version })}`;
    if (namespace) path += `/namespaces/${encodeURIComponent(namespace)}`;
    path += `/${plural}`;
    return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    contentType: string | undefined,
    signal?: AbortSignal,
  ) {
    const headers: Record<string, string> = { accept: "application/json", "user-agent": "pharos" };
    const token = await this.#credentials.token?.();
    if (token) headers.authorization = `Bearer ${token}`;
    if (contentType) headers["content-type"] = contentType;
    return request(this.server + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      dispatcher: this.#dispatcher,
    });
  }

  async #json<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    contentType: string | undefined,
    signal?: AbortSignal,
  ): Promise<T> {
    const answer = await this.#send(method, path, body, contentType, signal);
    if (answer.statusCode < 200 || answer.statusCode > 299) throw await errorOf(answer.statusCode, answer.body);
    return (await answer.body.json()) as T;
  }
}

async function errorOf(code: number, body: { text(): Promise<string> }): Promise<KubeError> {
  const text = await body.text();
  try {
    const status = JSON.parse(text) as { message?: string; reason?: string };
    return new KubeError(code, status.reason ?? "", status.message ?? text);
  } catch {
    return new KubeError(code, "", text.slice(0, 1000) || `HTTP status ${code}`);
  }
}

function query(options: object): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    if (name !== "namespace" && value !== undefined && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** A client of the named server, of a kubeconfig's current context, or of the cluster this process runs in. */
export function createKubeClient(target: ClientTarget): KubeClient {
  const { server, credentials } = resolveTarget(target);
  return new KubeClient(server, credentials);
}
