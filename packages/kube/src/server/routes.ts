/** The REST interface: from a request to the store and back. */
import { isIP } from "node:net";
import type { Logger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parseFieldSelector, parseLabelSelector } from "../selector.ts";
import type { KubeObject } from "../types.ts";
import { type Form, negotiateForm } from "./accept.ts";
import type { Manager } from "./apply.ts";
import { aggregatedDiscovery, apiGroupList, apiGroupOf, apiResourceList, apiVersions } from "./discovery.ts";
import type { ResourceKind } from "./kinds.ts";
import { ListPages } from "./list-pages.ts";
import { applyJsonPatch, mergePatch, strategicMerge } from "./merge.ts";
import { checkUnknownFields } from "./object-rules.ts";
import { EMPTY_OPENAPI_V2, openApiDocument, openApiIndex } from "./openapi.ts";
import { decodeProtobuf } from "./protobuf.ts";
import {
  type Body,
  objectOf,
  parseBody,
  parsePath,
  parseWriteQuery,
  type ResourcePath,
  type WriteQuery,
} from "./request.ts";
import { readScale, writeScale } from "./scale.ts";
import { badRequest, StatusError } from "./status-error.ts";
import type { Store } from "./store.ts";
import { type IncludeObject, partialMetadata, tableOf } from "./table.ts";
import { serveWatch } from "./watch.ts";

/** Subresources that need a kubelet. */
const OF_RUNNING_PODS = new Set(["log", "exec", "attach", "portforward", "proxy", "eviction", "binding", "resize"]);
/** Headers have a limit too. */
const MAX_WARNINGS = 20;
const MAX_WATCH_MS = 30 * 60_000;

interface Context {
  store: Store;
  pages: ListPages;
  request: FastifyRequest;
  reply: FastifyReply;
  params: URLSearchParams;
  path: ResourcePath;
  form: Form;
}

function managerOf(
  request: FastifyRequest,
  query: WriteQuery,
  operation: "Apply" | "Update",
  subresource?: string,
): Manager {
  // As upstream: the program's name from the user agent when the request names nobody.
  const agent = (request.headers["user-agent"] ?? "unknown").split("/")[0].slice(0, 128);
  return { name: query.fieldManager ?? agent, operation, ...(subresource ? { subresource } : {}) };
}

function warn(reply: FastifyReply, warnings: readonly string[]): void {
  // Headers are ASCII; field names need not be.
  const quoted = (text: string): string => JSON.stringify(text).replaceAll(/[^ -~]/g, "?");
  for (const text of warnings.slice(0, MAX_WARNINGS))
    void reply.header("Warning", `299 - ${quoted(text.slice(0, 500))}`);
}

function includeObject(params: URLSearchParams): IncludeObject {
  const value = params.get("includeObject") ?? "Metadata";
  return value === "None" || value === "Object" ? value : "Metadata";
}

function sendObject({ reply, form, path, params }: Context, object: KubeObject, code = 200): FastifyReply {
  void reply.code(code).type("application/json");
  if (form.as === "Table") {
    return reply.send(
      tableOf(path.kind, [object], { resourceVersion: object.metadata.resourceVersion }, includeObject(params)),
    );
  }
  return reply.send(form.as === "PartialObjectMetadata" ? partialMetadata(object) : object);
}

function selectors(kind: ResourceKind, params: URLSearchParams): (object: KubeObject) => boolean {
  const byLabels = parseLabelSelector(params.get("labelSelector") ?? "");
  const byFields = parseFieldSelector(params.get("fieldSelector") ?? "", kind.kind);
  return (object) => byLabels(object.metadata.labels ?? {}) && byFields(object);
}

function list(context: Context): FastifyReply {
  const { store, reply, params, path, form } = context;
  const limitText = params.get("limit") ?? "0";
  if (!/^\d{1,9}$/.test(limitText)) throw badRequest(`limit: ${JSON.stringify(limitText)} is not a whole number`);
  const limit = Number(limitText);
  const token = params.get("continue");
  const all = () => store.list(path.kind, path.namespace).filter(selectors(path.kind, params));
  const page = token ? context.pages.next(token, limit) : context.pages.first(all(), store.version, limit);
  const items = page.objects;
  const metadata = {
    resourceVersion: String(page.version),
    ...(page.next ? { continue: page.next, remainingItemCount: page.remaining } : {}),
  };
  void reply.type("application/json");
  if (form.as === "Table") return reply.send(tableOf(path.kind, items, metadata, includeObject(params)));
  const { group, version, kind } = path.kind;
  if (form.as === "PartialObjectMetadata") {
    return reply.send({
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata,
      items: items.map(partialMetadata),
    });
  }
  return reply.send({
    kind: `${kind}List`,
    apiVersion: group === "" ? version : `${group}/${version}`,
    metadata,
    items,
  });
}

