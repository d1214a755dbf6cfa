import { gunzipSync } from "node:zlib";
import type { KubeObject } from "@pharos/kube";
import { describe, expect, test } from "vitest";
import { alertmanager, prometheus } from "../../testing/objects.ts";
import type { DesiredInstance, InstanceKind } from "../driver.ts";
import { pack } from "./config-objects.ts";
import { commandLine, mergeContainers } from "./containers.ts";
import { volumeName } from "./names.ts";
import { DEFAULT_WORKLOAD_OPTIONS, imageOf, type WorkloadOptions } from "./options.ts";
import { renderInstance } from "./render.ts";
import { planExpansion } from "./storage-expansion.ts";
import { instanceState, type Pod, podProblem, stuckPods, type Workload } from "./workload-state.ts";

interface Container {
  name: string;
  image: string;
  args: string[];
  env: { name: string; value?: string }[];
  volumeMounts: { name: string; mountPath: string; subPath?: string }[];
  securityContext: { readOnlyRootFilesystem: boolean };
  [probe: `${string}Probe`]: { periodSeconds: number; failureThreshold: number; httpGet?: { scheme?: string } };
}
interface StatefulSet extends KubeObject {
  spec: {
    replicas: number;
    serviceName: string;
    selector: { matchLabels: Record<string, string> };
    volumeClaimTemplates?: KubeObject[];
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        containers: Container[];
        initContainers?: Container[];
        volumes: { name: string }[];
        nodeSelector?: object;
      };
    };
  };
}

function desired(kind: InstanceKind, spec: object, extra: Partial<DesiredInstance> = {}): DesiredInstance {
  const resource = { ...prometheus(spec, { name: "main" }), kind };
  return { kind, resource, config: "global: {}\n", files: new Map(), certificates: new Map(), ...extra };
}

function render(
  kind: InstanceKind,
  spec: object = {},
  extra: Partial<DesiredInstance> = {},
  options: Partial<WorkloadOptions> = {},
) {
  const { service, files, workloads } = renderInstance(desired(kind, spec, extra), {
    ...DEFAULT_WORKLOAD_OPTIONS,
    ...options,
  });
  return { service, files, workloads: workloads as StatefulSet[] };
}

const container = (set: StatefulSet, name: string): Container => {
  const { containers, initContainers = [] } = set.spec.template.spec;
  return [...containers, ...initContainers].find((entry) => entry.name === name)!;
};

