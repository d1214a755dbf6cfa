import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import { gpuExporterFlags } from "@pharos/gpu-exporter";
import { describeFlags, type FlagSpecs, parseFlags, silentLogger } from "@pharos/kit";
import { createApiServer, type KubeObject } from "@pharos/kube";
import { kubeStateMetricsFlags } from "@pharos/kube-state-metrics";
import { nodeExporterFlags } from "@pharos/node-exporter";
import { admissionError, operatorFlags } from "@pharos/operator";
import { describe, expect, test } from "vitest";
import { uiFlags } from "../commands/ui.ts";
import { componentsOf } from "./components.ts";
import { crdTexts, installObjects } from "./objects.ts";
import { PLAN_FLAGS, readPlan } from "./plan.ts";
import type { Values } from "./values.ts";

const IMAGE = "registry.example/pharos:1";
const plan = (...args: string[]): Values => readPlan(PLAN_FLAGS, [`--image=${IMAGE}`, ...args]).values;
const everything = plan(
  "--namespace=watch",
  "--components=operator,node-exporter,kube-state-metrics,gpu-exporter,ui,mesh,instances",
  "--domain=example.org",
  "--set=grafana.gateway.name=public",
);
const objects = installObjects(everything);

function find<T extends KubeObject>(kind: string, name: string, among: readonly KubeObject[] = objects): T {
  const found = among.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found as T;
}

test("the same options give the same text", () => {
  expect(JSON.stringify(installObjects(everything))).toBe(JSON.stringify(objects));
  expect(crdTexts()).toHaveLength(10);
});

test("every object that lives in a namespace lives in the chosen one, and none comes twice", () => {
  const cluster = new Set(["Namespace", "ClusterRole", "ClusterRoleBinding"]);
  for (const { kind, metadata } of objects) if (!cluster.has(kind)) expect(metadata.namespace).toBe("watch");
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(JSON.stringify(find("Prometheus", "main"))).not.toContain('"monitoring"');
});

test("the API takes every object, and so does admission", async () => {
  const dir = mkdtempSync(join(tmpdir(), "pharos-install-"));
  try {
    await using server = await createApiServer({
      dir,
      host: "127.0.0.1",
      port: 0,
      log: silentLogger,
      admission: async (object) => admissionError(object),
    });
    for (const object of objects) {
      if (object.kind === "HTTPRoute") continue;
      await server.store.apply(object, { fieldManager: "pharos-install" });
    }
    expect(server.problems()).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("least rights: nothing privileged, no wildcards, only reading where only reading is needed", () => {
  for (const object of objects) {
    const text = JSON.stringify(object);
    expect(text).not.toMatch(/"privileged":true|"runAsUser":0\b|"add":\[/);
    if (object.kind === "ClusterRole" || object.kind === "Role") expect(text).not.toContain("*");
  }
  for (const name of ["pharos-kube-state-metrics", "pharos-grafana", "pharos-prometheus"]) {
    const { rules } = find<KubeObject & { rules: { verbs: string[] }[] }>("ClusterRole", name);
    for (const verb of rules.flatMap(({ verbs }) => verbs)) expect(["get", "list", "watch"]).toContain(verb);
  }
  expect(JSON.stringify(find("DaemonSet", "node-exporter"))).toContain('"automountServiceAccountToken":false');
});

test("a Service of every component is found by a monitor, on ports that the pod has", () => {
  for (const { name, ports } of componentsOf(everything)) {
    const monitor = find("ServiceMonitor", name) as unknown as {
      spec: { selector: { matchLabels: Record<string, string> }; endpoints: { port: string }[] };
    };
    expect(find("Service", name).metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
    expect(ports.map((port) => port.name)).toEqual(
      expect.arrayContaining(monitor.spec.endpoints.map(({ port }) => port)),
    );
  }
});

describe("components are started with flags they have", () => {
  const flags: Record<string, FlagSpecs> = {
    "node-exporter": nodeExporterFlags,
    "kube-state-metrics": kubeStateMetricsFlags,
    "gpu-exporter": gpuExporterFlags,
    operator: operatorFlags,
    ui: uiFlags,
  };
  test.each(componentsOf(everything))("$name", ({ args }) => {
    const specs = flags[args[0]];
    expect(() => parseFlags(specs, args.slice(1))).not.toThrow();
    expect(describeFlags(specs)).not.toBe("");
  });
});

describe("profiles", () => {
  const spec = (kind: string, ...args: string[]): Record<string, unknown> =>
    find(kind, "main", installObjects(plan(...args))).spec as Record<string, unknown>;

  test.each([
    ["default", "1d", "2GB", "10Gi", "2Gi", "120h"],
    ["evaluation", "6h", "1GB", "10Gi", "1500Mi", "120h"],
    ["production", "30d", "15GB", "20Gi", "4Gi", "240h"],
  ])("%s", (profile, retention, retentionSize, storage, memory, remembered) => {
    const prometheus = spec("Prometheus", `--profile=${profile}`);
    expect(prometheus).toMatchObject({
      retention,
      retentionSize,
      resources: { limits: { memory } },
      storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage } } } } },
    });
    expect(spec("Alertmanager", `--profile=${profile}`)).toMatchObject({ retention: remembered });
  });

  test("the UI keeps what people save, except in an evaluation", () => {
    const claims = (profile: string): KubeObject[] =>
      installObjects(plan(`--profile=${profile}`)).filter(({ kind }) => kind === "PersistentVolumeClaim");
    expect(claims("default")).toHaveLength(1);
    expect(claims("evaluation")).toHaveLength(0);
  });

  test("what is set counts more than the profile", () => {
    expect(spec("Prometheus", "--profile=production", "--set=prometheus.retention=3d")).toMatchObject({
      retention: "3d",
      retentionSize: "15GB",
    });
  });
});

