/** Alertmanager → one StatefulSet whose replicas find each other by name. */
import { parseBytes } from "@pharos/kit";
import type { KubeObject } from "@pharos/kube";
import { toYaml } from "../../prometheus/config.ts";
import type { Yaml } from "../../prometheus/http-client.ts";
import type { Alertmanager } from "../../resources/alertmanager.ts";
import type { SecretOrConfigMap } from "../../resources/common.ts";
import type { Argument, Open } from "../../resources/workload.ts";
import { atLeast } from "../../version.ts";
import type { DesiredInstance } from "../driver.ts";
import { webConfigSecretName } from "./config-objects.ts";
import { type Container, commandLine, configReloader, mergeContainers, podEnv, RESTRICTED } from "./containers.ts";
import { configSecretName, governingService, prefixedName, selectorLabels, storageVolumeName } from "./names.ts";
import { DEFAULT_VERSIONS, imageOf, type WorkloadOptions } from "./options.ts";
import { compact, type PodParts, statefulSet } from "./pod.ts";
import { referencedMounts, storageOf, subPath, tlsAssetsVolume } from "./volumes.ts";
import { materialMount, type WebConfig, webConfig } from "./web-config.ts";

export const ALERTMANAGER_FOLDERS = {
  config: "/etc/alertmanager/config",
  output: "/etc/alertmanager/config_out",
  certificates: "/etc/alertmanager/certs",
  templates: "/etc/alertmanager/templates",
  web: "/etc/alertmanager/web_config",
  cluster: "/etc/alertmanager/cluster_tls_config",
  storage: "/alertmanager",
} as const;

const OUTPUT_FILE = `${ALERTMANAGER_FOLDERS.output}/alertmanager.env.yaml`;
const CLUSTER_FILE = "cluster-tls-config.yaml";
const GRACE_SECONDS = 120;

function replicasOf({ spec }: Alertmanager): number {
  return Math.max(0, spec.replicas ?? 1);
}

function prefixOf({ spec }: Alertmanager): string {
  return spec.routePrefix || "/";
}

function cleanPath(path: string): string {
  return path.replace(/\/{2,}/g, "/");
}

export function alertmanagerWebConfig(desired: DesiredInstance): WebConfig {
  const { web } = (desired.resource as Alertmanager).spec;
  return webConfig(web, webConfigSecretName(desired), ALERTMANAGER_FOLDERS.web);
}

export function clusterTlsSecretName({ metadata }: Alertmanager): string {
  return `${prefixedName("Alertmanager", metadata.name ?? "")}-cluster-tls-config`;
}

export interface ClusterTls {
  files: Record<string, string>;
  volumes: Open[];
  mounts: Open[];
}

/** spec.clusterTLS → the file that makes replicas talk to each other by mutual TLS; undefined without it. */
export function clusterTls(alertmanager: Alertmanager): ClusterTls | undefined {
  const tls = alertmanager.spec.clusterTLS;
  if (!tls) return undefined;
  const volumes: Open[] = [{ name: "cluster-tls-config", secret: { secretName: clusterTlsSecretName(alertmanager) } }];
  const mounts: Open[] = [
    {
      name: "cluster-tls-config",
      mountPath: `${ALERTMANAGER_FOLDERS.cluster}/${CLUSTER_FILE}`,
      subPath: CLUSTER_FILE,
      readOnly: true,
    },
  ];
  const material = (
    side: string,
    part: "cert" | "key" | "ca",
    reference: SecretOrConfigMap | undefined,
  ): string | undefined => {
    if (!reference?.secret && !reference?.configMap) return undefined;
    const made = materialMount(reference, part, `${ALERTMANAGER_FOLDERS.cluster}/${side}`, "cluster-tls");
    const name = `${(made.volume as { name: string }).name}-${side}`.slice(0, 63);
    volumes.push({ ...made.volume, name });
    mounts.push({ ...made.mount, name });
    return made.path;
  };
  const { server, client } = tls;
  const config: Yaml = {
    tls_server_config: compact({
      cert_file: server.certFile || material("server", "cert", server.cert),
      key_file:
        server.keyFile || material("server", "key", server.keySecret?.name ? { secret: server.keySecret } : undefined),
      client_ca_file: server.clientCAFile || material("server", "ca", server.client_ca),
      client_auth_type: server.clientAuthType,
      min_version: server.minVersion,
      max_version: server.maxVersion,
      cipher_suites: server.cipherSuites,
      prefer_server_cipher_suites: server.preferServerCipherSuites,
      curve_preferences: server.curvePreferences,
    }),
    tls_client_config: compact({
      ca_file: material("client", "ca", client.ca),
      cert_file: material("client", "cert", client.cert),
      key_file: material("client", "key", client.keySecret && { secret: client.keySecret }),
      server_name: client.serverName,
      insecure_skip_verify: client.insecureSkipVerify,
      min_version: client.minVersion,
      max_version: client.maxVersion,
    }),
  };
  return { files: { [CLUSTER_FILE]: toYaml(config) }, volumes, mounts };
}