function watch(context: Context): FastifyReply {
  const { store, reply, params, path, form } = context;
  const seconds = Number(params.get("timeoutSeconds") ?? 0);
  const version = params.get("resourceVersion") ?? "";
  if (!/^\d*$/.test(version)) throw badRequest(`invalid resource version ${JSON.stringify(version)}`);
  const include = includeObject(params);
  const byName = path.name === undefined ? () => true : (object: KubeObject) => object.metadata.name === path.name;
  const selected = selectors(path.kind, params);
  void reply.hijack();
  serveWatch(
    store,
    {
      kind: path.kind,
      namespace: path.namespace,
      matches: (object) => byName(object) && selected(object),
      resourceVersion: version === "" ? undefined : Number(version),
      sendInitialEvents: params.get("sendInitialEvents") === "true",
      bookmarks: params.get("allowWatchBookmarks") === "true",
      timeoutMs: seconds > 0 ? Math.min(seconds * 1000, MAX_WATCH_MS) : MAX_WATCH_MS,
      render: (object, first) => {
        if (form.as === "Table")
          return tableOf(path.kind, [object], { resourceVersion: object.metadata.resourceVersion }, include, first);
        return form.as === "PartialObjectMetadata" ? partialMetadata(object) : object;
      },
    },
    reply.raw,
  );
  return reply;
}

function read(context: Context): FastifyReply {
  const { params, path, store } = context;
  if (params.get("watch") === "true" || params.get("watch") === "1") return watch(context);
  if (path.name === undefined) return list(context);
  const object = store.get(path.kind, path.namespace, path.name);
  if (path.subresource === "scale") return context.reply.type("application/json").send(readScale(path.kind, object));
  return sendObject(context, object);
}

function bodyOf(request: FastifyRequest, { fieldValidation }: WriteQuery): Body {
  const yaml = String(request.headers["content-type"]).includes("yaml");
  return parseBody((request.body as string | undefined) ?? "", yaml, fieldValidation !== "Ignore");
}

async function create(context: Context): Promise<FastifyReply> {
  const { request, reply, params, path, store } = context;
  const query = parseWriteQuery(params);
  const { value, duplicates } = bodyOf(request, query);
  const object = objectOf(value, path);
  warn(reply, checkUnknownFields(path.kind, object, query.fieldValidation, duplicates));
  const made = await store.create(path.kind, object, {
    manager: managerOf(request, query, "Update"),
    dryRun: query.dryRun,
  });
  return sendObject(context, made, 201);
}

