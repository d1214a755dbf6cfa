/** The wire contract by plain HTTP: what a real 1.36.3 server was measured to answer, and its rules for objects. */
import { mkdtempSync, rmSync } from "node:fs";
import { request as rawRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiServer, createApiServer, type KubeObject } from "../index.ts";

let dir: string;
let server: ApiServer;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-http-"));
  server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

const CM = "/api/v1/namespaces/default/configmaps";
const MONITORS = "/apis/monitoring.coreos.com/v1/namespaces/default/servicemonitors";
const PROMETHEUSES = "/apis/monitoring.coreos.com/v1/namespaces/default/prometheuses";

/** Answers have many shapes: an object, a list, a Status, a watch event. */
interface Any extends KubeObject {
  type: string;
  object: Any;
  items: KubeObject[];
  data: Record<string, string>;
  spec: { ports: { port: number }[]; replicas: number; shards: number };
  resources: { name: string }[];
  rows: unknown[];
  code: number;
  message: string;
  details: { causes: { field: string; reason: string }[] };
  metadata: KubeObject["metadata"] & { continue?: string };
  dat?: unknown;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
  headers: Record<string, string> = {},
) {
  const response = await fetch(server.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": type }), "user-agent": "tester/1.0", ...headers },
    body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const json = text.startsWith("{") ? (JSON.parse(text) as Any) : undefined;
  return { status: response.status, body: json!, text, headers: response.headers };
}
const apply = (path: string, object: unknown, query = "fieldManager=a") =>
  call("PATCH", `${path}?${query}`, object, "application/apply-patch+yaml");
const merge = (path: string, patch: unknown) => call("PATCH", path, patch, "application/merge-patch+json");
const configMap = (name: string, data: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});
const monitor = (name: string, endpoints: object[] = [{ port: "web" }], metadata: object = {}) => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name, ...metadata },
  spec: { selector: {}, endpoints },
});

/** Events of a watch until `done` says enough, or the server ends it. */
async function watch(path: string, done: (events: Any[]) => boolean, act?: () => Promise<unknown>): Promise<Any[]> {
  const abort = new AbortController();
  const response = await fetch(server.url + path, { signal: abort.signal });
  const events: Any[] = [];
  let rest = "";
  const acted = act?.();
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      events.push(...lines.map((line) => JSON.parse(line) as Any));
      if (done(events)) break;
    }
  } finally {
    abort.abort();
    await acted;
  }
  return events;
}

