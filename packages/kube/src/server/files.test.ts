import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiServer, createApiServer, createKubeClient, type KubeClient, type KubeObject } from "../index.ts";

const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps" };
const RULES = { group: "monitoring.coreos.com", version: "v1", plural: "prometheusrules" };
const SECRETS = { group: "", version: "v1", plural: "secrets" };

let dir: string;
let server: ApiServer;
let client: KubeClient;

async function start(): Promise<void> {
  server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
  client = createKubeClient({ server: server.url });
}
async function stop(): Promise<void> {
  await client.close();
  await server.close();
}
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-files-"));
  await start();
});
afterEach(async () => {
  await stop();
  rmSync(dir, { recursive: true, force: true });
});

const name = (object: string, namespace = "default") => ({ name: object, namespace });
const dataOf = (object: string, namespace?: string) =>
  (server.store.get(CONFIG_MAPS, name(object, namespace)) as { data?: Record<string, string> } | undefined)?.data;
const configMap = (object: string, data: Record<string, string>, more: object = {}): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { ...name(object), ...more }, data }) as KubeObject;
const write = (file: string, text: string): void => {
  mkdirSync(join(dir, file, ".."), { recursive: true });
  writeFileSync(join(dir, file), text);
};
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 5_000, interval: 20 });

test("a file written by hand is an object; an edit changes it; without the file it is gone", async () => {
  write("mine/all.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {x: '1'}\n");
  await soon(() => dataOf("a", "shop")).toEqual({ x: "1" });
  expect(server.store.get({ group: "", version: "v1", plural: "namespaces" }, { name: "shop" })).toBeDefined();
  const { uid } = server.store.get(CONFIG_MAPS, name("a", "shop"))!.metadata;
  write("mine/all.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {x: '2'}\n");
  await soon(() => dataOf("a", "shop")).toEqual({ x: "2" });
  expect(server.store.get(CONFIG_MAPS, name("a", "shop"))!.metadata.uid).toBe(uid);
  rmSync(join(dir, "mine/all.yml"));
  await soon(() => dataOf("a", "shop")).toBeUndefined();
});

test("what the API writes is a file without bookkeeping; a secret's is readable by its owner alone", async () => {
  await client.create(CONFIG_MAPS, configMap("b", { k: "v" }));
  const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
  expect(files).toEqual([join("default", "configmap.b.yaml")]);
  expect(readFileSync(join(dir, files[0]), "utf8")).toBe(
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  namespace: default\ndata:\n  k: v\n",
  );
  await client.create(SECRETS, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: name("s"),
    stringData: { p: "w" },
  } as KubeObject);
  expect(statSync(join(dir, "default/secret.s.yaml")).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, ".state/objects.jsonl")).mode & 0o777).toBe(0o600);
  await client.delete(CONFIG_MAPS, name("b"));
  expect(existsSync(join(dir, files[0]))).toBe(false);
});

test("a change by the API keeps comments, order and the other documents of a file", async () => {
  const file = `# my settings
apiVersion: v1
kind: ConfigMap
metadata:
  name: first # the first
data:
  # why this value
  a: "1"
  b: "2"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: second}
data: {z: "26"}
`;
  write("two.yaml", file);
  await soon(() => dataOf("second")).toBeDefined();
  await client.patch(CONFIG_MAPS, name("first"), { data: { b: "3" } });
  expect(readFileSync(join(dir, "two.yaml"), "utf8")).toContain('  # why this value\n  a: "1"\n  b: "3"\n');
  expect(readFileSync(join(dir, "two.yaml"), "utf8")).toContain("name: first # the first");
  await client.delete(CONFIG_MAPS, name("first"));
  expect(readFileSync(join(dir, "two.yaml"), "utf8")).not.toContain("first");
  expect(dataOf("second")).toEqual({ z: "26" });
});