describe("Prometheus", () => {
  test("names, labels and owner", () => {
    const { workloads, service, files } = render("Prometheus", { replicas: 2 });
    const [set] = workloads;
    expect(set.metadata).toMatchObject({
      name: "prometheus-main",
      ownerReferences: [{ kind: "Prometheus", name: "main", controller: true }],
    });
    expect(set.spec).toMatchObject({ replicas: 2, serviceName: "prometheus-operated" });
    expect(set.spec.selector.matchLabels).toEqual({
      "app.kubernetes.io/managed-by": "prometheus-operator",
      "app.kubernetes.io/name": "prometheus",
      "app.kubernetes.io/instance": "main",
      prometheus: "main",
      "operator.prometheus.io/name": "main",
      "operator.prometheus.io/shard": "0",
    });
    expect(set.spec.template.metadata.labels).toMatchObject(set.spec.selector.matchLabels);
    expect(service).toMatchObject({
      metadata: { name: "prometheus-operated" },
      spec: { clusterIP: "None", ports: [{ name: "web", port: 9090 }] },
    });
    expect(files.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "Secret prometheus-main",
      "Secret prometheus-main-tls-assets-0",
      "Secret prometheus-main-web-config",
      "ConfigMap prometheus-main-rulefiles-0",
    ]);
  });

  test("the configuration is packed, always the same way", () => {
    const secret = () => render("Prometheus").files[0] as unknown as { data: Record<string, string> };
    const packed = secret().data["prometheus.yaml.gz"];
    expect(gunzipSync(Buffer.from(packed, "base64")).toString()).toBe("global: {}\n");
    expect(secret().data["prometheus.yaml.gz"]).toBe(packed);
  });

  test("everything runs without rights and on a read-only root", () => {
    const thanos = { thanos: { objectStorageConfig: { name: "s", key: "k" } } };
    for (const set of [render("Prometheus", thanos).workloads[0], render("Alertmanager").workloads[0]]) {
      const { containers, initContainers = [] } = set.spec.template.spec;
      for (const { securityContext } of [...containers, ...initContainers]) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("every mount has its volume", () => {
    const spec = {
      secrets: ["a.b"],
      configMaps: ["c"],
      queryLogFile: "q.log",
      storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: "1Gi" } } } } },
      web: { tlsConfig: { keySecret: { name: "tls", key: "k" }, cert: { secret: { name: "tls", key: "c" } } } },
      thanos: { objectStorageConfig: { name: "s", key: "k" } },
    };
    const am = {
      alertmanagerConfiguration: { templates: [{ configMap: { name: "t", key: "x.tmpl" } }] },
      secrets: ["s"],
    };
    const ruler = {
      queryEndpoints: ["q"],
      objectStorageConfig: { name: "s", key: "k" },
      remoteWrite: [{ url: "http://x" }],
    };
    for (const set of [
      render("Prometheus", spec).workloads[0],
      render("PrometheusAgent", { mode: "DaemonSet" }).workloads[0],
      render("Alertmanager", am).workloads[0],
      render("ThanosRuler", ruler).workloads[0],
    ]) {
      const { containers, initContainers = [], volumes } = set.spec.template.spec;
      const claims = (set.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name);
      const names = [...volumes.map(({ name }) => name), ...claims];
      expect(new Set(names).size).toBe(names.length);
      for (const { volumeMounts } of [...containers, ...initContainers]) {
        const paths = volumeMounts.map(({ mountPath }) => mountPath);
        expect(new Set(paths).size).toBe(paths.length);
        for (const { name } of volumeMounts) expect(names).toContain(name);
      }
    }
  });

  test("flags by version", () => {
    const args = (spec: object) => container(render("Prometheus", spec).workloads[0], "prometheus").args;
    expect(args({ version: "v3.5.0", retention: "5d" })).toContain("--storage.tsdb.retention.time=5d");
    expect(args({ version: "v3.13.0", retention: "5d" }).join(" ")).not.toContain("retention");
    expect(args({ version: "v2.55.0" })).toContain("--web.console.templates=/etc/prometheus/consoles");
    expect(args({ externalUrl: "https://x/prom" })).toContain("--web.route-prefix=/prom");
    expect(args({ otlp: {} })).toContain("--web.enable-otlp-receiver");
    const upload = { thanos: { objectStorageConfig: { name: "s", key: "k" } } };
    expect(args({ version: "v3.5.0", ...upload })).toContain("--storage.tsdb.max-block-duration=2h");
    expect(args(upload)).toContain("--storage.tsdb.delay-compact-file.path=/prometheus/thanos.shipper.json");
  });

  test("shards, spread over zones", () => {
    const { workloads } = render("Prometheus", {
      shards: 3,
      shardingStrategy: { mode: "Topology", topology: { values: ["a", "b"] } },
    });
    expect(workloads.map(({ metadata }) => metadata.name)).toEqual([
      "prometheus-main",
      "prometheus-main-shard-1",
      "prometheus-main-shard-2",
    ]);
    const env = container(workloads[2], "config-reloader").env.filter(({ value }) => value !== undefined);
    expect(env).toEqual([
      { name: "SHARD", value: "2" },
      { name: "TOPOLOGY_ZONE", value: "a" },
      { name: "INZONE_SHARD", value: "1" },
    ]);
    expect(workloads[2].spec.template.spec.nodeSelector).toEqual({ "topology.kubernetes.io/zone": "a" });
  });

  test("probes: by TLS, on the loopback address, with patience", () => {
    const main = (spec: object) => container(render("Prometheus", spec).workloads[0], "prometheus");
    expect(main({}).startupProbe).toMatchObject({ periodSeconds: 15, failureThreshold: 60 });
    expect(main({ maximumStartupDurationSeconds: 3600 }).startupProbe).toMatchObject({
      periodSeconds: 60,
      failureThreshold: 60,
    });
    expect(main({ web: { tlsConfig: { certFile: "/c", keyFile: "/k" } } }).readinessProbe.httpGet?.scheme).toBe(
      "HTTPS",
    );
    expect(main({ listenLocal: true }).livenessProbe).toHaveProperty("exec");
  });

  test("rules are mounted before there are any, so that more of them restart nothing", () => {
    const mounted = (files: [string, string][]) =>
      render("Prometheus", {}, { files: new Map(files) })
        .workloads[0].spec.template.spec.volumes.filter(({ name }) => name.includes("rulefiles"))
        .map(({ name }) => name);
    expect(mounted([])).toEqual(mounted([["a.yaml", "groups: []"]]));
  });
});