test("create, read, replace, delete", async () => {
  const made = await call("POST", CM, configMap("crud", { a: "1" }));
  expect(made.status).toBe(201);
  expect(made.body.metadata).toMatchObject({
    name: "crud",
    namespace: "default",
    resourceVersion: expect.stringMatching(/^\d+$/),
  });
  expect(made.body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  // A ConfigMap has no generation.
  expect(made.body.metadata.generation).toBeUndefined();
  expect((await call("POST", CM, configMap("crud"))).body).toMatchObject({ code: 409, reason: "AlreadyExists" });
  // Without a version a built-in kind is replaced unconditionally.
  expect((await call("PUT", `${CM}/crud`, configMap("crud", { a: "2" }))).status).toBe(200);
  const stale = configMap("crud", {}, { resourceVersion: made.body.metadata.resourceVersion });
  expect((await call("PUT", `${CM}/crud`, stale)).body).toMatchObject({ code: 409, reason: "Conflict" });
  expect((await call("PUT", `${CM}/none`, configMap("none"))).status).toBe(404);
  const gone = await call("DELETE", `${CM}/crud`);
  expect(gone.body).toMatchObject({ kind: "Status", status: "Success", details: { name: "crud", kind: "configmaps" } });
  expect((await call("GET", `${CM}/crud`)).body).toMatchObject({
    code: 404,
    reason: "NotFound",
    message: 'configmaps "crud" not found',
  });
});

test("a custom resource must be replaced by version and is not patched strategically", async () => {
  await call("POST", MONITORS, monitor("cr"));
  expect((await call("PUT", `${MONITORS}/cr`, monitor("cr"))).body).toMatchObject({
    code: 422,
    message: expect.stringContaining("metadata.resourceVersion: Invalid value: 0: must be specified for an update"),
  });
  const strategic = await call("PATCH", `${MONITORS}/cr`, {}, "application/strategic-merge-patch+json");
  expect(strategic.body).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
});

test("a write that changes nothing keeps the version and adds no manager", async () => {
  const first = (await apply(`${CM}/still`, configMap("still", { a: "1" }))).body;
  const again = (await apply(`${CM}/still`, configMap("still", { a: "1" }))).body;
  const patched = (await merge(`${CM}/still`, { data: { a: "1" } })).body;
  expect(again.metadata).toEqual(first.metadata);
  expect(patched.metadata).toEqual(first.metadata);
});

test("server-side apply: conflicts, force, removal of what is applied no more", async () => {
  expect((await apply(`${CM}/ssa`, configMap("ssa", { a: "1", b: "1" }))).status).toBe(201);
  const conflict = await apply(`${CM}/ssa`, configMap("ssa", { a: "2" }), "fieldManager=b");
  expect(conflict.body).toMatchObject({
    code: 409,
    reason: "Conflict",
    details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "a"', field: ".data.a" }] },
  });
  const forced = (await apply(`${CM}/ssa`, configMap("ssa", { a: "2" }), "fieldManager=b&force=true")).body;
  expect(forced.data).toEqual({ a: "2", b: "1" });
  // The same value is shared, not fought over.
  expect((await apply(`${CM}/ssa`, configMap("ssa", { a: "2" }), "fieldManager=c")).status).toBe(200);
  const less = (await apply(`${CM}/ssa`, configMap("ssa"), "fieldManager=a")).body;
  expect(less.data).toEqual({ a: "2" });
  const updated = (await merge(`${CM}/ssa`, { data: { a: "3" } })).body;
  const owners = Object.fromEntries(updated.metadata.managedFields!.map((entry) => [entry.manager, entry.fieldsV1]));
  expect(owners.tester).toEqual({ "f:data": { "f:a": {} } });
  expect(owners.b).toBeUndefined();
});

test("server-side apply of keyed lists", async () => {
  const service = (ports: object[]) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { ports },
  });
  const path = "/api/v1/namespaces/default/services/web";
  await apply(path, service([{ name: "http", port: 80 }]));
  const both = (await apply(path, service([{ name: "admin", port: 81 }]), "fieldManager=b")).body;
  expect(both.spec.ports.map(({ port }: { port: number }) => port)).toEqual([80, 81]);
  const fields = both.metadata.managedFields!.find(({ manager }) => manager === "b")!.fieldsV1;
  expect(fields).toEqual({
    "f:spec": { "f:ports": { 'k:{"port":81,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } } },
  });
  const one = (await apply(path, service([]), "fieldManager=a")).body;
  expect(one.spec.ports.map(({ port }: { port: number }) => port)).toEqual([81]);
});

test("what apply refuses", async () => {
  const managed = configMap(
    "no",
    {},
    { managedFields: [{ manager: "x", operation: "Apply", apiVersion: "v1", fieldsV1: {} }] },
  );
  expect((await apply(`${CM}/no`, managed)).body).toMatchObject({
    code: 400,
    message: "metadata.managedFields must be nil",
  });
  expect((await apply(`${CM}/no`, configMap("no"), "x=y")).body).toMatchObject({ code: 422, reason: "Invalid" });
  await apply(`${CM}/stale`, configMap("stale"));
  const stale = configMap("stale", { a: "1" }, { resourceVersion: "1" });
  expect((await apply(`${CM}/stale`, stale)).body).toMatchObject({ code: 409, reason: "Conflict" });
  const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: one}\n";
  expect((await apply(`${CM}/y`, yaml)).body.data).toEqual({ a: "one" });
});

test("field validation: strict refuses, warn tells, ignore is silent", async () => {
  const wrong = { ...configMap("fv"), dat: {} };
  const strict = await call("POST", `${CM}?fieldValidation=Strict`, wrong);
  expect(strict.body).toMatchObject({
    code: 400,
    reason: "BadRequest",
    message: expect.stringContaining('strict decoding error: unknown field "dat"'),
  });
  const twice = await call(
    "POST",
    `${CM}?fieldValidation=Strict`,
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fv"},"data":{"a":"1","a":"2"}}',
  );
  expect(twice.body.message).toContain('duplicate field "data.a"');
  const warned = await call("POST", CM, wrong);
  expect(warned.headers.get("warning")).toBe('299 - "unknown field \\"dat\\""');
  expect(warned.body.dat).toBeUndefined();
  const foreign = await call("POST", CM, { ...configMap("fv3"), größe: 1, "\u{1f600}": 2 });
  expect(foreign.status).toBe(201);
  const ignored = await call("POST", `${CM}?fieldValidation=Ignore`, { ...wrong, metadata: { name: "fv2" } });
  expect(ignored.headers.get("warning")).toBeNull();
});