test("selectors of the instance are carried by the resources out of the box", () => {
  const made = installObjects(
    plan("--set=prometheus.ruleSelector={app: monitoring, release: monitoring}", "--set=prometheus.namespaces=a,b"),
  );
  expect(find("Prometheus", "main", made).spec).toMatchObject({
    serviceMonitorSelector: {},
    ruleSelector: { matchLabels: { app: "monitoring", release: "monitoring" } },
    ruleNamespaceSelector: {
      matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["a", "b"] }],
    },
  });
  for (const { kind, metadata } of made) {
    if (kind === "PrometheusRule") expect(metadata.labels).toMatchObject({ app: "monitoring", release: "monitoring" });
  }
});

describe("channels", () => {
  const config = (...args: string[]) => {
    const secret = find("Secret", "alertmanager-main", installObjects(plan(...args))) as unknown as {
      data: Record<string, string>;
    };
    const text = Buffer.from(secret.data["alertmanager.yaml"], "base64").toString();
    return { text, loaded: loadAlertmanagerConfig(text, { file: "" }) };
  };

  test("none out of the box", () => {
    expect(config().text).not.toMatch(/slack|victor/i);
  });

  test("Slack by two values", () => {
    const { text } = config("--set=slack.channel=#ops", "--set=slack.apiurl=https://hooks.slack.com/services/x");
    expect(text).toContain("slack_configs");
    expect(text).toContain('severity="critical"');
    expect(text).not.toContain("victorops_configs");
  });

  test("VictorOps by two values, under the names that Kyma's overrides have", () => {
    const credentials = "global.alertTools.credentials.victorOps";
    const { text } = config(
      `--set=${credentials}.apikey=key`,
      `--set=${credentials}.routingkey=team`,
      `--set=${credentials}.matchExpression=severity: critical`,
    );
    expect(text).toContain("victorops_configs");
    expect(text).toContain('severity=~"critical"');
  });
});

test("the UI is at https://grafana.DOMAIN", () => {
  expect(find("Ingress", "grafana").spec).toMatchObject({
    tls: [{ hosts: ["grafana.example.org"] }],
    rules: [{ host: "grafana.example.org" }],
  });
  expect(find("HTTPRoute", "grafana").spec).toMatchObject({
    parentRefs: [{ name: "public" }],
    hostnames: ["grafana.example.org"],
    rules: [{ backendRefs: [{ name: "grafana", port: 3000 }] }],
  });
  expect(installObjects(plan()).some(({ kind }) => kind === "Ingress")).toBe(false);
});

test("main leaves the mesh's objects alone and federates its sums", () => {
  const selector = { matchExpressions: [{ key: "prometheus", operator: "NotIn", values: ["mesh"] }] };
  expect(find("Prometheus", "main").spec).toMatchObject({ ruleSelector: selector, podMonitorSelector: selector });
  expect(find("PodMonitor", "envoy-stats")).toMatchObject({
    metadata: { labels: { prometheus: "mesh" } },
    spec: { sampleLimit: 20_000 },
  });
  expect(find("Prometheus", "mesh").spec).toMatchObject({
    retention: "2h",
    resources: { limits: { memory: "2000Mi" } },
    serviceAccountName: "prometheus-mesh",
  });
  expect(
    find("Prometheus", "mesh", installObjects(plan("--set=mesh.enabled=true", "--profile=production"))).spec,
  ).toMatchObject({
    resources: { limits: { memory: "4Gi" } },
  });
});