describe("Alertmanager", () => {
  const args = (spec: object, options: Partial<WorkloadOptions> = {}) =>
    container(render("Alertmanager", spec, {}, options).workloads[0], "alertmanager").args;

  test("one replica has no cluster, three find each other", () => {
    expect(args({})).toContain("--cluster.listen-address=");
    const three = args({ replicas: 3 }, { clusterDomain: "cluster.local" });
    expect(three).toContain("--cluster.listen-address=[$(POD_IP)]:9094");
    expect(three.filter((arg) => arg.startsWith("--cluster.peer="))).toEqual(
      [0, 1, 2].map(
        (i) => `--cluster.peer=alertmanager-main-${i}.alertmanager-operated.default.svc.cluster.local.:9094`,
      ),
    );
    expect(args({ version: "v0.25.0" }).join(" ")).not.toContain("cluster.label");
  });

  test("mutual TLS between replicas has a file, its Secret and its material", () => {
    const side = { cert: { secret: { name: "c", key: "crt" } }, keySecret: { name: "c", key: "key" } };
    const { workloads, files } = render("Alertmanager", { clusterTLS: { server: side, client: side } });
    expect(container(workloads[0], "alertmanager").args).toContain(
      "--cluster.tls-config=/etc/alertmanager/cluster_tls_config/cluster-tls-config.yaml",
    );
    expect(files.map(({ metadata }) => metadata.name)).toContain("alertmanager-main-cluster-tls-config");
  });
});

describe("Thanos Ruler", () => {
  test("needs something to query", () => {
    expect(() => render("ThanosRuler")).toThrow(/nothing its rules could query/);
    const { workloads } = render("ThanosRuler", { queryEndpoints: ["dnssrv+x"], labels: { region: "eu" } });
    const { args } = container(workloads[0], "thanos-ruler");
    expect(args[0]).toBe("rule");
    expect(args).toContain("--query=dnssrv+x");
    expect(args).toContain('--label=region="eu"');
  });
});

describe("parts", () => {
  test("files are packed first-fit, in order of their names", () => {
    const big = "x".repeat(300 * 1024);
    expect(
      pack(
        new Map([
          ["c", big],
          ["a", big],
          ["b", "small"],
        ]),
      ).map((bin) => [...bin.keys()]),
    ).toEqual([["a", "b"], ["c"]]);
    expect(pack(new Map())).toHaveLength(1);
  });

  test("the user's containers are merged by name", () => {
    const own = [
      { name: "a", image: "x", args: ["1"], env: [{ name: "A", value: "1" }], resources: { limits: { cpu: "1" } } },
    ];
    const user = [
      {
        name: "a",
        image: "y",
        env: [{ name: "A", value: "2" }, { name: "B" }],
        resources: { limits: { cpu: null, memory: "1Gi" } },
      },
      { name: "b", image: "z" },
    ];
    expect(mergeContainers(own, user)).toEqual([
      {
        name: "a",
        image: "y",
        args: ["1"],
        env: [{ name: "A", value: "2" }, { name: "B" }],
        resources: { limits: { memory: "1Gi" } },
      },
      { name: "b", image: "z" },
    ]);
  });

  test("arguments of the operator cannot be set a second time", () => {
    const own = [{ name: "web.enable-lifecycle" }, { name: "config.file", value: "x" }];
    expect(commandLine(own, [{ name: "x", value: "1" }])).toEqual([
      "--web.enable-lifecycle",
      "--config.file=x",
      "--x=1",
    ]);
    expect(() => commandLine(own, [{ name: "config.file", value: "y" }])).toThrow(/config.file is set by the operator/);
    expect(() => commandLine(own, [{ name: "no-web.enable-lifecycle" }])).toThrow(/set by the operator/);
  });

  test.each([
    [{ image: "mine" }, "quay.io/p/p", "mine"],
    [{}, "quay.io/p/p", "quay.io/p/p:v1"],
    [{}, "localhost:5000/p", "localhost:5000/p:v1"],
    [{}, "localhost:5000/p:v9", "localhost:5000/p:v9"],
    [{ sha: "abc" }, "p", "p@sha256:abc"],
    [{ tag: "t" }, "p", "p:t"],
  ])("image %j of %s is %s", (spec, base, expected) => {
    expect(imageOf(spec, base, "v1")).toBe(expected);
  });

  test("names of volumes are short, legal and unlike each other", () => {
    const long = "x".repeat(100);
    for (const name of ["plain", "with.dots", long, `${long}y`, "UPPER"]) {
      expect(volumeName("secret", name)).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }
    expect(volumeName("secret", "plain")).toBe("secret-plain");
    expect(volumeName("secret", "a.b")).not.toBe(volumeName("secret", "a-b"));
    expect(volumeName("secret", long)).not.toBe(volumeName("secret", `${long}y`));
  });

  test("web configuration", () => {
    const web = {
      httpConfig: { http2: false, headers: { xFrameOptions: "Deny" } },
      tlsConfig: { keyFile: "/k", certFile: "/c", minVersion: "TLS13" },
    };
    const [secret] = render("Prometheus", { web }).files.filter(({ metadata }) =>
      metadata.name?.endsWith("web-config"),
    );
    const text = Buffer.from(
      (secret as unknown as { data: Record<string, string> }).data["web-config.yaml"],
      "base64",
    ).toString();
    expect(text).toContain("min_version: TLS13");
    expect(text).toContain("X-Frame-Options: deny");
    expect(alertmanager({}).kind).toBe("Alertmanager");
  });
});

