import { Registry } from "@pharos/kit";
import { KubeError } from "@pharos/kube";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EVENTS } from "./events.ts";
import { MemoryDriver, TestCluster } from "./testing/cluster.ts";
import {
  alertmanager,
  alertmanagerConfig,
  prometheus,
  prometheusRule,
  scrapeConfig,
  serviceMonitor,
} from "./testing/objects.ts";

const EVERYTHING = {
  serviceMonitorSelector: {},
  podMonitorSelector: {},
  probeSelector: {},
  scrapeConfigSelector: {},
  ruleSelector: {},
};

interface Conditions {
  status: { conditions: { type: string; status: string; reason: string; message: string }[] };
}
interface Bindings {
  status?: {
    bindings: { name: string; resource: string; conditions: { status: string; reason: string; message: string }[] }[];
  };
}

let cluster: TestCluster;
let driver: MemoryDriver;
beforeEach(async () => {
  cluster = await TestCluster.start();
  driver = new MemoryDriver();
});
afterEach(() => cluster[Symbol.asyncDispose]());

const condition = async (kind: "Prometheus" | "Alertmanager", type: string) => {
  const { status } = (await cluster.get(kind, "main")) as unknown as Conditions;
  return status.conditions.find((entry) => entry.type === type);
};
const bindings = async (
  kind: "ServiceMonitor" | "PrometheusRule" | "AlertmanagerConfig" | "ScrapeConfig",
  name: string,
) => ((await cluster.get(kind, name)) as unknown as Bindings).status?.bindings ?? [];

const good = serviceMonitor({ selector: {}, endpoints: [{ port: "web" }] }, { name: "good" });
const bad = serviceMonitor(
  { selector: {}, endpoints: [{ port: "web", basicAuth: { username: { name: "absent", key: "user" } } }] },
  { name: "bad" },
);

describe("bad objects", () => {
  test("are left out, named in their status and in an event, and mended by mending what they refer to", async () => {
    for (const object of [prometheus(EVERYTHING, { name: "main" }), good, bad]) await cluster.apply(object);
    const operator = await cluster.operator(driver);
    expect(driver.config("main")).toContain("serviceMonitor/default/good/0");
    expect(driver.config("main")).not.toContain("serviceMonitor/default/bad/0");
    expect((await bindings("ServiceMonitor", "bad"))[0].conditions[0]).toMatchObject({
      status: "False",
      reason: "InvalidConfiguration",
      message: expect.stringContaining("Secret default/absent does not exist"),
    });
    expect((await bindings("ServiceMonitor", "good"))[0]).toMatchObject({ name: "main", resource: "prometheuses" });
    expect(await condition("Prometheus", "Reconciled")).toMatchObject({
      status: "True",
      message: expect.stringMatching(/selected: 1 ServiceMonitor, .*; 1 left out/),
    });
    const { items } = await cluster.client.list(EVENTS, { namespace: "default" });
    expect(items).toMatchObject([{ reason: "InvalidConfiguration", type: "Warning", involvedObject: { name: "bad" } }]);
    expect(operator.report.instances[0]).toMatchObject({ rejected: 1, ready: true, failed: false });

    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "absent", namespace: "default" } };
    await cluster.apply({ ...secret, stringData: { user: "bob" } } as never);
    await expect.poll(() => driver.config("main")).toContain("serviceMonitor/default/bad/0");
    await expect.poll(async () => (await bindings("ServiceMonitor", "bad"))[0].conditions[0].status).toBe("True");
  });

  test("of every kind, each alone", async () => {
    const rules = (expr: string, name: string) =>
      prometheusRule({ groups: [{ name: "g", rules: [{ alert: "A", expr }] }] }, { name });
    const route = (receiver: string, name: string) =>
      alertmanagerConfig(
        { route: { receiver }, receivers: [{ name: "r", webhookConfigs: [{ url: "http://x" }] }] },
        { name },
      );
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(alertmanager({ alertmanagerConfigSelector: {} }, { name: "main" }));
    for (const object of [rules("up > 1", "good-rule"), rules("up >", "bad-rule")]) await cluster.apply(object);
    for (const object of [route("r", "good-route"), route("nobody", "bad-route")]) await cluster.apply(object);
    await cluster.apply(scrapeConfig({ dnsSDConfigs: [{ names: ["x"], type: "A" }] }, { name: "bad-config" }));
    await cluster.operator(driver);
    const [am, prom] = driver.applied;
    expect([...prom.files.keys()].map((file) => file.replace(/-[0-9a-f-]{36}/, ""))).toEqual([
      "default-good-rule.yaml",
    ]);
    expect(am.config).toContain("default/good-route/r");
    expect(am.config).not.toContain("nobody");
    expect((await bindings("PrometheusRule", "bad-rule"))[0].conditions[0].message).toContain("parse error");
    expect((await bindings("AlertmanagerConfig", "bad-route"))[0].conditions[0].message).toContain("nobody");
    expect((await bindings("ScrapeConfig", "bad-config"))[0].conditions[0].message).toContain("hold no port");
  });
});

