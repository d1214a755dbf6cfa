/** Prometheus and PrometheusAgent → one StatefulSet a shard, or a DaemonSet. */
import type { KubeObject } from "@pharos/kube";
import { shardCount, shardPlace } from "../../prometheus/sharding.ts";
import type { CommonPrometheusSpec, Prometheus, PrometheusAgent, PrometheusSpec } from "../../resources/prometheus.ts";
import type { Open } from "../../resources/workload.ts";
import { atLeast, VersionGate } from "../../version.ts";
import type { DesiredInstance } from "../driver.ts";
import { ruleConfigMapName, webConfigSecretName } from "./config-objects.ts";
import {
  type Container,
  commandLine,
  configReloader,
  localProbe,
  mergeContainers,
  podEnv,
  RESTRICTED,
} from "./containers.ts";
import {
  configSecretName,
  MODE_LABEL,
  SHARD_LABEL,
  selectorLabels,
  statefulSetName,
  storageVolumeName,
} from "./names.ts";
import { DEFAULT_VERSIONS, imageOf, type WorkloadOptions } from "./options.ts";
import { compact, daemonSet, type PodParts, statefulSet } from "./pod.ts";
import {
  agentArguments,
  type Compaction,
  compactionOf,
  OUTPUT_FILE,
  PROMETHEUS_FOLDERS,
  routePrefix,
  serverArguments,
} from "./prometheus-args.ts";
import { thanosSidecar } from "./thanos-sidecar.ts";
import { referencedMounts, ruleMounts, storageOf, subPath, tlsAssetsVolume } from "./volumes.ts";
import { type WebConfig, webConfig } from "./web-config.ts";

const GRACE_SECONDS = 600;
const PROBE_TIMEOUT = 3;
/** Volumes for rules that are not there yet, so that more rules do not restart the Pods. */
export const SPARE_RULE_VOLUMES = 3;

type Kind = "Prometheus" | "PrometheusAgent";

/** The web configuration file of an instance. */
export function prometheusWebConfig(desired: DesiredInstance): WebConfig {
  const { web } = desired.resource.spec as CommonPrometheusSpec;
  return webConfig(web, webConfigSecretName(desired), PROMETHEUS_FOLDERS.web);
}

