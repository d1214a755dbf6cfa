/** Command line of Thanos Ruler. Source: upstream's generator. */
import { UserError } from "@pharos/model";
import type { SecretKeyRef } from "../resources/common.ts";
import type { GrpcServerTls, ThanosRuler, ThanosRulerSpec } from "../resources/thanos-ruler.ts";
import type { Argument } from "../resources/workload.ts";
import { atLeast, DEFAULT_THANOS_VERSION } from "../version.ts";

export const THANOS_FOLDERS = {
  config: "/etc/thanos/config",
  rules: "/etc/thanos/rules",
  certificates: "/etc/thanos/certs",
  storage: "/thanos/data",
} as const;

const REPLICA_LABEL = "thanos_ruler_replica";

/** Settings that are a whole file in a Secret: the field, and the name of the volume it becomes. */
export const SECRET_FILES = [
  ["queryConfig", "query-config", "query.config-file"],
  ["alertmanagersConfig", "alertmanager-config", "alertmanagers.config-file"],
  ["objectStorageConfig", "objstorage-config", "objstore.config-file"],
  ["tracingConfig", "tracing-config", "tracing.config-file"],
  ["alertRelabelConfigs", "alertrelabel-config", "alert.relabel-config-file"],
] as const;

/** Fields that name a file of the container and win over the Secret of the same purpose. */
const FILE_FIELDS: Partial<Record<(typeof SECRET_FILES)[number][0], keyof ThanosRulerSpec>> = {
  objectStorageConfig: "objectStorageConfigFile",
  tracingConfig: "tracingConfigFile",
  alertRelabelConfigs: "alertRelabelConfigFile",
};

/** The Secrets that are mounted as files, where each lies, and the flag that names it. */
export function secretFiles(
  spec: ThanosRulerSpec,
): { volume: string; flag: string; reference: SecretKeyRef; path: string }[] {
  return SECRET_FILES.flatMap(([field, volume, flag]) => {
    const file = FILE_FIELDS[field];
    const reference = spec[field];
    if (!reference || (file && spec[file])) return [];
    return [{ volume, flag, reference, path: `${THANOS_FOLDERS.config}/${volume}/${reference.key}` }];
  });
}

function flag(name: string, value: string | number | undefined): Argument[] {
  return value === undefined || value === "" || value === 0 ? [] : [{ name, value: String(value) }];
}

export function grpcServerArgs(tls: GrpcServerTls | undefined, version: string): Argument[] {
  if (!tls) return [];
  const minimum = tls.minVersion ? `1.${tls.minVersion.replace(/^TLS1/, "")}` : undefined;
  return [
    ...flag("grpc-server-tls-cert", tls.certFile),
    ...flag("grpc-server-tls-key", tls.keyFile),
    ...flag("grpc-server-tls-client-ca", tls.caFile),
    ...(atLeast(version, "0.37.0") ? flag("grpc-server-tls-min-version", minimum) : []),
    ...(atLeast(version, "0.42.0")
      ? [
          ...flag("grpc-server-tls-ciphers", tls.cipherSuites?.join(",")),
          ...flag("grpc-server-tls-curves", tls.curves?.join(",")),
        ]
      : []),
  ];
}

function checkQuery({ metadata, spec }: ThanosRuler): void {
  if (spec.queryConfig || spec.queryEndpoints?.length) return;
  throw new UserError("operator.invalid", "there is nothing its rules could query", {
    where: { object: `ThanosRuler ${metadata.namespace}/${metadata.name}`, field: "spec.queryEndpoints" },
    fix: "Give queryEndpoints or queryConfig",
  });
}

/** The arguments after `rule`, those of spec.additionalArgs left to the caller. */
export function thanosRulerArgs(ruler: ThanosRuler): Argument[] {
  checkQuery(ruler);
  const { spec } = ruler;
  const version = spec.version || DEFAULT_THANOS_VERSION;
  const since = (minimum: string, args: Argument[]): Argument[] => (atLeast(version, minimum) ? args : []);
  const labels = Object.entries(spec.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const files = secretFiles(spec);
  const ownFiles = SECRET_FILES.flatMap(([field, , name]) => {
    const file = FILE_FIELDS[field];
    return file ? flag(name, spec[file] as string | undefined) : [];
  });
  return [
    { name: "data-dir", value: THANOS_FOLDERS.storage },
    { name: "eval-interval", value: spec.evaluationInterval || "15s" },
    { name: "tsdb.retention", value: spec.retention || "24h" },
    ...since("0.38.0", flag("rule-query-offset", spec.ruleQueryOffset)),
    ...since("0.37.0", flag("rule-concurrent-evaluation", spec.ruleConcurrentEval)),
    ...since("0.30.0", flag("for-outage-tolerance", spec.ruleOutageTolerance)),
    ...since("0.30.0", flag("for-grace-period", spec.ruleGracePeriod)),
    ...flag("resend-delay", spec.resendDelay),
    ...since("0.39.0", flag("enable-feature", spec.enableFeatures?.join(","))),
    { name: "label", value: `${REPLICA_LABEL}="$(POD_NAME)"` },
    ...labels.map(([name, value]) => ({ name: "label", value: `${name}="${value}"` })),
    { name: "alert.label-drop", value: REPLICA_LABEL },
    ...(spec.alertDropLabels ?? []).map((value) => ({ name: "alert.label-drop", value })),
    ...(spec.listenLocal ? [{ name: "http-address", value: "localhost:10902" }] : []),
    ...(spec.logLevel === "info" ? [] : flag("log.level", spec.logLevel)),
    ...flag("log.format", spec.logFormat),
    { name: "rule-file", value: `${THANOS_FOLDERS.rules}/*/*.yaml` },
    ...(spec.queryConfig ? [] : (spec.queryEndpoints ?? []).map((value) => ({ name: "query", value }))),
    ...(spec.alertmanagersConfig
      ? []
      : (spec.alertmanagersUrl ?? []).map((value) => ({ name: "alertmanagers.url", value }))),
    ...files.map(({ flag: name, path }) => ({ name, value: path })),
    ...ownFiles,
    ...grpcServerArgs(spec.grpcServerTlsConfig, version),
    ...flag("web.external-prefix", spec.externalPrefix),
    ...flag("web.route-prefix", spec.routePrefix),
    ...flag("alert.query-url", spec.alertQueryUrl),
  ];
}