describe("instances", () => {
  test("a mistake of its own leaves it as it was, and says why", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(good);
    await cluster.operator(driver);
    const before = driver.config("main");
    await cluster.apply(prometheus({ ...EVERYTHING, scrapeInterval: "10s", scrapeTimeout: "20s" }, { name: "main" }));
    await expect.poll(async () => (await condition("Prometheus", "Reconciled"))?.status).toBe("False");
    expect(await condition("Prometheus", "Reconciled")).toMatchObject({
      reason: "ReconciliationFailed",
      message: expect.stringContaining("scrapeTimeout 20s is greater than scrapeInterval 10s"),
    });
    expect(await condition("Prometheus", "Available")).toMatchObject({ status: "True" });
    expect(driver.config("main")).toBe(before);
    await cluster.apply(prometheus({ ...EVERYTHING, scrapeInterval: "40s" }, { name: "main" }));
    await expect.poll(() => driver.config("main")).toContain("scrape_interval: 40s");
  });

  test("paused, only the status goes on", async () => {
    await cluster.apply(prometheus({ ...EVERYTHING, paused: true }, { name: "main" }));
    await cluster.operator(driver);
    expect(driver.applied).toEqual([]);
    expect(
      ((await cluster.get("Prometheus", "main")) as unknown as { status: { paused: boolean } }).status.paused,
    ).toBe(true);
    await cluster.apply(prometheus({ ...EVERYTHING, paused: false }, { name: "main" }));
    await expect.poll(() => driver.applied.length).toBe(1);
  });

  test("gone, they are removed and nobody says any more that they took something", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(good);
    await cluster.operator(driver);
    expect(await bindings("ServiceMonitor", "good")).toHaveLength(1);
    await cluster.delete("Prometheus", "main");
    await expect.poll(() => driver.removed).toEqual(["Prometheus/default/main"]);
    await expect.poll(() => bindings("ServiceMonitor", "good")).toEqual([]);
  });

  test("what the driver cannot do is tried again and said", async () => {
    driver.failure = "no room";
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    const operator = await cluster.operator(driver);
    expect(operator.report.instances[0]).toMatchObject({ failed: true, ready: false, message: "no room" });
    expect(await condition("Prometheus", "Reconciled")).toMatchObject({ status: "False", message: "no room" });
  });

  test("nothing is written for what did not change", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(good);
    const operator = await cluster.operator(driver);
    const version = (await cluster.get("ServiceMonitor", "good")).metadata.resourceVersion;
    const reconciled = operator.report.reconciledAt;
    const label = { ...good, metadata: { ...good.metadata, labels: { touched: "yes" } } };
    await cluster.apply({ ...label, metadata: { ...label.metadata, name: "another" } });
    await expect.poll(() => operator.report.reconciledAt).toBeGreaterThan(reconciled);
    await expect.poll(() => driver.applied.length).toBe(2);
    expect((await cluster.get("ServiceMonitor", "good")).metadata.resourceVersion).toBe(version);
  });
});

