import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "@pharos/kit";
import { type ApiServer, createApiServer, createKubeClient, type KubeClient } from "@pharos/kube";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BoardOwner } from "./board.ts";
import { packEntries, unpackEntries } from "./board-state.ts";
import { KubeBoard } from "./kube-board.ts";

const LEASES = { group: "coordination.k8s.io", version: "v1", plural: "leases", namespaced: true };
const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps", namespaced: true };

let folder: string;
let api: ApiServer;
let client: KubeClient;
const boards: KubeBoard[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pharos-am-board-"));
  api = await createApiServer({ dir: folder, host: "127.0.0.1", port: 0, log: silentLogger });
  client = createKubeClient({ server: api.url });
});
afterEach(async () => {
  await Promise.all(boards.splice(0).map((board) => board[Symbol.asyncDispose]()));
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function replica(
  name: string,
  options: { now?: () => number; entries?: string[]; server?: string; forget?: number } = {},
) {
  const known = new Set(options.entries ?? []);
  const board = new KubeBoard({
    client: createKubeClient({ server: options.server ?? api.url }),
    namespace: "default",
    cluster: "main",
    log: silentLogger,
    now: options.now ?? Date.now,
    heartbeat: 100,
    delay: 20,
    forget: options.forget,
  });
  boards.push(board);
  const owner: BoardOwner = {
    name,
    address: `${name}:9094`,
    ranked: () => new Map([["sil", [...known].map((text) => Buffer.from(text))]]),
    hear: (state) => {
      for (const entry of state.get("sil") ?? []) known.add(Buffer.from(entry).toString());
    },
  };
  const tell = (text: string): void => {
    known.add(text);
    board.changed();
  };
  return { board, owner, known, tell };
}

const names = async (type: typeof LEASES): Promise<string[]> =>
  (await client.list(type, { namespace: "default", labelSelector: "pharos.dev/alertmanager-cluster=main" })).items
    .map(({ metadata }) => metadata.name ?? "")
    .sort();

test("replicas see each other and what each knows", async () => {
  const [a, b] = [replica("a", { entries: ["old"] }), replica("B_2")];
  await a.board.open(a.owner);
  await b.board.open(b.owner);
  await expect.poll(() => a.board.members()).toMatchObject([{ name: "B_2", address: "B_2:9094" }]);
  await expect.poll(() => [...b.known]).toEqual(["old"]);
  b.tell("new");
  await expect.poll(() => [...a.known].sort()).toEqual(["new", "old"]);
  await expect.poll(() => names(CONFIG_MAPS)).toEqual(["pharos-am-main-a", "pharos-am-main-b-2"]);
});

test("who leaves is no member any more, and what it knew stays for those that come", async () => {
  const [a, b] = [replica("a"), replica("b")];
  await a.board.open(a.owner);
  await b.board.open(b.owner);
  await expect.poll(() => a.board.members().length).toBe(1);
  b.tell("testament");
  await boards.pop()![Symbol.asyncDispose]();
  await expect.poll(() => a.board.members()).toEqual([]);
  await boards.pop()![Symbol.asyncDispose]();
  expect(await names(LEASES)).toEqual([]);
  // A new disk, the old name.
  const again = replica("b");
  await again.board.open(again.owner);
  expect([...again.known]).toEqual(["testament"]);
});

test("who dies without a word is gone after a while, by a steady clock", async () => {
  // Its own clock is a day ahead.
  const [a, b] = [replica("a"), replica("b", { now: () => Date.now() + 86_400_000 })];
  await a.board.open(a.owner);
  await b.board.open(b.owner);
  await expect.poll(() => a.board.members().length).toBe(1);
  const lease = await client.get(LEASES, { namespace: "default", name: "pharos-am-main-b" });
  await boards.pop()![Symbol.asyncDispose]();
  // As a kill leaves it.
  const { resourceVersion: _version, uid: _uid, ...metadata } = lease.metadata;
  await client.create(LEASES, { ...lease, metadata });
  await expect.poll(() => a.board.members().length).toBe(1);
  await expect.poll(() => a.board.members().length, { timeout: 3000 }).toBe(0);
});

test("what a replica left that is gone for long is taken away, once another one has it", async () => {
  const labels = { "pharos.dev/alertmanager-cluster": "main" };
  const old = new Date(Date.now() - 60_000).toISOString();
  const about = (name: string, annotations: Record<string, string>) => ({
    name,
    namespace: "default",
    labels,
    annotations,
  });
  await client.create(LEASES, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: about("pharos-am-main-gone", { "pharos.dev/address": "gone:9094" }),
    spec: { holderIdentity: "gone", renewTime: old.replace("Z", "000Z") },
  });
  for (const [name, written] of [["gone", old], ["fresh", new Date().toISOString()]]) // biome-ignore format: a table
    await client.create(CONFIG_MAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: about(`pharos-am-main-${name}`, { "pharos.dev/written": written }),
      binaryData: { sil: packEntries([Buffer.from(`of ${name}`)], 1000).data.toString("base64") },
    } as never);
  const a = replica("a", { forget: 30_000 });
  // It checks every 2.5 s.
  await a.board.open(a.owner);
  expect([...a.known].sort()).toEqual(["of fresh", "of gone"]);
  expect(a.board.members()).toEqual([]);
  await expect.poll(() => names(CONFIG_MAPS), { timeout: 8000 }).toEqual(["pharos-am-main-a", "pharos-am-main-fresh"]);
  await expect.poll(() => names(LEASES)).toEqual(["pharos-am-main-a"]);
});

test("the API may be away: it is tried again, and nothing is lost", async () => {
  // In front of the API, a door that is shut at first.
  let isShut = true;
  const door: Server = createServer(async (request, response) => {
    if (isShut) {
      request.socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = await fetch(api.url + request.url, {
      method: request.method,
      headers: { "content-type": request.headers["content-type"] ?? "application/json" },
      body: chunks.length > 0 ? Buffer.concat(chunks) : undefined,
    });
    response.writeHead(answer.status, { "content-type": "application/json" });
    try {
      for await (const chunk of answer.body ?? []) response.write(chunk);
    } catch {
      // The API is closed before the door.
    }
    response.end();
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  try {
    const a = replica("a", { entries: ["kept"], server: `http://127.0.0.1:${(door.address() as AddressInfo).port}` });
    const opened = a.board.open(a.owner);
    a.tell("meanwhile");
    await sleep(300);
    expect(await names(CONFIG_MAPS)).toEqual([]);
    isShut = false;
    await opened;
    const b = replica("b");
    await b.board.open(b.owner);
    await expect.poll(() => [...b.known].sort(), { timeout: 5000 }).toEqual(["kept", "meanwhile"]);
  } finally {
    door.closeAllConnections();
    door.close();
  }
});

test("what is too much is cut from the end", () => {
  const entries = Array.from({ length: 3000 }, (_, i) => Buffer.concat([Buffer.from(`${i}:`), randomBytes(100)]));
  const { data, left } = packEntries(entries, 64 * 1024);
  expect(data.length).toBeLessThanOrEqual(64 * 1024);
  const unpacked = unpackEntries(data);
  expect(unpacked.length + left).toBe(3000);
  expect(unpacked.length).toBeGreaterThan(400);
  expect(unpacked.map((entry) => Buffer.from(entry))).toEqual(entries.slice(0, unpacked.length));
  expect(unpackEntries(packEntries([], 100).data)).toEqual([]);
  expect(() => unpackEntries(Buffer.from("nonsense"))).toThrow();
});
