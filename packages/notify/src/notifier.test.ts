import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { parseHttpClientConfig, parseYaml, Registry, silentLogger } from "@pharos/kit";
import { type Alert, Labels } from "@pharos/model";
import { parseRelabelConfigs } from "@pharos/relabel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AlertmanagerSet, Notifier } from "./notifier.ts";

let server: Server;
let url: string;
let status = 200;
const received: { labels: Record<string, string>; startsAt: string; endsAt?: string }[][] = [];

beforeEach(async () => {
  received.length = 0;
  status = 200;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      received.push(JSON.parse(body));
      response.statusCode = status;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/alerts`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const alert = (name: string, endsAt = 0): Alert => ({
  labels: Labels.from({ alertname: name }),
  annotations: Labels.empty,
  startsAt: 1000,
  endsAt,
  generatorURL: "",
});
const set = (urls: string[], relabel = "[]"): AlertmanagerSet => ({
  name: "a",
  http: parseHttpClientConfig(parseYaml("{}").map()),
  timeout: 2000,
  alertRelabelConfigs: parseRelabelConfigs(parseYaml(relabel)),
  urls,
  dropped: [],
});

test("sends with external labels and relabelling, in batches, and drains at the end", async () => {
  const notifier = new Notifier({ log: silentLogger, registry: new Registry() });
  notifier.configure({
    externalLabels: Labels.from({ cluster: "x", alertname: "never" }),
    alertRelabelConfigs: parseRelabelConfigs(parseYaml("[{source_labels: [alertname], regex: drop, action: drop}]")),
  });
  notifier.setAlertmanagers(set([url], "[{target_label: set, replacement: a}]"));
  notifier.send([alert("drop"), alert("keep", 2000), ...Array.from({ length: 300 }, (_, i) => alert(`n${i}`))]);
  await notifier.stop();
  expect(received.map((batch) => batch.length)).toEqual([256, 45]);
  expect(received[0][0]).toMatchObject({
    labels: { alertname: "keep", cluster: "x", set: "a" },
    startsAt: "1970-01-01T00:00:01.000Z",
    endsAt: "1970-01-01T00:00:02.000Z",
  });
  expect(received[0][1].endsAt).toBeUndefined();
});

test("failures are counted and do not stop the next ones", async () => {
  const notifier = new Notifier({ log: silentLogger, registry: new Registry() });
  status = 500;
  notifier.setAlertmanagers(set([url]));
  notifier.send([alert("a")]);
  await expect.poll(() => notifier.counts()).toMatchObject({ sent: 1, failed: 1, queued: 0 });
  status = 200;
  notifier.send([alert("b")]);
  await expect.poll(() => received.length).toBe(2);
  expect(notifier.alertmanagers().active).toEqual([url]);
  notifier.removeSet("a");
  expect(notifier.alertmanagers().active).toEqual([]);
  await notifier.stop();
});

test("an Alertmanager that does not answer fails within the timeout, not later", async () => {
  server.removeAllListeners("request");
  server.on("request", () => {});
  const notifier = new Notifier({ log: silentLogger, registry: new Registry() });
  notifier.setAlertmanagers({ ...set([url]), timeout: 200 });
  notifier.send([alert("a")]);
  await expect.poll(() => notifier.counts().failed, { timeout: 2000 }).toBe(1);
  await notifier.stop();
});

test("alerts that fired before an Alertmanager was known reach the first one", async () => {
  const notifier = new Notifier({ log: silentLogger, registry: new Registry() });
  notifier.send([alert("early")]);
  notifier.setAlertmanagers(set([]));
  notifier.send([alert("later")]);
  notifier.setAlertmanagers(set([url]));
  await notifier.stop();
  expect(received.flat().map(({ labels }) => labels.alertname)).toEqual(["early", "later"]);
});

test("without draining what waits is dropped at the end; the oldest go when too many wait", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  server.removeAllListeners("request");
  server.on("request", (_request, response) => void held.then(() => response.end()));
  const registry = new Registry();
  const notifier = new Notifier({ log: silentLogger, registry, capacity: 2, batchSize: 1, drain: false });
  notifier.setAlertmanagers(set([url]));
  notifier.send([alert("a")]);
  await expect.poll(() => notifier.counts().sent).toBe(1);
  notifier.send([alert("b"), alert("c"), alert("d")]);
  expect(notifier.counts()).toMatchObject({ queued: 2, dropped: 1 });
  const stopped = notifier.stop();
  release();
  await stopped;
  const dropped = registry.families().find(({ name }) => name === "prometheus_notifications_dropped_total");
  expect(dropped?.metrics).toMatchObject([{ value: 3 }]);
});

test("requests carry the proof that a set's authorizer makes of them", async () => {
  let seen: string | undefined;
  server.on("request", ({ headers }) => (seen = String(headers.authorization)));
  const notifier = new Notifier({ log: silentLogger, registry: new Registry() });
  notifier.setAlertmanagers({
    ...set([url]),
    authorize: async ({ url: target, body, contentType }) => ({
      authorization: `${target.pathname} ${contentType} ${body.length > 0}`,
    }),
  });
  notifier.send([alert("a")]);
  await notifier.stop();
  expect(seen).toBe("/api/v2/alerts application/json true");
});