test("a broken file keeps the last good object, says where, and still does so after a restart", async () => {
  write("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: good}\n");
  await soon(() => dataOf("c")).toEqual({ k: "good" });
  write("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  k: [good\n");
  await soon(() => server.problems().length).toBe(1);
  expect(server.problems()[0].where).toMatchObject({ file: "c.yaml", line: 6 });
  expect(dataOf("c")).toEqual({ k: "good" });
  await expect(client.patch(CONFIG_MAPS, name("c"), { data: { k: "by the API" } })).rejects.toThrow(
    /its file must be repaired first: c\.yaml:6/,
  );
  await stop();
  await start();
  expect(dataOf("c")).toEqual({ k: "good" });
  expect(server.problems()).toHaveLength(1);
  write("c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: repaired}\n");
  await soon(() => dataOf("c")).toEqual({ k: "repaired" });
  expect(server.problems()).toEqual([]);
});

test("an invalid object names file, line and field; the version in force stays", async () => {
  const text = (interval: string) =>
    `apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: r}\nspec:\n  groups: [{name: g, interval: ${interval}}]\n`;
  write("r.yaml", text("30s"));
  await soon(() => server.store.get(RULES, name("r"))).toBeDefined();
  write("r.yaml", `# a comment\n${text("often")}`);
  await soon(() => server.problems().map(({ message }) => message)).toEqual([
    expect.stringContaining("spec.groups[0].interval in body should match"),
  ]);
  expect(server.problems()[0].where).toMatchObject({ file: "r.yaml", line: 2, object: "PrometheusRule default/r" });
  expect(server.store.get(RULES, name("r"))).toMatchObject({ spec: { groups: [{ interval: "30s" }] } });
  await stop();
  await start();
  expect(server.store.get(RULES, name("r"))).toMatchObject({ spec: { groups: [{ interval: "30s" }] } });
});

test("unknown fields and the same object in two files are problems", async () => {
  write("d1.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: {k: one}\n");
  await soon(() => dataOf("d")).toEqual({ k: "one" });
  write("d2.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: {k: two}\n");
  write("e.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: e}\ndatas: {k: two}\n");
  await soon(() => server.problems().map(({ message }) => message)).toEqual([
    "the same object is already in d1.yaml",
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "datas"',
  ]);
  expect(dataOf("d")).toEqual({ k: "one" });
  // The other file takes over when the first is gone.
  rmSync(join(dir, "d1.yaml"));
  await soon(() => dataOf("d")).toEqual({ k: "two" });
  expect(server.problems()).toHaveLength(1);
});

test("objects of a kind are taken as soon as its CRD is there", async () => {
  write("boat.yaml", "apiVersion: sea.example.com/v1\nkind: Boat\nmetadata: {name: argo}\nspec: {masts: 1}\n");
  await soon(() => server.problems().map(({ message }) => message)).toEqual([
    "there is no kind Boat in sea.example.com/v1",
  ]);
  const names = { kind: "Boat", plural: "boats" };
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
  };
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "boats.sea.example.com" },
    spec: { group: "sea.example.com", scope: "Namespaced", names, versions: [version] },
  };
  await client.create({ group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }, crd);
  await soon(() => server.problems()).toEqual([]);
  const boats = { group: "sea.example.com", version: "v1", plural: "boats" };
  expect(server.store.get(boats, name("argo"))).toMatchObject({ spec: { masts: 1 } });
  await stop();
  await start();
  expect(server.store.get(boats, name("argo"))).toBeDefined();
});

test("an edit not yet noticed and a change by the API are both kept", async () => {
  write("f.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\ndata:\n  mine: old\n  theirs: old\n");
  await soon(() => dataOf("f")).toBeDefined();
  write("f.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\ndata:\n  mine: new\n  theirs: old\n");
  // At once: the watcher waits for the directory to settle.
  await client.patch(CONFIG_MAPS, name("f"), { data: { theirs: "new" } });
  await soon(() => dataOf("f")).toEqual({ mine: "new", theirs: "new" });
  expect(readFileSync(join(dir, "f.yaml"), "utf8")).toContain("mine: new\n  theirs: new");
});