async function replace(context: Context): Promise<FastifyReply> {
  const { request, reply, params, path, store } = context;
  const query = parseWriteQuery(params);
  const { value, duplicates } = bodyOf(request, query);
  const options = { manager: managerOf(request, query, "Update", path.subresource), dryRun: query.dryRun };
  if (path.subresource === "scale") {
    const object = await store.update(
      path.kind,
      path.namespace,
      path.name!,
      (live) => writeScale(path.kind, live, value),
      options,
    );
    return reply.type("application/json").send(readScale(path.kind, object));
  }
  const object = objectOf(value, path);
  warn(reply, checkUnknownFields(path.kind, object, query.fieldValidation, duplicates));
  if (path.kind.custom && !object.metadata.resourceVersion) {
    throw new StatusError(
      422,
      "Invalid",
      `${path.kind.kind}.${path.kind.group} ${JSON.stringify(path.name)} is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
    );
  }
  const status = path.subresource === "status" ? ("status" as const) : undefined;
  return sendObject(
    context,
    await store.update(path.kind, path.namespace, path.name!, () => object, { ...options, subresource: status }),
  );
}

async function patch(context: Context): Promise<FastifyReply> {
  const { request, reply, params, path, store } = context;
  const query = parseWriteQuery(params);
  const type = String(request.headers["content-type"]).split(";")[0];
  const { value, duplicates } = bodyOf(request, query);
  const status = path.subresource === "status" ? ("status" as const) : undefined;
  if (type === "application/apply-patch+yaml") {
    if (!query.fieldManager)
      throw new StatusError(
        422,
        "Invalid",
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      );
    const applied = objectOf(value, path);
    if (applied.metadata.managedFields?.length) throw badRequest("metadata.managedFields must be nil");
    warn(reply, checkUnknownFields(path.kind, applied, query.fieldValidation));
    delete applied.metadata.managedFields;
    const { object, created } = await store.apply(path.kind, path.namespace, path.name!, applied, {
      manager: managerOf(request, query, "Apply", path.subresource),
      dryRun: query.dryRun,
      force: query.force,
      subresource: status,
    });
    return sendObject(context, object, created ? 201 : 200);
  }
  const apply = (live: unknown): unknown => {
    if (type === "application/merge-patch+json") return mergePatch(live, value);
    if (type === "application/json-patch+json") return applyJsonPatch(live, value);
    if (type === "application/strategic-merge-patch+json" && !path.kind.custom)
      return strategicMerge(live, value, path.kind.schema);
    throw new StatusError(
      415,
      "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    );
  };
  const options = {
    manager: managerOf(request, query, "Update", path.subresource),
    dryRun: query.dryRun,
    subresource: status,
  };
  if (path.subresource === "scale") {
    const scaled = await store.update(
      path.kind,
      path.namespace,
      path.name!,
      (live) => writeScale(path.kind, live, apply(readScale(path.kind, live))),
      options,
    );
    return reply.type("application/json").send(readScale(path.kind, scaled));
  }
  let warnings: string[] = [];
  const change = (live: KubeObject): KubeObject => {
    const next = objectOf(apply(live), path);
    warnings = checkUnknownFields(path.kind, next, query.fieldValidation, duplicates);
    return next;
  };
  const object = await store.update(path.kind, path.namespace, path.name!, change, options);
  warn(reply, warnings);
  return sendObject(context, object);
}

async function remove(context: Context): Promise<FastifyReply> {
  const { request, reply, params, path, store } = context;
  const query = parseWriteQuery(params);
  const text = (request.body as string | undefined) ?? "";
  const options = (text.trim() === "" ? {} : parseBody(text, false).value) as {
    preconditions?: { uid?: string; resourceVersion?: string };
    propagationPolicy?: string;
    dryRun?: string[];
  };
  const write = {
    manager: managerOf(request, query, "Update"),
    dryRun: query.dryRun || options.dryRun?.includes("All"),
    preconditions: options.preconditions,
    propagation: params.get("propagationPolicy") ?? options.propagationPolicy,
  };
  if (path.name === undefined) {
    if (path.kind.withoutDeleteCollection) throw methodNotAllowed();
    const doomed = store.list(path.kind, path.namespace).filter(selectors(path.kind, params));
    for (const { metadata } of doomed) await store.delete(path.kind, metadata.namespace ?? "", metadata.name!, write);
    return reply.type("application/json").send({
      kind: `${path.kind.kind}List`,
      apiVersion: "v1",
      metadata: { resourceVersion: String(store.version) },
      items: doomed,
    });
  }
  const object = await store.delete(path.kind, path.namespace, path.name, write);
  if (object.metadata.finalizers?.length) return sendObject(context, object);
  const details = {
    name: path.name,
    ...(path.kind.group === "" ? {} : { group: path.kind.group }),
    kind: path.kind.plural,
    uid: object.metadata.uid,
  };
  return reply
    .type("application/json")
    .send({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

const methodNotAllowed = () =>
  new StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");

const METHODS: Record<string, (context: Context) => FastifyReply | Promise<FastifyReply>> = {
  GET: read,
  POST: create,
  PUT: replace,
  PATCH: patch,
  DELETE: remove,
};

/** A page of another site must not reach a server on loopback through a name that resolves to it. */
function isTrustedHost(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  const host = (header ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return allowed.has(host) || isIP(host) !== 0;
}

export function mountRoutes(app: FastifyInstance, store: Store, listenHost: string, log: Logger): void {
  const trusted = new Set(["localhost", listenHost]);
  // Bodies are read as text: which form they have depends on the request.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.addContentTypeParser("application/vnd.kubernetes.protobuf", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, JSON.stringify(decodeProtobuf(body as Buffer)));
    } catch (error) {
      done(error as Error);
    }
  });
  app.addHook("onRequest", async (request) => {
    if (!isTrustedHost(request.headers.host, trusted)) {
      throw new StatusError(403, "Forbidden", `host ${JSON.stringify(request.headers.host)} is not served here`);
    }
    if (request.headers.origin !== undefined && request.method !== "GET") {
      throw new StatusError(403, "Forbidden", "requests of web pages may not change anything");
    }
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    let status: StatusError;
    if (error instanceof StatusError) status = error;
    else if (error instanceof UserError) status = badRequest(error.message);
    else if (error.statusCode === 413) status = new StatusError(413, "RequestEntityTooLarge", error.message);
    else if (error instanceof URIError || (error.statusCode ?? 500) < 500) status = badRequest(error.message);
    else {
      log.error("API request failed", { method: request.method, path: request.url.split("?")[0], err: error });
      status = new StatusError(500, "InternalError", `Internal error occurred: ${error.message}`);
    }
    void reply.code(status.code).type("application/json").send(JSON.stringify(status));
  });

  app.get("/version", async () => ({
    major: "1",
    minor: "36",
    gitVersion: "v1.36.3+pharos",
    platform: `${process.platform}/${process.arch}`,
  }));
  for (const path of ["/healthz", "/livez", "/readyz"])
    app.get(path, async (_request, reply) => reply.type("text/plain; charset=utf-8").send("ok"));

  const { kinds } = store;
  const discovery = (
    request: FastifyRequest,
    reply: FastifyReply,
    root: "api" | "apis",
    legacy: object,
  ): FastifyReply => {
    const form = negotiateForm(request.headers.accept);
    if (form.as !== "APIGroupDiscoveryList") return reply.type("application/json").send(legacy);
    return reply
      .type(`application/json;g=apidiscovery.k8s.io;v=${form.version};as=APIGroupDiscoveryList`)
      .send(JSON.stringify(aggregatedDiscovery(kinds, root, `apidiscovery.k8s.io/${form.version}`)));
  };
  const missing = () => new StatusError(404, "NotFound", "the server could not find the requested resource");
  app.get("/api", async (request, reply) =>
    discovery(request, reply, "api", apiVersions(String(request.headers.host))),
  );
  app.get("/apis", async (request, reply) => discovery(request, reply, "apis", apiGroupList(kinds)));
  const resources = (group: string, version: string): object => {
    const found = apiResourceList(kinds, group, version);
    if (!found) throw missing();
    return found;
  };
  app.get("/api/v1", async () => resources("", "v1"));
  app.get<{ Params: { group: string } }>("/apis/:group", async (request) => {
    const found = apiGroupOf(kinds, request.params.group);
    if (!found) throw missing();
    return found;
  });
  app.get<{ Params: { group: string; version: string } }>("/apis/:group/:version", async (request) =>
    resources(request.params.group, request.params.version),
  );
  app.get("/openapi/v2", async (_request, reply) =>
    reply.type("application/com.github.proto-openapi.spec.v2@v1.0+protobuf").send(EMPTY_OPENAPI_V2),
  );
  // Everybody who can reach this server may do everything: it has no users.
  const review = (path: string, status: object): void => {
    app.post(path, async (request, reply) => {
      const { value } = parseBody((request.body as string | undefined) ?? "", false);
      return reply.code(201).send({ ...(value as object), status });
    });
  };
  review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    allowed: true,
    reason: "the embedded API server has no users",
  });
  review("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    userInfo: { username: "system:anonymous", groups: ["system:masters"] },
  });
  app.get("/openapi/v3", async () => openApiIndex(kinds));
  app.get<{ Params: { "*": string } }>("/openapi/v3/*", async (request) => {
    const found = openApiDocument(kinds, request.params["*"]);
    if (!found) throw missing();
    return found;
  });

  const pages = new ListPages();
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const mark = request.url.indexOf("?");
    const pathname = mark < 0 ? request.url : request.url.slice(0, mark);
    const path = parsePath(pathname, kinds);
    if (!path) throw missing();
    if (path.subresource && !path.kind.subresources.includes(path.subresource)) {
      if (path.kind.kind !== "Pod" || !OF_RUNNING_PODS.has(path.subresource)) throw missing();
      store.get(path.kind, path.namespace, path.name!);
      throw new StatusError(
        501,
        "NotImplemented",
        "the embedded API server runs no containers: a pod is only a record",
      );
    }
    const params = new URLSearchParams(mark < 0 ? "" : request.url.slice(mark + 1));
    const method = METHODS[request.method];
    if (
      !method ||
      (request.method === "POST" && path.name !== undefined) ||
      (["PUT", "PATCH"].includes(request.method) && path.name === undefined)
    ) {
      throw methodNotAllowed();
    }
    return method({ store, pages, request, reply, params, path, form: negotiateForm(request.headers.accept) });
  };
  for (const url of ["/api/v1/*", "/apis/:group/:version/*"]) {
    app.route({ method: ["GET", "POST", "PUT", "PATCH", "DELETE"], url, exposeHeadRoute: false, handler: handle });
  }
}