describe("starting", () => {
  test("nothing is published before everything is listed", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(good);
    const list = cluster.client.list.bind(cluster.client);
    vi.spyOn(cluster.client, "list").mockImplementation(async (type, ...rest) => {
      if (type.plural === "servicemonitors") await new Promise((resolve) => setTimeout(resolve, 200));
      return list(type, ...rest) as never;
    });
    await cluster.operator(driver);
    expect(driver.applied).toHaveLength(1);
    expect(driver.config("main")).toContain("serviceMonitor/default/good/0");
  });

  test("a kind the cluster does not have keeps nobody waiting", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    const list = cluster.client.list.bind(cluster.client);
    vi.spyOn(cluster.client, "list").mockImplementation(async (type, ...rest) => {
      if (type.plural === "scrapeconfigs") throw new KubeError(404, "NotFound", "no such resource");
      return list(type, ...rest) as never;
    });
    const operator = await cluster.operator(driver);
    expect(operator.report.instances).toMatchObject([{ name: "main", failed: false }]);
  });
});

test("scope: other namespaces and other operators' instances are left alone", async () => {
  const mine = prometheus(EVERYTHING, { name: "mine" });
  await cluster.apply({
    ...mine,
    metadata: { ...mine.metadata, annotations: { "operator.prometheus.io/controller-id": "a" } },
  });
  await cluster.apply(prometheus(EVERYTHING, { name: "theirs" }));
  const operator = await cluster.operator(driver, { scope: { controllerId: "a" } });
  expect(operator.report.instances.map(({ name }) => name)).toEqual(["mine"]);
  const other = await cluster.operator(new MemoryDriver(), {
    scope: { denyNamespaces: ["default"] },
    registry: new Registry(),
  });
  expect(other.report.instances).toEqual([]);
});

test("two operators leave each other's bindings alone", async () => {
  const annotations = { "operator.prometheus.io/controller-id": "a" };
  const theirs = prometheus(EVERYTHING, { name: "theirs" });
  await cluster.apply({ ...theirs, metadata: { ...theirs.metadata, annotations } });
  await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
  await cluster.apply(good);
  await cluster.operator(driver);
  await cluster.operator(new MemoryDriver(), { registry: new Registry(), scope: { controllerId: "a" } });
  expect((await bindings("ServiceMonitor", "good")).map(({ name }) => name).sort()).toEqual(["main", "theirs"]);
});

test("a secret shows in the configuration alone: not in statuses, events or the report", async () => {
  const password = "hunter2-never-to-be-seen";
  const auth = { username: { name: "s", key: "user" }, password: { name: "s", key: "pass" } };
  const ca = { ca: { secret: { name: "s", key: "pass" } } };
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" } };
  await cluster.apply({ ...secret, stringData: { user: "bob", pass: password } } as never);
  await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
  await cluster.apply(serviceMonitor({ selector: {}, endpoints: [{ basicAuth: auth }] }, { name: "good" }));
  await cluster.apply(serviceMonitor({ selector: {}, endpoints: [{ tlsConfig: ca }] }, { name: "bad" }));
  const operator = await cluster.operator(driver);
  expect(driver.config("main")).toContain(password);
  const { items } = await cluster.client.list(EVENTS, { namespace: "default" });
  const said = JSON.stringify([
    operator.report,
    items,
    await cluster.get("Prometheus", "main"),
    await cluster.get("ServiceMonitor", "good"),
    await cluster.get("ServiceMonitor", "bad"),
  ]);
  expect(said).toContain("no certificate in PEM form");
  expect(said).not.toContain(password);
});
