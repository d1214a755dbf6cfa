import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Alertmanager, createAlertmanager } from "../server.ts";
import { HttpRecorder, TEST_CERTIFICATE, TEST_KEY } from "../testing/index.ts";
import type { ClusterTls } from "./tls.ts";
import { readClusterTls } from "./tls.ts";

let folder: string;
let recorder: HttpRecorder;
const started: Alertmanager[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pharos-am-cluster-"));
  recorder = await HttpRecorder.start();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
  await recorder[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Status {
  cluster: { status: string; name: string; peers: { name: string; address: string }[] };
}

async function start(
  name: string,
  options: { peers?: string[]; label?: string; tls?: ClusterTls; peerTimeout?: number } = {},
): Promise<Alertmanager> {
  const { peers = [], label, tls, peerTimeout = 500 } = options;
  const configFile = join(folder, "config.yml");
  writeFileSync(
    configFile,
    `route: {receiver: r, group_by: [alertname], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h}
receivers: [{name: r, webhook_configs: [{url: '${recorder.url}/'}]}]
`,
  );
  const server = await createAlertmanager({
    configFile,
    storageDir: join(folder, name),
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLogger,
    cluster: {
      listen: { host: "127.0.0.1", port: 0 },
      name,
      peers,
      label,
      tls,
      peerTimeout,
      gossipInterval: 50,
      pushPullInterval: 300,
      probeInterval: 100,
      probeTimeout: 300,
      tcpTimeout: 1000,
      settleTimeout: 2000,
      reconnectInterval: 300,
      reconnectTimeout: 60_000,
    },
  });
  started.push(server);
  return server;
}

async function status({ url }: Alertmanager): Promise<Status["cluster"]> {
  return ((await (await fetch(`${url}/api/v2/status`)).json()) as Status).cluster;
}

async function addressOf(server: Alertmanager): Promise<string> {
  const { peers, name } = await status(server);
  return peers.find((peer) => peer.name === name)!.address;
}

const peersOf = async (server: Alertmanager): Promise<string[]> =>
  (await status(server)).peers.map(({ name }) => name).sort();

async function post({ url }: Alertmanager, path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function silence(server: Alertmanager, value: string): Promise<string> {
  const answer = await post(server, "/api/v2/silences", {
    matchers: [{ name: "alertname", value, isRegex: false }],
    startsAt: new Date(),
    endsAt: new Date(Date.now() + 60_000),
    createdBy: "me",
    comment: "c",
  });
  return ((await answer.json()) as { silenceID: string }).silenceID;
}

async function states(server: Alertmanager): Promise<Record<string, string>> {
  const list = (await (await fetch(`${server.url}/api/v2/silences`)).json()) as {
    id: string;
    status: { state: string };
  }[];
  return Object.fromEntries(list.map(({ id, status: { state } }) => [id, state]));
}

async function expectOneCluster(tls?: ClusterTls): Promise<void> {
  const a = await start("a", { tls });
  const old = await silence(a, "Old");
  const b = await start("b", { peers: [await addressOf(a)], tls });
  const c = await start("c", { peers: [await addressOf(b)], tls });
  const all = [a, b, c];
  for (const one of all) await expect.poll(() => peersOf(one)).toEqual(["a", "b", "c"]);
  // What was there before they came is known to all, and what any makes or ends is told to the others.
  for (const one of all) await expect.poll(() => states(one)).toEqual({ [old]: "active" });
  const fresh = await silence(c, "Silenced");
  for (const one of all) await expect.poll(() => states(one)).toEqual({ [old]: "active", [fresh]: "active" });
  await fetch(`${b.url}/api/v2/silence/${old}`, { method: "DELETE" });
  for (const one of all) await expect.poll(() => states(one)).toEqual({ [old]: "expired", [fresh]: "active" });
  const metrics = await (await fetch(`${a.url}/metrics`)).text();
  for (const line of ["cluster_members 3", "cluster_failed_peers 0", "peer_position 0", "cluster_peers_joined_total 2"])
    expect(metrics).toContain(`\nalertmanager_${line}\n`);
  // Prometheus tells all of them; people are told once.
  const alerts = ["Told", "Silenced"].map((alertname) => ({ labels: { alertname } }));
  await Promise.all(all.map((one) => post(one, "/api/v2/alerts", alerts)));
  // Nobody speaks before the cluster has settled.
  await expect.poll(() => recorder.requests.length, { timeout: 5000 }).toBe(1);
  await sleep(2000);
  expect(recorder.requests).toHaveLength(1);
}

test("replicas find each other, share silences, and one of them speaks", () => expectOneCluster(), 20_000);

test("replicas talk over TLS when told to", async () => {
  for (const [name, text] of [["cert", TEST_CERTIFICATE], ["key", TEST_KEY]] as const) // biome-ignore format: a table
    writeFileSync(join(folder, `${name}.pem`), text);
  writeFileSync(
    join(folder, "tls.yml"),
    `tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_ca_file: cert.pem, client_auth_type: RequireAndVerifyClientCert}
tls_client_config: {ca_file: ${folder}/cert.pem, cert_file: ${folder}/cert.pem, key_file: ${folder}/key.pem, server_name: localhost}
`,
  );
  await expectOneCluster(readClusterTls(join(folder, "tls.yml")));
}, 20_000);

test("replicas of another label stay apart", async () => {
  const a = await start("a", { label: "one" });
  const b = await start("b", { label: "two", peers: [await addressOf(a)] });
  await sleep(800);
  expect(await peersOf(a)).toEqual(["a"]);
  expect(await peersOf(b)).toEqual(["b"]);
});

test("who is gone is not waited for, and the others speak", async () => {
  const a = await start("a", { peerTimeout: 3000 });
  const b = await start("b", { peers: [await addressOf(a)], peerTimeout: 3000 });
  await expect.poll(() => peersOf(b)).toEqual(["a", "b"]);
  await started.shift()!.close();
  await expect.poll(() => peersOf(b)).toEqual(["b"]);
  await post(b, "/api/v2/alerts", [{ labels: { alertname: "A" } }]);
  await expect.poll(() => recorder.requests.length, { timeout: 2000 }).toBe(1);
});

test("a replica speaks when the one before it does not", async () => {
  const a = await start("a");
  const b = await start("b", { peers: [await addressOf(a)] });
  await expect.poll(() => peersOf(b)).toEqual(["a", "b"]);
  // Only the second hears of the alert.
  await post(b, "/api/v2/alerts", [{ labels: { alertname: "A" } }]);
  await expect.poll(() => recorder.requests.length, { timeout: 3000 }).toBe(1);
});