describe("storage", () => {
  const set = (size: string): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "prometheus-main" },
    spec: {
      volumeClaimTemplates: [{ metadata: { name: "db" }, spec: { resources: { requests: { storage: size } } } }],
    },
  });
  const claim = (name: string, size: string): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { resources: { requests: { storage: size } } },
  });

  test("grows claim by claim", () => {
    const claims = [
      claim("db-prometheus-main-0", "1Gi"),
      claim("db-prometheus-main-1", "2Gi"),
      claim("db-other-0", "1Gi"),
    ];
    expect(planExpansion(set("1Gi"), set("2048Mi"), claims)).toEqual({
      claims: [{ name: "db-prometheus-main-0", storage: "2048Mi" }],
      recreate: true,
    });
    expect(planExpansion(set("1Gi"), set("1Gi"), claims)).toEqual({ claims: [], recreate: false });
  });

  test("and never shrinks", () => {
    expect(() => planExpansion(set("2Gi"), set("1Gi"), [])).toThrow(/cannot shrink/);
  });
});

describe("state", () => {
  const workload = (status: object, replicas = 2): Workload =>
    ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "w", generation: 2 },
      spec: { replicas },
      status,
    }) as Workload;
  const pod = (name: string, status: object, metadata: object = {}): Pod =>
    ({ apiVersion: "v1", kind: "Pod", metadata: { name, ...metadata }, status }) as Pod;
  const READY = { conditions: [{ type: "Ready", status: "True" }] };

  test("ready when the controller has seen the last change and all replicas are", () => {
    const all = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
    expect(instanceState([workload(all)], [], "u", "s")).toMatchObject({ ready: true, message: "" });
    expect(instanceState([workload({ ...all, observedGeneration: 1 })], [], "u", "s").ready).toBe(false);
    expect(instanceState([workload({ ...all, availableReplicas: 1 })], [], "u", "s")).toMatchObject({
      ready: false,
      message: "1 of 2 Pods are ready",
      shards: [{ shardID: "0", availableReplicas: 1, unavailableReplicas: 1 }],
    });
    expect(instanceState([undefined], [], "u", "s").message).toContain("is not there");
    expect(instanceState([workload({ observedGeneration: 2 }, 0)], [], "u", "s").ready).toBe(true);
  });

  test("says of each Pod why it is not", () => {
    expect(podProblem(pod("a", READY))).toBeUndefined();
    const waiting = {
      containerStatuses: [{ name: "c", state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } }],
    };
    expect(podProblem(pod("a", waiting))).toBe("container c: ImagePullBackOff: no such image");
    const unscheduled = {
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "no nodes" }],
    };
    expect(podProblem(pod("a", unscheduled))).toBe("Unschedulable: no nodes");
    expect(podProblem(pod("a", { phase: "Pending" }))).toBe("it is Pending");
  });

  test("Pods that hang in an old revision are found", () => {
    const own = (revision: string) => ({
      labels: { "controller-revision-hash": revision },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "w", uid: "1", controller: true }],
    });
    const pods = [
      pod("old", {}, own("1")),
      pod("old-ready", READY, own("1")),
      pod("new", {}, own("2")),
      pod("stranger", {}),
    ];
    expect(stuckPods(workload({ updateRevision: "2" }), pods).map(({ metadata }) => metadata.name)).toEqual(["old"]);
  });
});