/** Names under which the replicas reach each other. */
function peers(alertmanager: Alertmanager, { clusterDomain }: WorkloadOptions): string[] {
  const { metadata, spec } = alertmanager;
  const service = spec.serviceName || governingService("Alertmanager");
  const domain = clusterDomain ? `${service}.${metadata.namespace}.svc.${clusterDomain}.` : service;
  const own = Array.from(
    { length: replicasOf(alertmanager) },
    (_, i) => `${prefixedName("Alertmanager", metadata.name ?? "")}-${i}.${domain}:9094`,
  );
  return [...own, ...(spec.additionalPeers ?? [])];
}

export function alertmanagerArguments(alertmanager: Alertmanager, options: WorkloadOptions): Argument[] {
  const { metadata, spec } = alertmanager;
  const version = spec.version || DEFAULT_VERSIONS.Alertmanager;
  const since = (minimum: string): boolean => atLeast(version, minimum);
  const args: Argument[] = [];
  const add = (name: string, value?: string | number): void => {
    args.push(value === undefined ? { name } : { name, value: String(value) });
  };
  const opt = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== "") add(name, value);
  };
  add("config.file", OUTPUT_FILE);
  add("storage.path", ALERTMANAGER_FOLDERS.storage);
  add("data.retention", spec.retention || "120h");
  // An empty address switches the cluster off: one replica has nobody to talk to.
  if (replicasOf(alertmanager) === 1 && !spec.forceEnableClusterMode) add("cluster.listen-address=");
  else add("cluster.listen-address", "[$(POD_IP)]:9094");
  add("web.listen-address", spec.listenLocal ? "127.0.0.1:9093" : ":9093");
  opt("web.external-url", spec.externalUrl);
  if (since("0.27.0")) opt("enable-feature", spec.enableFeatures?.join(","));
  add("web.route-prefix", prefixOf(alertmanager));
  opt("web.get-concurrency", spec.web?.getConcurrency);
  opt("web.timeout", spec.web?.timeout);
  if (since("0.28.0")) {
    opt("silences.max-silences", spec.limits?.maxSilences);
    const bytes = spec.limits?.maxPerSilenceBytes;
    opt("silences.max-per-silence-bytes", bytes ? parseBytes(bytes) : undefined);
  }
  const ownDelay = spec.additionalArgs?.some(({ name }) => name === "dispatch.start-delay");
  if (since("0.30.0") && spec.minReadySeconds !== undefined && !ownDelay) {
    add("dispatch.start-delay", `${spec.minReadySeconds}s`);
  }
  if (spec.logLevel !== "info") opt("log.level", spec.logLevel);
  if (spec.logFormat !== "logfmt") opt("log.format", spec.logFormat);
  opt("cluster.advertise-address", spec.clusterAdvertiseAddress);
  opt("cluster.gossip-interval", spec.clusterGossipInterval);
  opt("cluster.pushpull-interval", spec.clusterPushpullInterval);
  opt("cluster.peer-timeout", spec.clusterPeerTimeout);
  if (since("0.30.0")) add("cluster.peer-name", "$(POD_NAME)");
  // Addresses of Pods are used again: the label keeps two clusters from growing together.
  if (since("0.26.0")) add("cluster.label", spec.clusterLabel ?? `${metadata.namespace}/${metadata.name}`);
  for (const peer of peers(alertmanager, options)) add("cluster.peer", peer);
  // The default of six hours would keep replicas that are long gone.
  add("cluster.reconnect-timeout", "5m");
  return args;
}

function probes(alertmanager: Alertmanager): Open {
  const { spec } = alertmanager;
  if (spec.listenLocal) return {};
  const https = spec.web?.tlsConfig ? { scheme: "HTTPS" } : {};
  const ask = (path: string): Open => ({
    httpGet: { path: cleanPath(`${prefixOf(alertmanager)}/${path}`), port: spec.portName || "web", ...https },
  });
  return {
    livenessProbe: { ...ask("-/healthy"), timeoutSeconds: 3, failureThreshold: 10 },
    readinessProbe: {
      ...ask("-/ready"),
      initialDelaySeconds: 3,
      timeoutSeconds: 3,
      periodSeconds: 5,
      failureThreshold: 10,
    },
  };
}

/** Templates lie in the namespace already: they are mounted from where they are. */
function templateVolumes({ spec }: Alertmanager): { volumes: Open[]; mounts: Open[] } {
  const templates = spec.alertmanagerConfiguration?.templates ?? [];
  const seen = new Set<string>();
  const sources = templates.flatMap((template) => {
    const reference = template.secret ?? template.configMap;
    if (!reference?.key || seen.has(reference.key)) return [];
    seen.add(reference.key);
    const items = [{ key: reference.key, path: reference.key }];
    return [{ [template.secret ? "secret" : "configMap"]: { name: reference.name, items } }];
  });
  if (sources.length === 0) return { volumes: [], mounts: [] };
  return {
    volumes: [{ name: "notification-templates", projected: { sources } }],
    mounts: [{ name: "notification-templates", readOnly: true, mountPath: ALERTMANAGER_FOLDERS.templates }],
  };
}

