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

/** What is patched, and how. */
export interface PatchTarget extends ObjectName {
  /** JSON merge patch unless said otherwise; strategic patches work for built-in kinds only. */
  type?: "merge" | "json" | "strategic";
  subresource?: "status" | "scale";
  fieldManager?: string;
  dryRun?: boolean;
}

export interface DeleteTarget extends ObjectName {
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  gracePeriodSeconds?: number;
  /** The deletion is refused (409) when the object is another one by now. */
  preconditions?: { uid?: string; resourceVersion?: string };
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
  /**
   * How objects are sent: absent whole, `metadata` nothing else of them, `table` as rows that `kubectl get` shows, with
   * their metadata. A server that cannot do it refuses (406) rather than send everything.
   */
  form?: "metadata" | "table";
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
const JSON_TYPE = "application/json";
const META = "g=meta.k8s.io;v=v1";
const ACCEPT = {
  list: {
    metadata: `${JSON_TYPE};as=PartialObjectMetadataList;${META}`,
    table: `${JSON_TYPE};as=Table;${META}`,
  },
  watch: {
    metadata: `${JSON_TYPE};as=PartialObjectMetadata;${META}`,
    table: `${JSON_TYPE};as=Table;${META}`,
  },
};
const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
};
/** How long after its time a watch that the server does not end is given up, in milliseconds: its peer is gone. */
const WATCH_GRACE_MS = 30_000;
const HEADERS_TIMEOUT_MS = 60_000;

export class KubeClient implements AsyncDisposable {
  readonly server: string;
  /** Namespace of the kubeconfig's context or of the pod; "default" when neither names one. */
  readonly namespace: string;
  readonly #credentials: Credentials;
  readonly #dispatcher: Agent;