test("validation answers every cause with its path", async () => {
  const bad = {
    ...monitor("bad", [{ interval: "soon", scheme: "gopher" }]),
    spec: { endpoints: [{ interval: "soon", scheme: "gopher" }] },
  };
  const { body } = await call("POST", MONITORS, bad);
  expect(body).toMatchObject({ code: 422, reason: "Invalid" });
  expect(body.message).toMatch(/^ServiceMonitor\.monitoring\.coreos\.com "bad" is invalid: \[/);
  const causes = Object.fromEntries(
    body.details.causes.map((cause: { field: string; reason: string }) => [cause.field, cause.reason]),
  );
  expect(causes).toEqual({
    "spec.selector": "FieldValueRequired",
    "spec.endpoints[0].interval": "FieldValueInvalid",
    "spec.endpoints[0].scheme": "FieldValueNotSupported",
  });
  const type = await call("POST", PROMETHEUSES, {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "Prometheus",
    metadata: { name: "p" },
    spec: { replicas: "two" },
  });
  expect(type.body.details.causes).toEqual([
    {
      reason: "FieldValueTypeInvalid",
      field: "spec.replicas",
      message: 'Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    },
  ]);
});

test("status and spec are written apart; the generation counts specs", async () => {
  const make = (spec: object, status?: object) => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind: "Prometheus",
    metadata: { name: "st" },
    spec,
    status,
  });
  const made = (await call("POST", PROMETHEUSES, make({ replicas: 1 }, { paused: true }))).body;
  expect(made.status).toBeUndefined();
  expect(made.metadata.generation).toBe(1);
  const status = { paused: false, replicas: 1, updatedReplicas: 1, availableReplicas: 1, unavailableReplicas: 0 };
  const reported = (await merge(`${PROMETHEUSES}/st/status`, { spec: { replicas: 9 }, status })).body;
  expect(reported).toMatchObject({ spec: { replicas: 1 }, status, metadata: { generation: 1 } });
  const changed = (await merge(`${PROMETHEUSES}/st`, { spec: { replicas: 2 }, status: { paused: true } })).body;
  expect(changed).toMatchObject({ spec: { replicas: 2 }, status, metadata: { generation: 2 } });
  expect((await merge(`${PROMETHEUSES}/st`, { metadata: { labels: { a: "b" } } })).body.metadata.generation).toBe(2);
});

test("scale", async () => {
  await call("POST", PROMETHEUSES, {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "Prometheus",
    metadata: { name: "sc" },
    spec: { shards: 1 },
  });
  expect((await call("GET", `${PROMETHEUSES}/sc/scale`)).body).toMatchObject({
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    spec: { replicas: 1 },
  });
  expect((await merge(`${PROMETHEUSES}/sc/scale`, { spec: { replicas: 3 } })).body.spec.replicas).toBe(3);
  expect((await call("GET", `${PROMETHEUSES}/sc`)).body.spec.shards).toBe(3);
});

test("finalizers hold an object", async () => {
  await call("POST", MONITORS, monitor("held", [], { finalizers: ["example.com/a"] }));
  const marked = (await call("DELETE", `${MONITORS}/held`)).body;
  expect(marked.metadata).toMatchObject({ generation: 2, deletionTimestamp: expect.any(String) });
  const last = await merge(`${MONITORS}/held`, { metadata: { finalizers: null } });
  expect(last).toMatchObject({ status: 200, body: { metadata: { name: "held" } } });
  expect((await call("GET", `${MONITORS}/held`)).status).toBe(404);
});

test("owned objects go with their owner, or are orphaned", async () => {
  const own = async (policy: string) => {
    const owner = (await call("POST", CM, configMap(`owner-${policy}`.toLowerCase()))).body;
    const { name, uid } = owner.metadata;
    const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name, uid }];
    await call("POST", CM, configMap(`child-of-${name}`, {}, { ownerReferences }));
    await call("DELETE", `${CM}/${name}`, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: policy });
    return call("GET", `${CM}/child-of-${name}`);
  };
  expect((await own("Background")).status).toBe(404);
  expect((await own("Foreground")).status).toBe(404);
  const orphan = await own("Orphan");
  expect(orphan.body.metadata.ownerReferences).toBeUndefined();
});