function cleanPath(path: string): string {
  return path.replace(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}

function probes(spec: CommonPrometheusSpec): Open {
  const prefix = routePrefix(spec);
  const handler = (path: string): Open => {
    const full = cleanPath(`${prefix}/${path}`);
    if (spec.listenLocal) return localProbe(`http://localhost:9090${full}`);
    const scheme = spec.web?.tlsConfig ? { scheme: "HTTPS" } : {};
    return { httpGet: { path: full, port: spec.portName || "web", ...scheme } };
  };
  const longest = spec.maximumStartupDurationSeconds ?? 0;
  // Replaying a large WAL takes its time: a quarter of an hour where nothing else is said.
  const failures = longest >= 60 ? Math.ceil(longest / 60) : 60;
  const period = longest >= 60 ? Math.ceil(longest / failures) : 15;
  const probe = (path: string, periodSeconds: number, failureThreshold: number): Open => ({
    ...handler(path),
    timeoutSeconds: PROBE_TIMEOUT,
    periodSeconds,
    failureThreshold,
  });
  return {
    startupProbe: probe("-/ready", period, failures),
    readinessProbe: probe("-/ready", 5, 3),
    livenessProbe: probe("-/healthy", 5, 6),
  };
}

interface Mounts {
  volumes: Open[];
  mounts: Open[];
  watched: string[];
  claims: Open[];
}

function usesLogFolder(file: string | undefined): boolean {
  return file !== undefined && file !== "" && !file.includes("/");
}

function mountsOf(
  desired: DesiredInstance,
  ruleMaps: readonly string[],
  tlsSecrets: readonly string[],
  withStorage: boolean,
): Mounts {
  const kind = desired.kind as Kind;
  const { metadata } = desired.resource;
  const spec = desired.resource.spec as PrometheusSpec;
  const name = metadata.name ?? "";
  const storage = storageOf(spec.storage, storageVolumeName(kind, name));
  const referenced = referencedMounts(spec, "/etc/prometheus");
  const rules = ruleMounts(ruleMaps, PROMETHEUS_FOLDERS.rules);
  const logs = usesLogFolder(spec.scrapeFailureLogFile) || usesLogFolder(spec.queryLogFile);
  return {
    volumes: [
      { name: "config", secret: { secretName: configSecretName(kind, name) } },
      tlsAssetsVolume(tlsSecrets),
      // In memory: the file with all secrets in it never touches a disk.
      { name: "config-out", emptyDir: { medium: "Memory" } },
      ...referenced.volumes,
      ...rules.volumes,
      ...(logs ? [{ name: "log-file", emptyDir: {} }] : []),
      ...(withStorage ? storage.volumes : []),
    ],
    mounts: [
      { name: "config-out", readOnly: true, mountPath: PROMETHEUS_FOLDERS.output },
      { name: "tls-assets", readOnly: true, mountPath: PROMETHEUS_FOLDERS.certificates },
      ...(withStorage
        ? [{ name: storage.volume, mountPath: PROMETHEUS_FOLDERS.storage, ...subPath(spec.storage, "prometheus-db") }]
        : []),
      ...(spec.volumeMounts ?? []),
      ...referenced.mounts,
      ...rules.mounts,
      ...(logs ? [{ name: "log-file", mountPath: PROMETHEUS_FOLDERS.logs }] : []),
    ],
    watched: rules.watched,
    claims: withStorage ? storage.claims : [],
  };
}

/** Names of the ConfigMaps to mount: those there are, and spare ones. */
export function mountedRuleMaps(desired: DesiredInstance, count: number): string[] {
  if (desired.kind !== "Prometheus" && desired.kind !== "ThanosRuler") return [];
  const name = desired.resource.metadata.name ?? "";
  return Array.from({ length: Math.max(count, SPARE_RULE_VOLUMES) }, (_, i) =>
    ruleConfigMapName(desired.kind, name, i),
  );
}

function reloaders(
  spec: CommonPrometheusSpec,
  { watched }: Mounts,
  web: WebConfig | undefined,
  env: Open[],
  options: WorkloadOptions,
): { init: Container; sidecar: Container } {
  const scheme = spec.web?.tlsConfig ? "https" : "http";
  const url = (path: string): string =>
    `${scheme}://${options.localHost}:9090${cleanPath(`${routePrefix(spec)}/${path}`)}`;
  const bySignal = spec.reloadStrategy === "ProcessSignal";
  const shared = {
    configFile: `${PROMETHEUS_FOLDERS.config}/prometheus.yaml.gz`,
    outputFile: OUTPUT_FILE,
    watched,
    logLevel: spec.logLevel,
    logFormat: spec.logFormat,
    imagePullPolicy: spec.imagePullPolicy,
    env,
    volumeMounts: [
      { name: "config", mountPath: PROMETHEUS_FOLDERS.config },
      { name: "config-out", mountPath: PROMETHEUS_FOLDERS.output },
      ...watched.map((mountPath) => ({ name: mountPath.slice(mountPath.lastIndexOf("/") + 1), mountPath })),
      ...(web && spec.web ? web.mounts : []),
    ],
  };
  return {
    init: configReloader({ ...shared, init: true }, options),
    sidecar: configReloader(
      {
        ...shared,
        init: false,
        ...(bySignal ? { runtimeInfoUrl: url("api/v1/status/runtimeinfo") } : { reloadUrl: url("-/reload") }),
        listenLocal: spec.listenLocal,
        webConfigFile: web && spec.web ? web.path : undefined,
      },
      options,
    ),
  };
}

function podParts(
  desired: DesiredInstance,
  shard: number | undefined,
  tlsSecrets: readonly string[],
  ruleMaps: readonly string[],
  options: WorkloadOptions,
): PodParts {
  const kind = desired.kind as Kind;
  const resource = desired.resource as Prometheus | PrometheusAgent;
  const spec = resource.spec as PrometheusSpec;
  const name = resource.metadata.name ?? "";
  const version = spec.version || DEFAULT_VERSIONS[kind];
  const gate = new VersionGate(version);
  const mounts = mountsOf(desired, ruleMaps, tlsSecrets, shard !== undefined);
  const web = atLeast(version, "2.24.0") ? prometheusWebConfig(desired) : undefined;
  const thanosVersion = spec.thanos?.version || DEFAULT_VERSIONS.ThanosRuler;
  const compaction: Compaction = kind === "Prometheus" ? compactionOf(spec, version, thanosVersion) : "default";
  const sidecar =
    kind === "Prometheus" && spec.thanos ? thanosSidecar(resource as Prometheus, compaction, options) : undefined;
  const own = kind === "Prometheus" ? serverArguments(spec, gate, compaction) : agentArguments(spec, gate);
  const place = shardPlace({ prometheus: resource, features: options.features }, shard ?? 0);
  const env: Open[] = [
    ...(shard === undefined ? [podEnv("NODE_NAME", "spec.nodeName")] : []),
    { name: "SHARD", value: String(shard ?? 0) },
    ...(place.zone === undefined
      ? []
      : [
          { name: "TOPOLOGY_ZONE", value: place.zone },
          { name: "INZONE_SHARD", value: String(place.inZone) },
        ]),
  ];
  const { init, sidecar: reloader } = reloaders(spec, mounts, web, env, options);
  const gc = spec.runtime?.goGC;
  const main: Container = {
    name: "prometheus",
    ...compact({
      image: imageOf(spec, options.images.prometheus, version),
      imagePullPolicy: spec.imagePullPolicy,
      args: commandLine(web ? [...own, { name: "web.config.file", value: web.path }] : own, spec.additionalArgs),
      env: gc !== undefined && !atLeast(version, "2.53.0") ? [{ name: "GOGC", value: String(gc) }] : undefined,
      ports: spec.listenLocal ? undefined : [{ name: spec.portName || "web", containerPort: 9090, protocol: "TCP" }],
      volumeMounts: [...mounts.mounts, ...(web?.mounts ?? [])],
      resources: spec.resources,
      securityContext: RESTRICTED,
      terminationMessagePolicy: "FallbackToLogsOnError",
      ...probes(spec),
    }),
  };
  return {
    name: statefulSetName(kind, name, shard ?? 0),
    selector: { ...selectorLabels(kind, name), ...(shard === undefined ? {} : { [SHARD_LABEL]: String(shard) }) },
    labels: {},
    mainContainer: "prometheus",
    version,
    containers: mergeContainers(
      [main, reloader, ...(sidecar ? [sidecar.container] : [])],
      spec.containers as Container[],
    ),
    initContainers: mergeContainers([init], spec.initContainers as Container[]),
    volumes: [...mounts.volumes, ...(web?.volumes ?? []), ...(sidecar?.volumes ?? [])],
    claims: mounts.claims,
    terminationGraceSeconds: GRACE_SECONDS,
    nodeSelector:
      place.zone === undefined
        ? spec.nodeSelector
        : { ...spec.nodeSelector, "topology.kubernetes.io/zone": place.zone },
    shareProcessNamespace: spec.reloadStrategy === "ProcessSignal" || undefined,
  };
}

export function isDaemonSet({ kind, resource }: Pick<DesiredInstance, "kind" | "resource">): boolean {
  return kind === "PrometheusAgent" && (resource as PrometheusAgent).spec.mode === "DaemonSet";
}

/** The workloads of an instance, shard 0 first. */
export function prometheusWorkloads(
  desired: DesiredInstance,
  tlsSecrets: readonly string[],
  ruleMaps: readonly string[],
  options: WorkloadOptions,
): KubeObject[] {
  const spec = desired.resource.spec as CommonPrometheusSpec;
  if (isDaemonSet(desired)) {
    return [daemonSet(desired, podParts(desired, undefined, tlsSecrets, ruleMaps, options), options)];
  }
  const replicas = Math.max(0, spec.replicas ?? 1);
  return Array.from({ length: shardCount(spec) }, (_, shard) => {
    const parts = podParts(desired, shard, tlsSecrets, ruleMaps, options);
    const set = statefulSet(desired, parts, replicas, options);
    const mode = desired.kind === "Prometheus" ? "server" : "agent";
    set.metadata.labels = { ...set.metadata.labels, [MODE_LABEL]: mode };
    return set;
  });
}