test("a restart changes nothing; edits and deletions made meanwhile count", async () => {
  await client.create(CONFIG_MAPS, configMap("kept", { a: "1" }));
  await client.create(CONFIG_MAPS, configMap("edited", { a: "1" }));
  await client.create(CONFIG_MAPS, configMap("removed", { a: "1" }));
  await client.apply(
    RULES,
    { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule", metadata: name("r"), spec: {} },
    { fieldManager: "me" },
  );
  const before = { ...server.store.get(CONFIG_MAPS, name("kept"))!.metadata };
  const rule = structuredClone(server.store.get(RULES, name("r")));
  const highest = Number((await client.list(CONFIG_MAPS)).metadata.resourceVersion);
  await stop();
  write("default/configmap.edited.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: edited}\ndata: {a: '2'}\n");
  rmSync(join(dir, "default/configmap.removed.yaml"));
  await start();
  expect(server.store.get(CONFIG_MAPS, name("kept"))!.metadata).toEqual(before);
  expect(server.store.get(RULES, name("r"))).toEqual(rule);
  expect(dataOf("edited")).toEqual({ a: "2" });
  expect(dataOf("removed")).toBeUndefined();
  expect(Number((await client.list(CONFIG_MAPS)).metadata.resourceVersion)).toBeGreaterThan(highest);
});

test("resource versions are never handed out twice, even when the last change was a deletion", async () => {
  await client.create(CONFIG_MAPS, configMap("g", {}));
  await client.delete(CONFIG_MAPS, name("g"));
  const last = Number((await client.list(CONFIG_MAPS)).metadata.resourceVersion);
  await stop();
  await start();
  const again = await client.create(CONFIG_MAPS, configMap("g", {}));
  expect(Number(again.metadata.resourceVersion)).toBeGreaterThan(last);
});

test("a pod written by hand has the status its file gives", async () => {
  write(
    "pod.yaml",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\nstatus: {phase: Running, podIP: 10.0.0.1}\n",
  );
  const pods = { group: "", version: "v1", plural: "pods" };
  await soon(() => server.store.get(pods, name("p"))?.status).toEqual({ phase: "Running", podIP: "10.0.0.1" });
});

test("a deleted file does not come back while a finalizer holds its object", async () => {
  write("h.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h, finalizers: [example.com/hold]}\n");
  await soon(() => server.store.get(CONFIG_MAPS, name("h"))).toBeDefined();
  rmSync(join(dir, "h.yaml"));
  await soon(() => server.store.get(CONFIG_MAPS, name("h"))?.metadata.deletionTimestamp).toBeDefined();
  await client.patch(CONFIG_MAPS, name("h"), { metadata: { labels: { a: "b" } } });
  expect(readdirSync(dir)).toEqual([".state"]);
  await stop();
  await start();
  expect(server.store.get(CONFIG_MAPS, name("h"))).toBeDefined();
  await client.patch(CONFIG_MAPS, name("h"), { metadata: { finalizers: null } });
  expect(server.store.get(CONFIG_MAPS, name("h"))).toBeUndefined();
});

test("what a controller owns is no file", async () => {
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "u", controller: true }];
  await client.create(CONFIG_MAPS, configMap("owned", {}, { ownerReferences }));
  expect(existsSync(join(dir, "default"))).toBe(false);
  await stop();
  await start();
  expect(server.store.get(CONFIG_MAPS, name("owned"))).toBeDefined();
});

test("killed at any moment, nothing acknowledged is lost and no file is half written", async () => {
  await stop();
  const script = `
    import { createApiServer, createKubeClient } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
    const log = { debug() {}, info() {}, warn() {}, error() {}, with() { return log; } };
    const server = await createApiServer({ dir: ${JSON.stringify(dir)}, host: "127.0.0.1", port: 0, log });
    const client = createKubeClient({ server: server.url });
    const type = { group: "", version: "v1", plural: "configmaps" };
    for (let i = 0; ; i++) {
      await client.create(type, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "n" + i, namespace: "default" }, data: { x: "y".repeat(5000) } });
      process.stdout.write(i + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  await expect.poll(() => output.split("\n").length, { timeout: 15_000, interval: 5 }).toBeGreaterThan(25);
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  const acknowledged = output.split("\n").filter((line) => line !== "").length;
  await start();
  for (let i = 0; i < acknowledged; i++) expect(dataOf(`n${i}`)?.x).toHaveLength(5000);
  expect(server.problems()).toEqual([]);
});