test("preconditions of a deletion", async () => {
  await call("POST", CM, configMap("pre"));
  const refused = await call("DELETE", `${CM}/pre`, { preconditions: { uid: "another" } });
  expect(refused.body).toMatchObject({ code: 409, reason: "Conflict" });
});

test("dry runs answer and change nothing", async () => {
  expect((await call("POST", `${CM}?dryRun=All`, configMap("dry"))).status).toBe(201);
  expect((await call("GET", `${CM}/dry`)).status).toBe(404);
  expect((await call("POST", `${CM}?dryRun=Some`, configMap("dry"))).status).toBe(422);
});

test("lists: pages of one moment, selectors, bad requests", async () => {
  const labels = { list: "pages" };
  for (const name of ["l1", "l2", "l3"]) await call("POST", CM, configMap(name, {}, { labels }));
  const first = (await call("GET", `${CM}?labelSelector=list%3Dpages&limit=2`)).body;
  expect(first.items.map(({ metadata }: KubeObject) => metadata.name)).toEqual(["l1", "l2"]);
  expect(first.metadata).toMatchObject({ remainingItemCount: 1, continue: expect.any(String) });
  await call("POST", CM, configMap("l0", {}, { labels }));
  await call("DELETE", `${CM}/l3`);
  const second = (await call("GET", `${CM}?labelSelector=list%3Dpages&limit=2&continue=${first.metadata.continue}`))
    .body;
  expect(second.items.map(({ metadata }: KubeObject) => metadata.name)).toEqual(["l3"]);
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  expect((await call("GET", `${CM}?continue=rubbish`)).status).toBe(400);
  expect((await call("GET", `${CM}?fieldSelector=data.a%3D1`)).body).toMatchObject({ code: 400 });
  expect((await call("GET", `${CM}?labelSelector=%3D%3D`)).body).toMatchObject({ code: 400 });
  expect((await call("DELETE", `${CM}?labelSelector=list%3Dpages`)).status).toBe(200);
  expect((await call("GET", `${CM}?labelSelector=list%3Dpages`)).body.items).toEqual([]);
});

test("watch: what there is, then changes; a selector left is a deletion with the old body", async () => {
  await call("POST", CM, configMap("w", { a: "1" }, { labels: { w: "in" } }));
  const events = await watch(
    `${CM}?watch=true&labelSelector=w%3Din`,
    (seen) => seen.length === 3,
    async () => {
      await merge(`${CM}/w`, { data: { a: "2" } });
      await merge(`${CM}/w`, { metadata: { labels: { w: "out" } } });
    },
  );
  expect(events.map(({ type, object }) => [type, object.data.a, object.metadata.labels?.w])).toEqual([
    ["ADDED", "1", "in"],
    ["MODIFIED", "2", "in"],
    ["DELETED", "2", "in"],
  ]);
  const { metadata } = (await call("GET", `${CM}/w`)).body;
  expect(events[2].object.metadata.resourceVersion).toBe(metadata.resourceVersion);
});

