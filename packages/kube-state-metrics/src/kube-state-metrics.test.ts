/** The program as a whole, against the embedded API server and against one that answers what a test says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseFamilies } from "@pharos/exposition";
import { parseFlags, silentLogger } from "@pharos/kit";
import { type ApiServer, createApiServer, type KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createKubeStateMetrics, type KubeStateMetrics, kubeStateMetricsFlags, shardOf } from "./index.ts";
import { settingsFrom } from "./settings.ts";

let dir: string;
let stack: AsyncDisposableStack;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pharos-ksm-"));
  stack = new AsyncDisposableStack();
});
afterEach(async () => {
  await stack.disposeAsync();
  rmSync(dir, { recursive: true });
});

async function apiServer(): Promise<ApiServer> {
  return stack.use(await createApiServer({ dir: join(dir, "api"), host: "127.0.0.1", port: 0, log: silentLogger }));
}

const LISTEN = ["--host=127.0.0.1", "--port=0", "--telemetry-host=127.0.0.1", "--telemetry-port=0"];

async function start(apiserver: string, ...flags: string[]): Promise<KubeStateMetrics> {
  const { values } = parseFlags(kubeStateMetricsFlags, [`--apiserver=${apiserver}`, ...LISTEN, ...flags]);
  const ksm = stack.use(await createKubeStateMetrics({ flags: values, log: silentLogger, version: "1" }));
  await ksm.ready(5_000);
  return ksm;
}

async function scrape({ url }: { url: string }, query = "", headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${url}/metrics${query}`, { headers });
  expect(response.status).toBe(200);
  return response.text();
}

/** Patient: the machine may be busy. */
const eventually = <T>(probe: () => T) => expect.poll(probe, { timeout: 15_000 });

/** Names of the objects that a metric has, in order. */
function names(text: string, metric: string, label: string): string[] {
  const pattern = new RegExp(`^${metric}\\{.*\\b${label}="([^"]*)"`, "gm");
  return [...text.matchAll(pattern)].map((match) => match[1]).sort();
}

const configMap = (name: string, namespace = "default", more: object = {}): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, ...more } }) as KubeObject;
const apply = (api: ApiServer, object: KubeObject) => api.store.apply(object, { fieldManager: "test" });
const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps" };

test("what there is, then every change", async () => {
  const api = await apiServer();
  await apply(api, configMap("a", "default", { labels: { app: "x" }, annotations: { "team.io/owner": 'q"\\' } }));
  const flags = ["--metric-labels-allowlist=configmaps=[app]", "--metric-annotations-allowlist=*=[*]"];
  const ksm = await start(api.url, "--resources=configmaps,namespaces", ...flags);
  const text = await scrape(ksm);
  expect(text).toContain(
    "# HELP kube_configmap_info [STABLE] Information about configmap.\n# TYPE kube_configmap_info gauge\n",
  );
  expect(text).toContain('kube_configmap_labels{namespace="default",configmap="a",label_app="x"} 1\n');
  expect(text).toContain('annotation_team_io_owner="q\\"\\\\"} 1\n');
  expect(names(text, "kube_namespace_created", "namespace")).toContain("kube-system");
  expect(text).not.toContain("kube_pod_");
  await apply(api, configMap("b"));
  await eventually(async () => names(await scrape(ksm), "kube_configmap_info", "configmap")).toEqual(["a", "b"]);
  await api.store.delete(CONFIG_MAPS, { namespace: "default", name: "a" });
  await eventually(async () => names(await scrape(ksm), "kube_configmap_info", "configmap")).toEqual(["b"]);
});

test("under churn what is shown is what there is in the end", async () => {
  const api = await apiServer();
  const ksm = await start(api.url, "--resources=configmaps", "--metric-labels-allowlist=configmaps=[n]");
  let random = 7;
  const next = (below: number): number => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  for (let i = 0; i < 300; i++) {
    const name = `n${next(40)}`;
    if (next(3) === 0) await api.store.delete(CONFIG_MAPS, { namespace: "default", name });
    else await apply(api, configMap(name, "default", { labels: { n: String(i) } }));
    if (i % 50 === 0) await scrape(ksm);
  }
  const expected = api.store
    .list(CONFIG_MAPS)
    .map(
      ({ metadata: { name, labels } }) =>
        `kube_configmap_labels{namespace="default",configmap="${name}",label_n="${labels?.n}"} 1`,
    )
    .sort();
  expect(expected.length).toBeGreaterThan(5);
  const shown = async () =>
    (await scrape(ksm))
      .split("\n")
      .filter((line) => line.startsWith("kube_configmap_labels{"))
      .sort();
  await eventually(shown).toEqual(expected);
});