export function alertmanagerWorkload(
  desired: DesiredInstance,
  tlsSecrets: readonly string[],
  options: WorkloadOptions,
): KubeObject {
  const alertmanager = desired.resource as Alertmanager;
  const { spec, metadata } = alertmanager;
  const name = metadata.name ?? "";
  const version = spec.version || DEFAULT_VERSIONS.Alertmanager;
  const storage = storageOf(spec.storage, storageVolumeName("Alertmanager", name));
  const referenced = referencedMounts(spec, "/etc/alertmanager");
  const templates = templateVolumes(alertmanager);
  const web = atLeast(version, "0.22.0") ? alertmanagerWebConfig(desired) : undefined;
  const cluster = atLeast(version, "0.24.0") ? clusterTls(alertmanager) : undefined;
  const watched = [ALERTMANAGER_FOLDERS.config, ...templates.mounts, ...referenced.mounts].map((entry) =>
    typeof entry === "string" ? entry : String(entry.mountPath),
  );
  const reloader = {
    configFile: `${ALERTMANAGER_FOLDERS.config}/alertmanager.yaml.gz`,
    outputFile: OUTPUT_FILE,
    watched,
    logLevel: spec.logLevel,
    logFormat: spec.logFormat,
    imagePullPolicy: spec.imagePullPolicy,
    env: [{ name: "SHARD", value: "-1" }],
    volumeMounts: [
      { name: "config-volume", mountPath: ALERTMANAGER_FOLDERS.config, readOnly: true },
      { name: "config-out", mountPath: ALERTMANAGER_FOLDERS.output },
      ...templates.mounts,
      ...referenced.mounts,
      ...(web?.mounts ?? []),
    ],
  };
  const scheme = spec.web?.tlsConfig ? "https" : "http";
  const reloadUrl = `${scheme}://${options.localHost}:9093${cleanPath(`${prefixOf(alertmanager)}/-/reload`)}`;
  const memory = { memory: "200Mi", ...spec.resources?.requests };
  const args = alertmanagerArguments(alertmanager, options);
  if (web) args.push({ name: "web.config.file", value: web.path });
  if (cluster) args.push({ name: "cluster.tls-config", value: `${ALERTMANAGER_FOLDERS.cluster}/${CLUSTER_FILE}` });
  const main: Container = {
    name: "alertmanager",
    ...compact({
      image: imageOf(spec, options.images.alertmanager, version),
      imagePullPolicy: spec.imagePullPolicy,
      args: commandLine(args, spec.additionalArgs),
      env: [
        podEnv("POD_IP", "status.podIP"),
        ...(atLeast(version, "0.30.0") ? [podEnv("POD_NAME", "metadata.name")] : []),
      ],
      ports: [
        ...(spec.listenLocal ? [] : [{ name: spec.portName || "web", containerPort: 9093, protocol: "TCP" }]),
        { name: "mesh-tcp", containerPort: 9094, protocol: "TCP" },
        { name: "mesh-udp", containerPort: 9094, protocol: "UDP" },
      ],
      volumeMounts: [
        { name: "config-volume", mountPath: ALERTMANAGER_FOLDERS.config },
        { name: "config-out", readOnly: true, mountPath: ALERTMANAGER_FOLDERS.output },
        { name: "tls-assets", readOnly: true, mountPath: ALERTMANAGER_FOLDERS.certificates },
        { name: storage.volume, mountPath: ALERTMANAGER_FOLDERS.storage, ...subPath(spec.storage, "alertmanager-db") },
        ...templates.mounts,
        ...referenced.mounts,
        ...(spec.volumeMounts ?? []),
        ...(web?.mounts ?? []),
        ...(cluster?.mounts ?? []),
      ],
      resources: { ...spec.resources, requests: memory },
      securityContext: RESTRICTED,
      terminationMessagePolicy: "FallbackToLogsOnError",
      ...probes(alertmanager),
    }),
  };
  const parts: PodParts = {
    name: prefixedName("Alertmanager", name),
    selector: selectorLabels("Alertmanager", name),
    labels: {},
    mainContainer: "alertmanager",
    version,
    containers: mergeContainers(
      [
        main,
        configReloader(
          { ...reloader, init: false, reloadUrl, listenLocal: spec.listenLocal, webConfigFile: web?.path },
          options,
        ),
      ],
      spec.containers as Container[],
    ),
    initContainers: mergeContainers(
      [configReloader({ ...reloader, init: true }, options)],
      spec.initContainers as Container[],
    ),
    volumes: [
      { name: "config-volume", secret: { secretName: configSecretName("Alertmanager", name) } },
      tlsAssetsVolume(tlsSecrets),
      { name: "config-out", emptyDir: { medium: "Memory" } },
      ...storage.volumes,
      ...templates.volumes,
      ...referenced.volumes,
      ...(web?.volumes ?? []),
      ...(cluster?.volumes ?? []),
    ],
    claims: storage.claims,
    terminationGraceSeconds: GRACE_SECONDS,
  };
  return statefulSet(desired, parts, replicasOf(alertmanager), options);
}