  constructor(server: string, credentials: Credentials) {
    this.server = server.replace(/\/+$/, "");
    this.namespace = credentials.namespace ?? "default";
    this.#credentials = credentials;
    // Watches are quiet for minutes: only the connection itself may time out.
    this.#dispatcher = new Agent({
      connect: { timeout: 10_000, ...credentials.tls },
      bodyTimeout: 0,
    });
  }

  get<T extends KubeObject>(type: ResourceType, { namespace, name }: ObjectName, signal?: AbortSignal): Promise<T> {
    return this.#json<T>("GET", this.#path(type, namespace, name), undefined, undefined, signal);
  }

  async list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<KubeList<T>> {
    const path = this.#path(type, options.namespace) + query(options);
    const accept = options.form && ACCEPT.list[options.form];
    const list = await this.#json<KubeList<T> & { kind?: string }>("GET", path, undefined, undefined, signal, accept);
    list.items ??= [];
    // Real servers leave the type out of the items of built-in kinds' lists.
    const kind = list.kind?.replace(/List$/, "") ?? "";
    for (const item of list.items) {
      item.apiVersion ??= groupVersion(type);
      item.kind ??= kind;
    }
    return list;
  }

  create<T extends KubeObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    return this.#json<T>("POST", this.#path(type, object.metadata.namespace), object, "application/json", signal);
  }

  replace<T extends KubeObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#json<T>("PUT", this.#path(type, namespace, name), object, "application/json", signal);
  }

  /** Replaces the status alone. */
  replaceStatus<T extends KubeObject>(type: ResourceType, object: T, signal?: AbortSignal): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#json<T>("PUT", `${this.#path(type, namespace, name)}/status`, object, "application/json", signal);
  }

  patch<T extends KubeObject>(
    type: ResourceType,
    { namespace, name, type: form = "merge", subresource, fieldManager, dryRun }: PatchTarget,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    const path = this.#path(type, namespace, name) + (subresource ? `/${subresource}` : "");
    const options = query({ fieldManager, dryRun: dryRun ? "All" : undefined });
    return this.#json<T>("PATCH", path + options, patch, PATCH_TYPES[form], signal);
  }

  /** JSON merge patch of the status subresource. */
  patchStatus<T extends KubeObject>(
    type: ResourceType,
    { namespace, name }: ObjectName,
    patch: unknown,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.patch<T>(type, { namespace, name, subresource: "status" }, patch, signal);
  }

  /** Server-side apply. */
  apply<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: { fieldManager: string; force?: boolean; subresource?: "status"; dryRun?: boolean },
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const { fieldManager, force = false, subresource, dryRun } = options;
    const path =
      this.#path(type, namespace, name) +
      (subresource ? `/${subresource}` : "") +
      query({ fieldManager, force, dryRun: dryRun ? "All" : undefined });
    return this.#json<T>("PATCH", path, object, "application/apply-patch+yaml", signal);
  }

  /** True when it was there. Finalizers may keep the object for a while all the same. */
  async delete(
    type: ResourceType,
    { namespace, name, ...options }: DeleteTarget,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const body = { kind: "DeleteOptions", apiVersion: "v1", ...options };
    try {
      await this.#json("DELETE", this.#path(type, namespace, name), body, "application/json", signal);
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.code === 404) return false;
      throw error;
    }
  }

  /** Deletes every object the options select. */
  async deleteCollection(type: ResourceType, options: ListOptions, signal?: AbortSignal): Promise<void> {
    await this.#json("DELETE", this.#path(type, options.namespace) + query(options), undefined, undefined, signal);
  }

  /** Events until the server or the signal ends the watch; `onOpen` is called when the server has agreed to it. */
  async *watch(
    type: ResourceType,
    {
      onOpen,
      ...options
    }: ListOptions & {
      allowWatchBookmarks?: boolean;
      timeoutSeconds?: number;
      onOpen?: () => void;
    },
    signal?: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const path = this.#path(type, options.namespace) + query({ ...options, watch: true });
    const bodyTimeout = options.timeoutSeconds === undefined ? 0 : options.timeoutSeconds * 1000 + WATCH_GRACE_MS;
    const accept = options.form && ACCEPT.watch[options.form];
    const { statusCode, body } = await this.#send("GET", path, undefined, undefined, signal, { bodyTimeout, accept });
    if (statusCode !== 200) throw await errorOf(statusCode, body);
    onOpen?.();
    let rest = "";
    body.setEncoding("utf8");
    for await (const chunk of body as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as WatchEvent;
      if (rest.length > MAX_LINE) throw new Error(`a watch event of ${path} is larger than ${MAX_LINE} characters`);
    }
  }

  /** HTTP status of any path of the server, such as `/livez`. */
  async statusOf(path: string, signal?: AbortSignal): Promise<number> {
    const { statusCode, body } = await this.#send("GET", path, undefined, undefined, signal);
    await body.dump();
    return statusCode;
  }

  #path({ group, version, plural }: ResourceType, namespace?: string, name?: string): string {
    let path = `${group === "" ? "/api" : "/apis"}/${groupVersion({ group, version })}`;
    if (namespace) path += `/namespaces/${encodeURIComponent(namespace)}`;
    path += `/${plural}`;
    return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
  }

  async close(): Promise<void> {
    await Promise.all([this.#dispatcher.destroy(), this.#credentials.http?.[Symbol.asyncDispose]()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    contentType: string | undefined,
    signal?: AbortSignal,
    { bodyTimeout, accept = JSON_TYPE }: { bodyTimeout?: number; accept?: string } = {},
  ): Promise<Dispatcher.ResponseData> {
    const { http } = this.#credentials;
    for (let renew = false; ; renew = true) {
      const headers: Record<string, string> = {
        ...(await http?.requestHeaders(signal)),
        accept,
        "user-agent": "pharos",
      };
      const authorization = await this.#credentials.authorization?.(renew);
      if (authorization) headers.authorization = authorization;
      if (contentType) headers["content-type"] = contentType;
      const response = await request(this.server + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        bodyTimeout,
        headersTimeout: HEADERS_TIMEOUT_MS,
        dispatcher: http?.dispatcherFor(new URL(this.server)) ?? this.#dispatcher,
      });
      // A token may have been revoked before its time: a fresh one is asked for, once.
      if (response.statusCode !== 401 || !authorization || renew) return response;
      await response.body.dump();
    }
  }

  async #json<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    body: unknown,
    contentType: string | undefined,
    signal?: AbortSignal,
    accept?: string,
  ): Promise<T> {
    const answer = await this.#send(method, path, body, contentType, signal, { accept });
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
    if (name !== "namespace" && name !== "form" && value !== undefined && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** A client of the named server, of a kubeconfig's current context, or of the cluster this process runs in. */
export function createKubeClient(target: ClientTarget): KubeClient {
  const { server, credentials } = resolveTarget(target);
  return new KubeClient(server, credentials);
}