test("namespaces, and those left out; what is of the cluster comes once", async () => {
  const api = await apiServer();
  for (const namespace of ["one", "two", "three"]) {
    await apply(api, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await apply(api, configMap(namespace, namespace));
  }
  const some = await start(api.url, "--resources=configmaps,namespaces", "--namespaces=one,two");
  const text = await scrape(some);
  expect(names(text, "kube_configmap_info", "namespace")).toEqual(["one", "two"]);
  expect(names(text, "kube_namespace_created", "namespace").filter((name) => name === "three")).toHaveLength(1);
  const others = await start(api.url, "--resources=configmaps", "--namespaces-denylist=one,two");
  expect(names(await scrape(others), "kube_configmap_info", "namespace")).toEqual(["three"]);
});

test("which metrics: allowed, denied, opted in", async () => {
  const api = await apiServer();
  await apply(api, configMap("a"));
  const families = async (...flags: string[]) => {
    const text = await scrape(await start(api.url, "--resources=configmaps", ...flags));
    return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  };
  expect(await families("--metric-allowlist=kube_configmap_info,created$")).toEqual([
    "kube_configmap_info",
    "kube_configmap_created",
  ]);
  expect(await families("--metric-denylist=^kube_configmap_(?!info)")).toEqual(["kube_configmap_info"]);
  await expect(families("--metric-allowlist=a", "--metric-denylist=b")).rejects.toThrow("mutually exclusive");
  await expect(families("--metric-denylist=(")).rejects.toThrow("not a regular expression");
});

test("queries choose resources; OpenMetrics and gzip on request", async () => {
  const api = await apiServer();
  await apply(api, configMap("a"));
  const ksm = await start(api.url, "--resources=configmaps,namespaces,pods", "--enable-gzip-encoding");
  expect(await scrape(ksm, "?resources=configmaps")).not.toContain("kube_namespace");
  expect(await scrape(ksm, "?resources=configmaps,namespaces&exclude_resources=configmaps")).not.toContain(
    "configmap=",
  );
  expect(await scrape(ksm, "?resources=nothing")).toBe("");
  const plain = await scrape(ksm, "", { "accept-encoding": "identity" });
  const open = await fetch(`${ksm.url}/metrics`, {
    headers: { accept: "application/openmetrics-text; version=1.0.0" },
  });
  expect(open.headers.get("content-type")).toContain("application/openmetrics-text");
  const text = await open.text();
  expect(text.endsWith("# EOF\n")).toBe(true);
  expect(text.replace("# EOF\n", "")).toBe(plain);
  for (let i = 0; i < 2; i++) expect(await zipped(`${ksm.url}/metrics`)).toBe(plain);
  await apply(api, configMap("b"));
  await eventually(() => zipped(`${ksm.url}/metrics`)).toContain('configmap="b"');
  expect(await zipped(`${ksm.url}/metrics?resources=nothing`)).toBe("");
});

/** The body as a client gets it that unpacks it itself. */
async function zipped(url: string): Promise<string> {
  const { request } = await import("node:http");
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const sent = request(url, { headers: { "accept-encoding": "gzip" } }, (response) => {
      expect(response.headers["content-encoding"]).toBe("gzip");
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", resolve);
    });
    sent.on("error", reject);
    sent.end();
  });
  return gunzipSync(Buffer.concat(chunks)).toString();
}

