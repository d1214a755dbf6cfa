import { Registry, silentLogger } from "@pharos/kit";
import type { KubeObject, ResourceType } from "@pharos/kube";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CONFIG_MAPS, SECRETS } from "../../kinds.ts";
import { KubeletSync, NODES } from "../../kubelet/sync.ts";
import { TestCluster } from "../../testing/cluster.ts";
import { alertmanager, prometheus, prometheusRule, serviceMonitor } from "../../testing/objects.ts";
import { ENDPOINT_SLICES, SERVICES } from "../local-endpoints.ts";
import { CLAIMS, KubernetesDriver, PODS, STATEFUL_SETS } from "./driver.ts";

const EVERYTHING = { serviceMonitorSelector: {}, podMonitorSelector: {}, ruleSelector: {} };

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await TestCluster.start();
});
afterEach(() => cluster[Symbol.asyncDispose]());

const start = () =>
  cluster.operator(new KubernetesDriver({ client: cluster.client, log: silentLogger, registry: cluster.registry }));
const names = async (type: ResourceType, namespace = "default") =>
  (await cluster.client.list(type, { namespace })).items.map(({ metadata }) => metadata.name).sort();
const set = (name = "prometheus-main") => cluster.client.get<KubeObject>(STATEFUL_SETS, { namespace: "default", name });

interface Status {
  status: {
    conditions: { type: string; status: string; message: string }[];
    shards?: number;
    availableReplicas: number;
  };
}
const status = async () => ((await cluster.get("Prometheus", "main")) as unknown as Status).status;

/** What a StatefulSet controller would say. */
async function makeReady(name = "prometheus-main"): Promise<void> {
  const known = await set(name);
  const replicas = (known.spec as { replicas: number }).replicas;
  await cluster.client.patchStatus(
    STATEFUL_SETS,
    { namespace: "default", name },
    {
      status: {
        observedGeneration: known.metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas: replicas,
        availableReplicas: replicas,
      },
    },
  );
}

