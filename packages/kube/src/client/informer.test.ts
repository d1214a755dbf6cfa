import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type ApiServer,
  createApiServer,
  createKubeClient,
  type KubeClient,
  type KubeObject,
  watchResources,
} from "../index.ts";

const TYPE = { group: "", version: "v1", plural: "configmaps" };
const make = (name: string, data: Record<string, string> = {}, labels?: Record<string, string>): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", labels }, data }) as KubeObject;

let dir: string;
let server: ApiServer;
let client: KubeClient;
let stop: AbortController;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-informer-"));
  server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
  client = createKubeClient({ server: server.url });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await client.close();
  await server.close();
  rmSync(dir, { recursive: true });
});

function record(follow: KubeClient, target: Partial<Parameters<typeof watchResources>[1]> = {}, sync = false) {
  const seen: string[] = [];
  const note = (what: string) => (object: KubeObject) => void seen.push(`${what} ${object.metadata.name}`);
  watchResources(
    follow,
    { ...TYPE, namespace: "default", ...target },
    {
      ...(sync ? { onSync: (objects: KubeObject[]) => void seen.push(`sync ${objects.length}`) } : {}),
      onAdd: note("add"),
      onUpdate: note("update"),
      onDelete: note("delete"),
      onError: (error) => void seen.push(`error ${(error as Error).message}`),
    },
    stop.signal,
  );
  return seen;
}

test("what there is, then every change, in order", async () => {
  await client.create(TYPE, make("a"));
  const seen = record(client);
  await expect.poll(() => seen).toEqual(["add a"]);
  await expect.poll(() => server.watches).toBe(1);
  await client.create(TYPE, make("b"));
  await client.patch(TYPE, { namespace: "default", name: "a" }, { data: { k: "v" } });
  await client.delete(TYPE, { namespace: "default", name: "a" });
  await expect.poll(() => seen).toEqual(["add a", "add b", "update a", "delete a"]);
});

test("an object that leaves the selector is deleted for the follower, one that enters is added", async () => {
  await client.create(TYPE, make("a", {}, { team: "x" }));
  const seen = record(client, { labelSelector: "team=x" });
  await expect.poll(() => server.watches).toBe(1);
  const labels = (team: string) =>
    client.patch(TYPE, { namespace: "default", name: "a" }, { metadata: { labels: { team } } });
  await labels("y");
  await labels("x");
  await expect.poll(() => seen).toEqual(["add a", "delete a", "add a"]);
});

test("long lists come in pages and arrive whole", async () => {
  for (let i = 0; i < 520; i++) await server.store.apply(make(`n${i}`), { fieldManager: "test" });
  const seen = record(client, {}, true);
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual(["sync 520"]);
});

test("a resync lists again and tells only what differs", async () => {
  await client.create(TYPE, make("a"));
  const seen = record(client, { resyncMs: 500 }, true);
  await expect.poll(() => seen.length, { timeout: 5_000 }).toBeGreaterThan(1);
  expect(seen.slice(0, 2)).toEqual(["sync 1", "sync 1"]);
});

/** A server that answers what the test says, for the failures a real one shows rarely. */
async function scripted(
  answer: (url: URL, count: number) => { status?: number; body: string },
): Promise<[KubeClient, Server, string[]]> {
  const urls: string[] = [];
  const http = createServer((request, response) => {
    const url = new URL(request.url!, "http://x");
    urls.push(
      `${url.searchParams.get("watch") ? "watch" : "list"} ${url.searchParams.get("resourceVersion") ?? url.searchParams.get("continue") ?? ""}`.trim(),
    );
    const { status = 200, body } = answer(url, urls.length);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(body);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return [createKubeClient({ server: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }), http, urls];
}

test("a version that is too old means listing again, without an error", async () => {
  const list = (version: string, items: KubeObject[]) =>
    JSON.stringify({ metadata: { resourceVersion: version }, items });
  const expired = JSON.stringify({
    type: "ERROR",
    object: { kind: "Status", code: 410, reason: "Expired", message: "too old" },
  });
  const [follow, http, urls] = await scripted((url, count) => {
    if (url.searchParams.get("watch")) return { body: `${expired}\n` };
    return { body: count === 1 ? list("5", [make("old")]) : list("9", [make("new")]) };
  });
  const seen = record(follow);
  await expect.poll(() => seen.slice(0, 3), { timeout: 5_000 }).toEqual(["add old", "delete old", "add new"]);
  expect(urls.slice(0, 4)).toEqual(["list", "watch 5", "list", "watch 9"]);
  expect(seen.filter((entry) => entry.startsWith("error"))).toEqual([]);
  stop.abort();
  await follow.close();
  http.close();
});

test("a list whose pages expire is asked for in one piece", async () => {
  const [follow, http, urls] = await scripted((url) => {
    if (url.searchParams.get("watch")) return { status: 500, body: "{}" };
    if (url.searchParams.get("continue"))
      return { status: 410, body: JSON.stringify({ reason: "Expired", message: "gone" }) };
    if (url.searchParams.get("limit"))
      return { body: JSON.stringify({ metadata: { continue: "c" }, items: [make("a")] }) };
    return { body: JSON.stringify({ metadata: { resourceVersion: "3" }, items: [make("a"), make("b")] }) };
  });
  const seen = record(follow, {}, true);
  await expect.poll(() => seen[0], { timeout: 5_000 }).toBe("sync 2");
  expect(urls.slice(0, 3)).toEqual(["list", "list c", "list"]);
  stop.abort();
  await follow.close();
  http.close();
});

test("an API that refuses is an error and tried again", async () => {
  const [follow, http, urls] = await scripted(() => ({
    status: 403,
    body: JSON.stringify({ reason: "Forbidden", message: "not yours" }),
  }));
  const seen = record(follow);
  await expect.poll(() => urls.length, { timeout: 5_000 }).toBeGreaterThan(1);
  expect(seen[0]).toBe("error not yours");
  stop.abort();
  await follow.close();
  http.close();
});