test("the text is one that a strict reader takes", async () => {
  const api = await apiServer();
  await apply(api, configMap("a"));
  await apply(api, { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" } });
  const ksm = await start(api.url);
  const families = parseFamilies(Buffer.from(await scrape(ksm)), "text");
  expect(families.length).toBeGreaterThan(5);
  const open = await scrape(ksm, "", { accept: "application/openmetrics-text; version=1.0.0" });
  expect(parseFamilies(Buffer.from(open), "openmetrics")).toHaveLength(families.length);
  const own = Buffer.from(await scrape({ url: ksm.telemetryUrl }));
  expect(parseFamilies(own, "text").map(({ name }) => name)).toContain("kube_state_metrics_list_total");
});

test("health, readiness, and the numbers of its own", async () => {
  const api = await apiServer();
  const ksm = await start(api.url, "--resources=configmaps");
  await scrape(ksm);
  for (const path of ["/healthz", "/livez", "/"]) expect((await fetch(ksm.url + path)).status).toBe(200);
  for (const path of ["/readyz", "/"]) expect((await fetch(ksm.telemetryUrl + path)).status).toBe(200);
  const text = await scrape({ url: ksm.telemetryUrl });
  expect(text).toContain('kube_state_metrics_list_total{result="success",resource="*v1.ConfigMap"} 1');
  expect(text).toContain('kube_state_metrics_shard_ordinal{shard_ordinal="0"} 0');
  expect(text).toContain("kube_state_metrics_total_shards 1");
  expect(text).toContain('http_request_duration_seconds_count{handler="metrics",method="get"} 1');
  await api.close();
  expect((await fetch(`${ksm.url}/livez`)).status).toBe(503);
});

test("shards share the objects out, each to one", async () => {
  const api = await apiServer();
  const all = Array.from({ length: 30 }, (_, i) => `n${String(i).padStart(2, "0")}`);
  for (const name of all) await apply(api, configMap(name));
  const found: string[] = [];
  for (let shard = 0; shard < 3; shard++) {
    const ksm = await start(api.url, "--resources=configmaps", `--shard=${shard}`, "--total-shards=3");
    const mine = names(await scrape(ksm), "kube_configmap_info", "configmap");
    for (const { metadata } of api.store.list(CONFIG_MAPS)) {
      expect(mine.includes(metadata.name!)).toBe(shardOf(metadata.uid!, 3) === shard);
    }
    found.push(...mine);
  }
  expect(found.sort()).toEqual(all);
});

test("a pod of a StatefulSet finds its shard and follows the number of replicas", async () => {
  const api = await apiServer();
  const all = Array.from({ length: 12 }, (_, i) => `n${String(i).padStart(2, "0")}`);
  for (const name of all) await apply(api, configMap(name));
  const set = (replicas: number) =>
    apply(api, {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "ksm", namespace: "default" },
      spec: {
        replicas,
        serviceName: "ksm",
        selector: { matchLabels: { app: "ksm" } },
        template: { metadata: { labels: { app: "ksm" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    });
  const { metadata } = await set(2);
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "ksm", uid: metadata.uid!, controller: true };
  await apply(api, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "ksm-1", namespace: "default", ownerReferences: [owner] },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
  const ksm = await start(api.url, "--resources=configmaps", "--pod=ksm-1", "--pod-namespace=default");
  const expected = (total: number) =>
    api.store
      .list(CONFIG_MAPS)
      .filter(({ metadata: { uid } }) => shardOf(uid!, total) === 1)
      .map(({ metadata: { name } }) => name)
      .sort();
  const shown = async () => names(await scrape(ksm), "kube_configmap_info", "configmap");
  expect(await shown()).toEqual(expected(2));
  await set(4);
  await eventually(shown).toEqual(expected(4));
  expect(await scrape({ url: ksm.telemetryUrl })).toContain("kube_state_metrics_total_shards 4");
  await expect(start(api.url, "--pod=other-0", "--pod-namespace=default")).rejects.toThrow();
});

const CRD: KubeObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "foos.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { kind: "Foo", plural: "foos", singular: "foo", listKind: "FooList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
const CUSTOM = `
spec:
  resources:
    - groupVersionKind: { group: example.com, version: "*", kind: "*" }
      labelsFromPath: { name: [metadata, name] }
      metrics:
        - { name: size, help: "Size\\nof it", each: { type: Gauge, gauge: { path: [spec, size] } } }
        - name: phase
          each: { type: StateSet, stateSet: { path: [spec, phase], labelName: phase, list: [A, B] } }
`;
const foo = (name: string, size: number): KubeObject => ({
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: { name, namespace: "default" },
  spec: { size, phase: "A" },
});

test("custom resources come and go with their definitions", async () => {
  const api = await apiServer();
  const ksm = await start(api.url, "--custom-resource-state-only", `--custom-resource-state-config=${CUSTOM}`);
  expect(await scrape(ksm)).toBe("");
  await apply(api, CRD);
  await apply(api, foo("a", 3));
  const line =
    'kube_customresource_size{customresource_group="example.com",customresource_kind="Foo",customresource_version="v1",name="a"} 3\n';
  await eventually(() => scrape(ksm)).toContain(line);
  const text = await scrape(ksm);
  expect(text).toContain("# HELP kube_customresource_size Size\\nof it\n");
  expect(text).toContain("# TYPE kube_customresource_phase gauge\n");
  const open = await scrape(ksm, "", { accept: "application/openmetrics-text" });
  expect(open).toContain("# TYPE kube_customresource_phase stateset\n");
  expect(await scrape({ url: ksm.telemetryUrl })).toMatch(/custom_resource_state_add_events_total [1-9]/);
  await api.store.delete(
    { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" },
    { name: "foos.example.com" },
  );
  await eventually(() => scrape(ksm)).not.toContain("kube_customresource_size{");
});

test("the same family of several versions stands together", async () => {
  const api = await apiServer();
  const spec = CRD.spec as { versions: object[] };
  await apply(api, {
    ...CRD,
    spec: { ...spec, versions: [...spec.versions, { ...spec.versions[0], name: "v2", storage: false }] },
  });
  await apply(api, foo("a", 3));
  const ksm = await start(api.url, "--custom-resource-state-only", `--custom-resource-state-config=${CUSTOM}`);
  await eventually(() => scrape(ksm)).toContain('customresource_version="v2"');
  const text = await scrape(ksm, "", { accept: "application/openmetrics-text" });
  const families = parseFamilies(Buffer.from(text.replaceAll("stateset", "gauge")), "openmetrics");
  expect(families.map(({ name, metrics }) => `${name} ${metrics.length}`)).toEqual([
    "kube_customresource_size 2",
    "kube_customresource_phase 4",
  ]);
});

test("a changed file of options takes over; one that cannot be used changes nothing", async () => {
  const api = await apiServer();
  await apply(api, configMap("a"));
  const config = join(dir, "config.yaml");
  writeFileSync(config, "resources: { configmaps: {} }\nmetric_allowlist: [kube_configmap_info]\n");
  const ksm = await start(api.url, `--config=${config}`);
  const families = async () => [...(await scrape(ksm)).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(await families()).toEqual(["kube_configmap_info"]);
  writeFileSync(config, "resources: { configmaps: }\nmetric_allowlist: [kube_configmap_created]\n");
  await ksm.reload();
  expect(await families()).toEqual(["kube_configmap_created"]);
  writeFileSync(config, "resources: { nothing: }\n");
  await ksm.reload();
  expect(await families()).toEqual(["kube_configmap_created"]);
  const own = await scrape({ url: ksm.telemetryUrl });
  expect(own).toContain(`kube_state_metrics_last_config_reload_successful{type="config",filename="${config}"} 0`);
  expect(own).toContain("kube_state_metrics_config_hash{");
  await expect(start(api.url, "--config=/nowhere.yaml")).rejects.toThrow("cannot read");
  await start(api.url, "--config=/nowhere.yaml", "--continue-without-config", "--resources=configmaps");
});

test("any file of options is settings or a complaint", () => {
  const { values } = parseFlags(kubeStateMetricsFlags, []);
  const key = fc.constantFrom(
    "resources",
    "labels_allow_list",
    "shard",
    "namespaces",
    "port",
    "server_idle_timeout",
    "x",
  );
  const value = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant(null),
    fc.array(fc.string()),
    fc.dictionary(fc.string(), fc.jsonValue()),
  );
  fc.assert(
    fc.property(fc.dictionary(key, value), (options) => {
      try {
        settingsFrom(values, { path: "c.yaml", text: JSON.stringify(options) });
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 29, numRuns: 300 },
  );
});

test("files that change, or come only later, are seen without being told", async () => {
  const api = await apiServer();
  await apply(api, CRD);
  await apply(api, foo("a", 3));
  const file = join(dir, "custom.yaml");
  const flags = ["--custom-resource-state-only", `--custom-resource-state-config-file=${file}`];
  await expect(start(api.url, ...flags)).rejects.toThrow("cannot read");
  const ksm = await start(api.url, ...flags, "--continue-without-custom-resource-state-config-file");
  expect(await scrape(ksm)).toBe("");
  writeFileSync(file, CUSTOM);
  await expect.poll(() => scrape(ksm), { timeout: 15_000, interval: 200 }).toContain("kube_customresource_size{");
  writeFileSync(file, CUSTOM.replace("name: size", "name: extent"));
  await expect.poll(() => scrape(ksm), { timeout: 15_000, interval: 200 }).toContain("kube_customresource_extent{");
  writeFileSync(file, "spec: { resources: [{}] }");
  const own = () => scrape({ url: ksm.telemetryUrl });
  const failed = `kube_state_metrics_last_config_reload_successful{type="customresourceconfig",filename="${file}"} 0`;
  await expect.poll(own, { timeout: 15_000, interval: 200 }).toContain(failed);
  expect(await scrape(ksm)).toContain("kube_customresource_extent{");
}, 60_000);

test.each([
  [["--resources=nothing"], "resource nothing does not exist"],
  [["--resources=nodes", "--node=n"], "can't be sharded by field selector"],
  [["--total-shards=0"], "not a number of shards"],
  [["--object-limit=-1"], "must be equal or greater than 0"],
  [["--pod=a-0"], "belong together"],
  [["--metric-labels-allowlist=nothing=[a]"], "resource nothing does not exist"],
])("%j is refused", async (flags, message) => {
  await expect(start("http://127.0.0.1:1", ...flags)).rejects.toThrow(message);
});

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL, body: string) => void;

/** An API server that answers what the test says. */
async function scripted(handler: Handler): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    response.setHeader("content-type", "application/json");
    handler(request, response, new URL(request.url!, "http://x"), body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("no scrape ever sees a part of a list, however slowly its pages come", async () => {
  const TOTAL = 60;
  const PAGES = 6;
  let lists = 0;
  const url = await scripted((_request, response, { searchParams }) => {
    if (searchParams.get("watch")) {
      const expired = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } };
      setTimeout(() => response.end(`${JSON.stringify(expired)}\n`), 30);
      return;
    }
    const page = Number(searchParams.get("continue") ?? 0);
    if (page === 0) lists++;
    const items = Array.from({ length: TOTAL / PAGES }, (_, i) => {
      const name = `n${page * (TOTAL / PAGES) + i}`;
      return { metadata: { name, namespace: "default", uid: name } };
    });
    const metadata = { resourceVersion: "1", continue: page + 1 < PAGES ? String(page + 1) : undefined };
    setTimeout(() => response.end(JSON.stringify({ metadata, items })), 15);
  });
  const ksm = await start(url, "--resources=configmaps");
  const first = lists;
  const counts = new Set<number>();
  while (lists < first + 3) counts.add(names(await scrape(ksm), "kube_configmap_info", "configmap").length);
  expect([...counts]).toEqual([TOTAL]);
});

test("of secrets and configuration maps nothing but what is shown is ever asked for", async () => {
  const accepts = new Map<string, Set<string>>();
  const url = await scripted((request, response, { pathname, searchParams }) => {
    const key = pathname.split("/").at(-1)!;
    if (!accepts.has(key)) accepts.set(key, new Set());
    accepts.get(key)!.add(request.headers.accept!);
    if (searchParams.get("watch")) {
      response.flushHeaders();
      const row = {
        cells: ["t", "kubernetes.io/tls"],
        object: { metadata: { name: "t", namespace: "default", uid: "t" } },
      };
      if (key === "secrets")
        response.write(`${JSON.stringify({ type: "ADDED", object: { kind: "Table", rows: [row] } })}\n`);
      return;
    }
    const object = { metadata: { name: "s", namespace: "default", uid: "s" } };
    const columnDefinitions = [{ name: "Name" }, { name: "Type" }];
    const table = { kind: "Table", columnDefinitions, rows: [{ cells: ["s", "Opaque"], object }] };
    const body = key === "secrets" ? table : { items: [object] };
    response.end(JSON.stringify({ ...body, metadata: { resourceVersion: "1" } }));
  });
  const ksm = await start(url, "--resources=secrets,configmaps");
  await eventually(() => scrape(ksm)).toContain(
    'kube_secret_type{namespace="default",secret="t",type="kubernetes.io/tls"} 1',
  );
  expect(await scrape(ksm)).toContain('kube_secret_type{namespace="default",secret="s",type="Opaque"} 1');
  const only = (key: string, form: RegExp) =>
    expect([...accepts.get(key)!].every((accept) => form.test(accept))).toBe(true);
  only("secrets", /as=Table/);
  only("configmaps", /as=PartialObjectMetadata/);
  accepts.clear();
  await start(url, "--resources=secrets", "--metric-denylist=kube_secret_type");
  only("secrets", /as=PartialObjectMetadata/);
});

test("a web configuration file guards both ports", async () => {
  const api = await apiServer();
  const file = join(dir, "web.yml");
  // The password is "test".
  writeFileSync(file, "basic_auth_users: { u: $2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay }\n");
  const ksm = await start(api.url, "--resources=configmaps", `--tls-config=${file}`);
  const authorization = `Basic ${Buffer.from("u:test").toString("base64")}`;
  for (const url of [ksm.url, ksm.telemetryUrl]) {
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`, { headers: { authorization } })).status).toBe(200);
  }
});

test("an API that refuses one resource leaves the others alone and is counted", async () => {
  const url = await scripted((_request, response, { pathname, searchParams }) => {
    if (pathname.endsWith("/secrets")) {
      response.statusCode = 403;
      response.end(JSON.stringify({ reason: "Forbidden", message: "not yours" }));
    } else if (searchParams.get("watch")) response.flushHeaders();
    else
      response.end(
        JSON.stringify({ metadata: { resourceVersion: "1" }, items: [{ metadata: { name: "a", uid: "a" } }] }),
      );
  });
  const { values } = parseFlags(kubeStateMetricsFlags, [
    `--apiserver=${url}`,
    ...LISTEN,
    "--resources=secrets,configmaps",
  ]);
  const ksm = stack.use(await createKubeStateMetrics({ flags: values, log: silentLogger, version: "1" }));
  await ksm.ready(300);
  expect(names(await scrape(ksm), "kube_configmap_info", "configmap")).toEqual(["a"]);
  expect(await scrape({ url: ksm.telemetryUrl })).toMatch(/list_total\{result="error",resource="\*v1.Secret"\} [1-9]/);
});

test("a limit of objects, and lists from the server's cache", async () => {
  const queries: string[] = [];
  const url = await scripted((_request, response, { searchParams }) => {
    if (searchParams.get("watch")) return void response.flushHeaders();
    queries.push(searchParams.toString());
    const items = Array.from({ length: 7 }, (_, i) => ({ metadata: { name: `n${i}`, uid: `n${i}` } }));
    response.end(JSON.stringify({ metadata: { resourceVersion: "1", continue: "more" }, items }));
  });
  const ksm = await start(url, "--resources=configmaps", "--object-limit=5", "--use-apiserver-cache");
  expect(names(await scrape(ksm), "kube_configmap_info", "configmap")).toHaveLength(5);
  expect(queries).toEqual(["limit=5&resourceVersion=0"]);
  expect(await scrape({ url: ksm.telemetryUrl })).toContain(
    'kube_state_metrics_list_objects_limit{resource="*v1.ConfigMap"} 5',
  );
});

test("pods of a node, and pods of none", async () => {
  const selectors: (string | null)[] = [];
  const url = await scripted((_request, response, { searchParams }) => {
    selectors.push(searchParams.get("fieldSelector"));
    if (searchParams.get("watch")) response.flushHeaders();
    else response.end(JSON.stringify({ metadata: { resourceVersion: "1" }, items: [] }));
  });
  const first = await start(url, "--node=n1", "--namespaces-denylist=x");
  await eventually(() => selectors).toEqual(Array(2).fill("metadata.namespace!=x,spec.nodeName=n1"));
  await first.close();
  selectors.length = 0;
  await start(url, "--track-unscheduled-pods", "--resources=pods");
  expect(new Set(selectors)).toEqual(new Set(["spec.nodeName="]));
});

test("with the filter only those pass whom Kubernetes knows and allows", async () => {
  let reviews = 0;
  const url = await scripted((_request, response, { pathname, searchParams }, body) => {
    if (pathname.endsWith("/tokenreviews")) {
      reviews++;
      const { token } = (JSON.parse(body) as { spec: { token: string } }).spec;
      const status = { authenticated: token !== "unknown", user: { username: token } };
      return void response.end(JSON.stringify({ kind: "TokenReview", metadata: {}, status }));
    }
    if (pathname.endsWith("/subjectaccessreviews")) {
      const { user, nonResourceAttributes } = (JSON.parse(body) as { spec: Record<string, unknown> }).spec;
      expect(nonResourceAttributes).toEqual({ path: "/metrics", verb: "get" });
      return void response.end(JSON.stringify({ metadata: {}, status: { allowed: user === "good" } }));
    }
    if (searchParams.get("watch")) response.flushHeaders();
    else response.end(JSON.stringify({ metadata: { resourceVersion: "1" }, items: [] }));
  });
  const ksm = await start(url, "--resources=configmaps", "--auth-filter");
  const status = async (token?: string, base = ksm.url) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await fetch(`${base}/metrics`, { headers })).status;
  };
  expect([await status(), await status("unknown"), await status("bad"), await status("good")]).toEqual([
    401, 401, 403, 200,
  ]);
  expect([await status(undefined, ksm.telemetryUrl), await status("good", ksm.telemetryUrl)]).toEqual([401, 200]);
  const before = reviews;
  await status("good");
  expect(reviews).toBe(before);
  expect((await fetch(`${ksm.url}/healthz`)).status).toBe(200);
});