describe("the driver for clusters", () => {
  test("makes everything an instance needs, and says how it is", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(alertmanager({}, { name: "main" }));
    await cluster.apply(serviceMonitor({ selector: {}, endpoints: [{ port: "web" }] }));
    await cluster.apply(prometheusRule({ groups: [{ name: "g", rules: [{ alert: "A", expr: "up" }] }] }));
    await start();
    expect(await names(STATEFUL_SETS)).toEqual(["alertmanager-main", "prometheus-main"]);
    expect(await names(SERVICES)).toEqual(["alertmanager-operated", "prometheus-operated"]);
    expect(await names(SECRETS)).toEqual([
      "alertmanager-main-generated",
      "alertmanager-main-tls-assets-0",
      "alertmanager-main-web-config",
      "prometheus-main",
      "prometheus-main-tls-assets-0",
      "prometheus-main-web-config",
    ]);
    expect(await names(CONFIG_MAPS)).toEqual(["prometheus-main-rulefiles-0"]);
    expect((await status()).conditions).toMatchObject([
      { type: "Available", status: "False", message: "0 of 1 Pods are ready" },
      { type: "Reconciled", status: "True" },
    ]);
    await makeReady();
    await expect.poll(async () => (await status()).conditions[0].status).toBe("True");
    expect(await status()).toMatchObject({ shards: 1, availableReplicas: 1 });
  });

  test("is idle when nothing changes", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    const operator = await start();
    const before = (await set()).metadata.resourceVersion;
    await cluster.apply(serviceMonitor({ selector: {}, endpoints: [] }, { labels: { a: "b" } }));
    const { reconciledAt } = operator.report;
    await expect.poll(() => operator.report.reconciledAt).toBeGreaterThan(reconciledAt);
    expect((await set()).metadata.resourceVersion).toBe(before);
  });

  test("shards come and go, their data where it is asked for stays", async () => {
    await cluster.apply(prometheus({ ...EVERYTHING, shards: 3 }, { name: "main" }));
    await start();
    const all = ["prometheus-main", "prometheus-main-shard-1", "prometheus-main-shard-2"];
    expect(await names(STATEFUL_SETS)).toEqual(all);
    await cluster.apply(
      prometheus({ ...EVERYTHING, shards: 2, shardRetentionPolicy: { whenScaled: "Retain" } }, { name: "main" }),
    );
    await expect.poll(async () => (await status()).shards).toBe(2);
    expect(await names(STATEFUL_SETS)).toEqual(all);
    await cluster.apply(prometheus({ ...EVERYTHING, shards: 1 }, { name: "main" }));
    await expect.poll(() => names(STATEFUL_SETS)).toEqual(["prometheus-main"]);
  });

  test("a shard that was scaled away goes when its time is over, and stays when it is wanted again", async () => {
    const policy = (retentionPeriod: string) => ({
      shardRetentionPolicy: { whenScaled: "Retain", retain: { retentionPeriod } },
    });
    const scale = (shards: number, period: string) =>
      cluster.apply(prometheus({ ...EVERYTHING, shards, ...policy(period) }, { name: "main" }));
    const second = "prometheus-main-shard-1";
    const deadline = async () => (await set(second)).metadata.annotations?.["operator.prometheus.io/deletion-deadline"];
    await scale(2, "1h");
    await start();
    await scale(1, "1h");
    await expect.poll(deadline).toMatch(/^\d{4}-.*Z$/);
    await scale(2, "1h");
    await expect.poll(deadline).toBeUndefined();
    await scale(1, "1s");
    await expect.poll(() => names(STATEFUL_SETS), { timeout: 8_000 }).toEqual(["prometheus-main"]);
  });

  test("volumes grow while Pods and claims stay", async () => {
    const storage = (size: string) => ({
      storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: size } } } } },
    });
    await cluster.apply(prometheus({ ...EVERYTHING, ...storage("1Gi") }, { name: "main" }));
    await start();
    const { matchLabels } = ((await set()).spec as { selector: { matchLabels: Record<string, string> } }).selector;
    const claim = "prometheus-main-db-prometheus-main-0";
    await cluster.client.create(CLAIMS, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: claim, namespace: "default", labels: matchLabels },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
    await cluster.client.create(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "prometheus-main-0", namespace: "default", labels: matchLabels },
      spec: { containers: [{ name: "prometheus", image: "x" }] },
    });
    const uid = (await set()).metadata.uid;
    await cluster.apply(prometheus({ ...EVERYTHING, ...storage("2Gi") }, { name: "main" }));
    const size = async () =>
      (
        (await cluster.client.get<KubeObject>(CLAIMS, { namespace: "default", name: claim })).spec as {
          resources: { requests: { storage: string } };
        }
      ).resources.requests.storage;
    await expect.poll(size).toBe("2Gi");
    await expect.poll(async () => (await set().catch(() => undefined))?.metadata.uid).not.toBe(uid);
    expect(await names(PODS)).toEqual(["prometheus-main-0"]);
    await cluster.apply(prometheus({ ...EVERYTHING, ...storage("1Gi") }, { name: "main" }));
    await expect.poll(async () => (await status()).conditions[1].message).toContain("cannot shrink");
    expect(await size()).toBe("2Gi");
  });

  test("a Service of the user's own must be there", async () => {
    await cluster.apply(prometheus({ ...EVERYTHING, serviceName: "mine" }, { name: "main" }));
    await start();
    expect((await status()).conditions[1]).toMatchObject({
      status: "False",
      message: expect.stringContaining("Service default/mine does not exist"),
    });
    expect(await names(STATEFUL_SETS)).toEqual([]);
  });

  test("a configuration people wrote stays where nothing is selected", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "prometheus-main", namespace: "default" } };
    const data = { "prometheus.yaml.gz": "bXk=" };
    await cluster.client.create(SECRETS, { ...secret, data } as KubeObject);
    await cluster.apply(prometheus({}, { name: "main" }));
    await start();
    const read = async () =>
      ((await cluster.client.get(SECRETS, { namespace: "default", name: "prometheus-main" })) as { data?: unknown })
        .data;
    expect(await read()).toEqual(data);
    expect((await status()).conditions[1]).toMatchObject({ status: "True", reason: "ConfigurationUnmanaged" });
    expect(await names(STATEFUL_SETS)).toEqual(["prometheus-main"]);
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await expect.poll(read).not.toEqual(data);
  });

  test.each(["evict", "delete"] as const)("Pods that hang in an old revision: %s", async (repairPolicy) => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    const { client } = cluster;
    const driver = new KubernetesDriver({ client, log: silentLogger, repairPolicy });
    const operator = await cluster.operator(driver);
    const known = await set();
    const { matchLabels } = (known.spec as { selector: { matchLabels: Record<string, string> } }).selector;
    const { name = "", uid = "" } = known.metadata;
    await client.create(PODS, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "prometheus-main-0",
        namespace: "default",
        labels: { ...matchLabels, "controller-revision-hash": "old" },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name, uid, controller: true }],
      },
      spec: { containers: [{ name: "prometheus", image: "x" }] },
    } as KubeObject);
    const created = vi.spyOn(client, "create").mockResolvedValue({} as KubeObject);
    const evicted = () => created.mock.calls.filter(([type]) => type.plural === "pods/prometheus-main-0/eviction");
    const updateRevision = "new";
    await client.patchStatus(
      STATEFUL_SETS,
      { namespace: "default", name },
      { status: { replicas: 1, updateRevision } },
    );
    if (repairPolicy === "delete") await expect.poll(() => names(PODS)).toEqual([]);
    else await expect.poll(() => evicted().length).toBeGreaterThan(0);
    expect(operator.report.instances[0].failed).toBe(false);
  });

  test("removed, nothing of it is left", async () => {
    await cluster.apply(prometheus(EVERYTHING, { name: "main" }));
    await cluster.apply(prometheus(EVERYTHING, { name: "other" }));
    await start();
    await cluster.delete("Prometheus", "main");
    await expect.poll(() => names(STATEFUL_SETS)).toEqual(["prometheus-other"]);
    await expect
      .poll(async () => (await names(SECRETS)).every((name) => name?.startsWith("prometheus-other")))
      .toBe(true);
    expect(await names(SERVICES)).toEqual(["prometheus-operated"]);
  });
});

