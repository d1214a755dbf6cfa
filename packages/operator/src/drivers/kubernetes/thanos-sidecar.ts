/** spec.thanos of a Prometheus → the sidecar that serves its data to Thanos and uploads its blocks. */

import type { Prometheus } from "../../resources/prometheus.ts";
import type { Argument, Open } from "../../resources/workload.ts";
import { grpcServerArgs } from "../../thanos/args.ts";
import { atLeast } from "../../version.ts";
import { type Container, commandLine, RESTRICTED } from "./containers.ts";
import { prefixedName, storageVolumeName } from "./names.ts";
import { DEFAULT_VERSIONS, imageOf, type WorkloadOptions } from "./options.ts";
import { compact } from "./pod.ts";
import { type Compaction, PROMETHEUS_FOLDERS, routePrefix, SHIPPER_FILE } from "./prometheus-args.ts";
import { storageOf, subPath } from "./volumes.ts";

const CONFIG_FOLDER = "/etc/thanos/config";
const CLIENT_FILE = "prometheus.http-client-file.yaml";
const CLIENT_VOLUME = "thanos-prometheus-http-client-file";

export function thanosClientSecretName({ metadata }: Prometheus): string {
  return `${prefixedName("Prometheus", metadata.name ?? "")}-${CLIENT_VOLUME}`;
}

/** How the sidecar talks to Prometheus beside it: over the loopback address any certificate is its own. */
export function thanosClientConfig({ spec }: Prometheus): Record<string, string> {
  return { [CLIENT_FILE]: spec.web?.tlsConfig ? "tls_config:\n  insecure_skip_verify: true\n" : "{}\n" };
}

export function thanosSidecar(prometheus: Prometheus, compaction: Compaction, options: WorkloadOptions) {
  const { spec, metadata } = prometheus;
  const thanos = spec.thanos!;
  const version = thanos.version || DEFAULT_VERSIONS.ThanosRuler;
  const scheme = spec.web?.tlsConfig ? "https" : "http";
  const bind = (local: boolean | undefined): string => (thanos.listenLocal || local ? "127.0.0.1" : "");
  const args: Argument[] = [
    { name: "prometheus.url", value: `${scheme}://${options.localHost}:9090${routePrefix(spec)}` },
    { name: "grpc-address", value: `${bind(thanos.grpcListenLocal)}:10901` },
    { name: "http-address", value: `${bind(thanos.httpListenLocal)}:10902` },
    ...grpcServerArgs(thanos.grpcServerTlsConfig, version),
  ];
  const env: Open[] = [];
  const mounts: Open[] = (thanos.volumeMounts ?? []).map(({ name, mountPath }) => ({ name, mountPath }));
  const volumes: Open[] = [];
  const fromSecret = (flag: string, variable: string, reference: { name?: string; key?: string }): void => {
    args.push({ name: flag, value: `$(${variable})` });
    env.push({ name: variable, valueFrom: { secretKeyRef: reference } });
  };
  if (thanos.objectStorageConfig || thanos.objectStorageConfigFile) {
    if (thanos.objectStorageConfigFile)
      args.push({ name: "objstore.config-file", value: thanos.objectStorageConfigFile });
    else fromSecret("objstore.config", "OBJSTORE_CONFIG", thanos.objectStorageConfig ?? {});
    args.push({ name: "tsdb.path", value: PROMETHEUS_FOLDERS.storage });
    const { volume } = storageOf(spec.storage, storageVolumeName("Prometheus", metadata.name ?? ""));
    mounts.push({ name: volume, mountPath: PROMETHEUS_FOLDERS.storage, ...subPath(spec.storage, "prometheus-db") });
    if (compaction === "delayed") {
      args.push({ name: "shipper.meta-file-name", value: SHIPPER_FILE }, { name: "shipper.ignore-unequal-block-size" });
    }
  }
  if (thanos.tracingConfigFile) args.push({ name: "tracing.config-file", value: thanos.tracingConfigFile });
  else if (thanos.tracingConfig) fromSecret("tracing.config", "TRACING_CONFIG", thanos.tracingConfig);
  const optional = (name: string, value: string | undefined, since?: string): void => {
    if (value && (since === undefined || atLeast(version, since))) args.push({ name, value });
  };
  optional("log.level", thanos.logLevel || spec.logLevel);
  optional("log.format", thanos.logFormat || spec.logFormat);
  optional("min-time", thanos.minTime);
  optional("prometheus.ready_timeout", thanos.readyTimeout);
  optional("prometheus.get_config_timeout", thanos.getConfigTimeout, "0.29.0");
  optional("prometheus.get_config_interval", thanos.getConfigInterval, "0.29.0");
  if (atLeast(version, "0.24.0")) {
    args.push({ name: "prometheus.http-client-file", value: `${CONFIG_FOLDER}/${CLIENT_FILE}` });
    mounts.push({ name: CLIENT_VOLUME, mountPath: CONFIG_FOLDER });
    volumes.push({ name: CLIENT_VOLUME, secret: { secretName: thanosClientSecretName(prometheus) } });
  }
  const container: Container = {
    name: "thanos-sidecar",
    ...compact({
      image: imageOf(thanos, options.images.thanos, version),
      imagePullPolicy: spec.imagePullPolicy,
      args: ["sidecar", ...commandLine(args, thanos.additionalArgs)],
      env,
      ports: [
        { name: "http", containerPort: 10902 },
        { name: "grpc", containerPort: 10901 },
      ],
      volumeMounts: mounts,
      resources: thanos.resources,
      securityContext: RESTRICTED,
      terminationMessagePolicy: "FallbackToLogsOnError",
    }),
  };
  return { container, volumes };
}