test("watch: from a version, streamed lists, time limits", async () => {
  const version = (await call("GET", CM)).body.metadata.resourceVersion;
  await call("POST", CM, configMap("later"));
  const [event] = await watch(`${CM}?watch=1&resourceVersion=${version}`, (seen) => seen.length === 1);
  expect(event).toMatchObject({ type: "ADDED", object: { metadata: { name: "later" } } });
  const streamed = await watch(
    `${CM}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    (seen) => seen.at(-1)?.type === "BOOKMARK",
  );
  expect(streamed.at(-1)?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  expect(
    await watch(
      `${CM}?watch=1&resourceVersion=${(await call("GET", CM)).body.metadata.resourceVersion}&timeoutSeconds=1`,
      () => false,
    ),
  ).toEqual([]);
});

test("watch: a version older than this run is gone", async () => {
  const other = mkdtempSync(join(tmpdir(), "pharos-old-"));
  const start = () => createApiServer({ dir: other, host: "127.0.0.1", port: 0, log: silentLogger });
  const before = await start();
  await before.store.apply(configMap("x", {}, { namespace: "default" }), { fieldManager: "t" });
  await before.close();
  await using after = await start();
  const response = await fetch(`${after.url}${CM}?watch=1&resourceVersion=1`);
  const event = JSON.parse(await response.text()) as Any;
  expect(event).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
  rmSync(other, { recursive: true });
});

test("an event is the same in both of its groups", async () => {
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "p", namespace: "default" },
    message: "text",
    reason: "R",
    type: "Normal",
  };
  await call("POST", "/api/v1/namespaces/default/events", event);
  const other = (await call("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e")).body;
  expect(other).toMatchObject({ apiVersion: "events.k8s.io/v1", note: "text", regarding: { name: "p" } });
  expect(other.message).toBeUndefined();
  const found = (await call("GET", "/api/v1/events?fieldSelector=involvedObject.name%3Dp,involvedObject.kind%3DPod"))
    .body;
  expect(found.items).toHaveLength(1);
});

test("tables, metadata only, protobuf refused", async () => {
  const accept = (form: string) => call("GET", `${CM}/later`, undefined, undefined, { accept: form });
  const table = (await accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")).body;
  expect(table).toMatchObject({
    kind: "Table",
    rows: [{ cells: ["later", 0, expect.any(String)], object: { kind: "PartialObjectMetadata" } }],
  });
  expect((await accept("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).body).toMatchObject({
    kind: "PartialObjectMetadata",
  });
  expect((await accept("application/vnd.kubernetes.protobuf")).status).toBe(406);
});

test("discovery, old and new, and health", async () => {
  expect((await call("GET", "/api")).body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
  const legacy = (await call("GET", "/apis/monitoring.coreos.com/v1")).body;
  expect(legacy.resources.find(({ name }: { name: string }) => name === "servicemonitors")).toMatchObject({
    kind: "ServiceMonitor",
    namespaced: true,
    shortNames: ["smon"],
  });
  const form = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const aggregated = await call("GET", "/apis", undefined, undefined, { accept: form });
  expect(aggregated.headers.get("content-type")).toMatch(/as="?APIGroupDiscoveryList/);
  expect(aggregated.body.items.map(({ metadata }: KubeObject) => metadata.name)).toContain("monitoring.coreos.com");
  for (const path of ["/healthz", "/livez", "/readyz"]) expect((await call("GET", path)).text).toBe("ok");
  expect((await call("GET", "/version")).body).toMatchObject({ major: "1" });
  expect((await call("GET", "/apis/none.example.com/v1/things")).body).toMatchObject({ code: 404, reason: "NotFound" });
  expect((await call("POST", `${CM}/later`, {})).status).toBe(405);
});

test("names: what is no DNS name is refused, and no path leads out of the folder", async () => {
  for (const name of ["Upper", "a_b", "-a", "a..b", "x".repeat(254)]) {
    expect((await call("POST", CM, configMap(name))).body, name).toMatchObject({ code: 422, reason: "Invalid" });
  }
  expect(
    (await call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "a.b" } }))
      .status,
  ).toBe(422);
  const role = (name: string) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules: [],
  });
  const roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
  expect((await call("POST", roles, role("../../evil"))).status).toBe(422);
  expect((await call("POST", roles, role(".."))).status).toBe(422);
  expect((await call("POST", roles, role("system:node.."))).status).toBe(201);
});

test("pages of other sites have no access, and bodies have a limit", async () => {
  const status = (host: string) =>
    new Promise<number>((resolve) => {
      const { port } = new URL(server.url);
      rawRequest({ host: "127.0.0.1", port, path: "/api", headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      }).end();
    });
  expect(await status("evil.example.com")).toBe(403);
  expect(await status("evil.example.com:80:80")).toBe(403);
  expect(await status("localhost:1")).toBe(200);
  expect(await status("[::1]:1")).toBe(200);
  expect((await call("POST", CM, configMap("o"), "application/json", { origin: "http://evil" })).status).toBe(403);
  const big = await call("POST", CM, configMap("big", { x: "y".repeat(33 * 2 ** 20) }));
  expect(big.body).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
  expect((await call("GET", `${CM}/%E0%A4%A`)).status).toBe(400);
  expect((await call("POST", CM, "{")).body).toMatchObject({ code: 400, reason: "BadRequest" });
});