test("the kubelets are published and follow the nodes", async () => {
  const node = (name: string, address: string): KubeObject => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name },
    status: { addresses: [{ type: "InternalIP", address }] },
  });
  const add = async (object: KubeObject): Promise<void> => {
    await cluster.client.create(NODES, object);
    await cluster.client.patchStatus(NODES, { name: object.metadata.name ?? "" }, { status: object.status });
  };
  await add(node("a", "10.0.0.1"));
  await using sync = new KubeletSync({
    client: cluster.client,
    log: silentLogger,
    registry: new Registry(),
    namespace: "kube-system",
    name: "kubelet",
    addressPriority: "internal",
    httpMetrics: true,
    labels: {},
    annotations: {},
    endpoints: true,
    endpointSlices: true,
    nodeSelector: "",
  });
  await sync.start();
  const addresses = async () =>
    (
      await cluster.client.list<KubeObject & { endpoints: { addresses: string[] }[] }>(ENDPOINT_SLICES, {
        namespace: "kube-system",
      })
    ).items
      .filter(({ metadata }) => metadata.name?.startsWith("kubelet-"))
      .map(({ endpoints }) => endpoints.flatMap((entry) => entry.addresses));
  expect(await addresses()).toEqual([["10.0.0.1"]]);
  await add(node("b", "fd00::2"));
  await sync.sync();
  expect(await addresses()).toEqual([["10.0.0.1"], ["fd00::2"]]);
  await cluster.client.delete(NODES, { name: "b" });
  await sync.sync();
  expect(await addresses()).toEqual([["10.0.0.1"]]);
});
