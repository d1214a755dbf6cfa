import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { createApiServer, createKubeClient, type KubeClient, type KubeObject } from "@pharos/kube";
import { expect, test } from "vitest";
import { incompatibility, ownDefinitions } from "./definitions.ts";
import { kindOf, titleOf, typeOf } from "./kinds.ts";
import { installObjects } from "./objects.ts";
import { PLAN_FLAGS, readPlan } from "./plan.ts";
import { preflight } from "./preflight.ts";
import { uninstall } from "./uninstall.ts";
import { upgrade } from "./upgrade.ts";

const plan = (...args: string[]) => readPlan(PLAN_FLAGS, ["--image=r.example/pharos:1", ...args]).values;
const quiet = { crds: true, tell: () => {} };

async function withCluster(work: (client: KubeClient) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "pharos-cluster-"));
  try {
    await using server = await createApiServer({ dir, host: "127.0.0.1", port: 0, log: silentLogger });
    await using client = createKubeClient({ server: server.url });
    await work(client);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const present = async (client: KubeClient, objects: readonly KubeObject[]): Promise<string[]> => {
  const there: string[] = [];
  for (const object of objects) {
    const { namespace, name = "" } = object.metadata;
    if (await client.get(typeOf(object), { namespace, name }).catch(() => undefined)) there.push(titleOf(object));
  }
  return there;
};

test("preflight names what is missing, and what would fight", () =>
  withCluster(async (client) => {
    const bare = await preflight(client, plan("--domain=example.org", "--set=grafana.gateway.name=public"));
    const errors = bare.filter(({ level }) => level === "error");
    expect(errors.map(({ check }) => check).sort()).toEqual(["API versions", "storage"]);
    expect(errors.map(({ message }) => message).join("\n")).toContain("gateway.networking.k8s.io/v1");
    expect(await preflight(client, plan("--set=prometheus.storageClass=fast"))).toContainEqual(
      expect.objectContaining({ level: "error", message: "there is no storage class fast" }),
    );
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    await client.create({ group: "storage.k8s.io", version: "v1", plural: "storageclasses" }, {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "standard", annotations },
      provisioner: "example.org/disk",
    } as KubeObject);
    const labels = { app: "x" };
    await client.create<KubeObject>(kindOf("Deployment"), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "prometheus-operator", namespace: "default" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "a", image: "quay.io/prometheus-operator/prometheus-operator:v0.93.0" }] },
        },
      },
    });
    const findings = await preflight(client, plan());
    expect(findings.filter(({ level }) => level === "error")).toEqual([]);
    expect(findings.filter(({ level }) => level === "warning").map(({ message }) => message)).toEqual([
      "Deployment default/prometheus-operator is an operator of the same resources",
    ]);
  }));

test(
  "upgrade installs, changes, and takes away what is not wanted any more; uninstall keeps data unless told",
  () =>
    withCluster(async (client) => {
      const first = installObjects(plan("--set=mesh.enabled=true"));
      await upgrade(client, plan("--set=mesh.enabled=true"), quiet);
      expect(await present(client, first)).toHaveLength(first.length);

      const lines: string[] = [];
      await upgrade(client, plan("--set=prometheus.retention=9d"), { crds: true, tell: (line) => lines.push(line) });
      expect(await client.get(kindOf("Prometheus"), { namespace: "monitoring", name: "main" })).toMatchObject({
        spec: { retention: "9d" },
      });
      const second = installObjects(plan());
      const gone = first.map(titleOf).filter((title) => !second.map(titleOf).includes(title));
      expect(gone.length).toBeGreaterThan(5);
      expect(lines).toEqual(expect.arrayContaining(gone.map((title) => `${title} deleted`)));

      const mine = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mine", namespace: "monitoring" } };
      await client.create<KubeObject>(kindOf("ConfigMap"), mine);
      const options = { namespace: "monitoring", data: false, crds: false, tell: () => {} };
      await uninstall(client, options);
      expect(await present(client, [...second, mine])).toEqual([
        "Namespace monitoring",
        "PersistentVolumeClaim monitoring/grafana",
        "ConfigMap monitoring/mine",
      ]);
      await uninstall(client, { ...options, data: true });
      expect(await present(client, [...second, mine])).toEqual(["Namespace monitoring", "ConfigMap monitoring/mine"]);
    }),
  60_000,
);

test(
  "what the API server refuses changes nothing",
  () =>
    withCluster(async (client) => {
      await upgrade(client, plan(), quiet);
      const values = { ...plan("--set=alertmanager.retention=9d"), "prometheus.retention": "not a time" };
      await expect(upgrade(client, values, quiet)).rejects.toThrow("Prometheus monitoring/main");
      expect(await client.get(kindOf("Prometheus"), { namespace: "monitoring", name: "main" })).toMatchObject({
        spec: { retention: "1d" },
      });
    }),
  60_000,
);

test("definitions that would lose something are refused with the reason", () => {
  const [next] = ownDefinitions();
  expect(incompatibility(next, next)).toBeUndefined();
  const [version] = next.spec.versions;
  const more = { ...next, spec: { ...next.spec, versions: [...next.spec.versions, { ...version, name: "v9" }] } };
  expect(incompatibility(more, next)).toContain("version v9 is served now");
  expect(incompatibility({ ...more, status: { storedVersions: ["v9"] } }, next)).toContain("stored as v9");
  const annotations = { "operator.prometheus.io/version": "0.100.1" };
  expect(incompatibility({ ...next, metadata: { ...next.metadata, annotations } }, next)).toContain("newer than");
});
