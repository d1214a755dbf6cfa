/** What the flags mean; wrong ones are told all at their place. */
import { readFileSync } from "node:fs";
import type { ParsedFlags } from "@pharos/kit";
import { type ClientTarget, parseLabelSelector } from "@pharos/kube";
import { describeError, UserError } from "@pharos/model";
import type { InstanceKind } from "../drivers/driver.ts";
import { DEFAULT_WORKLOAD_OPTIONS, type WorkloadOptions } from "../drivers/kubernetes/options.ts";
import type { KubeletSyncOptions } from "../kubelet/sync.ts";
import type { OperatorScope } from "../operator-scope.ts";
import type { operatorFlags } from "./flags.ts";

export type OperatorFlagValues = ParsedFlags<typeof operatorFlags>["values"];

export interface OperatorSettings {
  target: ClientTarget;
  scope: OperatorScope;
  workloads: WorkloadOptions;
  /** Absent: the kubelets are not published. */
  kubelet: Omit<KubeletSyncOptions, "client" | "log" | "registry"> | undefined;
  web: {
    host: string;
    port: number;
    /** Of a server with the certificate and key of these files; "" for plain HTTP. */
    config(certFile: string, keyFile: string): string;
    /** The Service certificates are made for; absent: files are given. */
    service: { namespace: string; name: string } | undefined;
  };
  /** State of every gate, as the metrics tell it. */
  gates: Record<string, boolean>;
}

const CODE = "operator.flag";

function wrong(flag: string, message: string, fix?: string): UserError {
  return new UserError(CODE, `--${flag}: ${message}`, { fix });
}

/** Repeated and comma-separated values. */
function listOf(values: readonly string[]): string[] {
  return values.flatMap((text) => text.split(",")).flatMap((text) => text.trim() || []);
}

function pairs(flag: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    listOf(values).map((text) => {
      const mark = text.indexOf("=");
      if (mark < 1) throw wrong(flag, `${JSON.stringify(text)} is not name=value`);
      return [text.slice(0, mark), text.slice(mark + 1)];
    }),
  );
}

/** Upstream's gates: those Pharos acts upon, and those whose feature is always there. */
const GATES = {
  PrometheusTopologySharding: { default: true, fixed: false },
  PrometheusShardRetentionPolicy: { default: true, fixed: false },
  PrometheusAgentDaemonSet: { default: true, fixed: true },
  StatusForConfigurationResources: { default: true, fixed: true },
} as const;

function gatesOf(flags: OperatorFlagValues): Record<keyof typeof GATES, boolean> {
  const given = pairs("feature-gates", flags["feature-gates"]);
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(GATES, name)) {
      throw wrong("feature-gates", `there is no gate ${name}`, `Gates are ${Object.keys(GATES).join(", ")}`);
    }
    if (value !== "true" && value !== "false") throw wrong("feature-gates", `${name} must be true or false`);
  }
  return Object.fromEntries(
    Object.entries(GATES).map(([name, gate]) => [
      name,
      gate.fixed || !(name in given) ? gate.default : given[name] === "true",
    ]),
  ) as Record<keyof typeof GATES, boolean>;
}

function readText(flag: string, file: string): string | undefined {
  if (file === "") return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw wrong(flag, describeError(error));
  }
}

function targetOf(flags: OperatorFlagValues): ClientTarget {
  if (flags.kubeconfig) return { kubeconfigFile: flags.kubeconfig, server: flags.apiserver || undefined };
  if (!flags.apiserver) return { inCluster: true };
  return {
    server: flags.apiserver,
    tls: {
      ca: readText("ca-file", flags["ca-file"]),
      cert: readText("cert-file", flags["cert-file"]),
      key: readText("key-file", flags["key-file"]),
      rejectUnauthorized: !flags["tls-insecure"],
    },
  };
}

function selectorOf(flag: string, text: string) {
  if (text.trim() === "") return undefined;
  try {
    return parseLabelSelector(text);
  } catch (error) {
    throw wrong(flag, describeError(error));
  }
}

function scopeOf(flags: OperatorFlagValues): OperatorScope {
  const namespaces = listOf(flags.namespaces);
  const denyNamespaces = listOf(flags["deny-namespaces"]);
  if (namespaces.length > 0 && denyNamespaces.length > 0) {
    throw wrong("deny-namespaces", "cannot be given together with --namespaces", "Leave one of them out");
  }
  const prometheus = listOf(flags["prometheus-instance-namespaces"]);
  const prometheusSelector = selectorOf("prometheus-instance-selector", flags["prometheus-instance-selector"]);
  const instanceNamespaces: Record<InstanceKind, readonly string[]> = {
    Prometheus: prometheus,
    PrometheusAgent: prometheus,
    Alertmanager: listOf(flags["alertmanager-instance-namespaces"]),
    ThanosRuler: listOf(flags["thanos-ruler-instance-namespaces"]),
  };
  return {
    namespaces,
    denyNamespaces,
    instanceNamespaces,
    alertmanagerConfigNamespaces: listOf(flags["alertmanager-config-namespaces"]),
    instanceSelectors: {
      Prometheus: prometheusSelector,
      PrometheusAgent: prometheusSelector,
      Alertmanager: selectorOf("alertmanager-instance-selector", flags["alertmanager-instance-selector"]),
      ThanosRuler: selectorOf("thanos-ruler-instance-selector", flags["thanos-ruler-instance-selector"]),
    },
    controllerId: flags["controller-id"],
  };
}

function workloadsOf(flags: OperatorFlagValues, gates: ReturnType<typeof gatesOf>): WorkloadOptions {
  return {
    ...DEFAULT_WORKLOAD_OPTIONS,
    images: {
      prometheus: flags["prometheus-default-base-image"],
      alertmanager: flags["alertmanager-default-base-image"],
      thanos: flags["thanos-default-base-image"],
      configReloader: flags["prometheus-config-reloader"],
    },
    reloader: {
      cpuRequest: flags["config-reloader-cpu-request"],
      cpuLimit: flags["config-reloader-cpu-limit"],
      memoryRequest: flags["config-reloader-memory-request"],
      memoryLimit: flags["config-reloader-memory-limit"],
      probes: flags["enable-config-reloader-probes"],
    },
    localHost: flags.localhost,
    clusterDomain: flags["cluster-domain"],
    labels: pairs("labels", flags.labels),
    annotations: pairs("annotations", flags.annotations),
    features: {
      topologySharding: gates.PrometheusTopologySharding,
      retentionPolicies: gates.PrometheusShardRetentionPolicy,
    },
    repairPolicy: flags["repair-policy-for-statefulsets"] as WorkloadOptions["repairPolicy"],
  };
}

function serviceOf(flag: string, text: string): { namespace: string; name: string } | undefined {
  if (text === "") return undefined;
  const [namespace, name, ...rest] = text.split("/");
  if (namespace && name && rest.length === 0) return { namespace, name };
  throw wrong(flag, `${JSON.stringify(text)} is not namespace/name`, "Write it like kube-system/kubelet");
}

function kubeletOf(flags: OperatorFlagValues): OperatorSettings["kubelet"] {
  const service = serviceOf("kubelet-service", flags["kubelet-service"]);
  if (!service) return undefined;
  if (!flags["kubelet-endpoints"] && !flags["kubelet-endpointslice"]) {
    throw wrong(
      "kubelet-service",
      "the kubelets cannot be published in no form at all",
      "Set --kubelet-endpoints or --kubelet-endpointslice",
    );
  }
  selectorOf("kubelet-selector", flags["kubelet-selector"]);
  return {
    ...service,
    addressPriority: flags["kubelet-node-address-priority"] as "internal" | "external",
    httpMetrics: flags["kubelet-http-metrics"],
    labels: pairs("labels", flags.labels),
    annotations: pairs("annotations", flags.annotations),
    endpoints: flags["kubelet-endpoints"],
    endpointSlices: flags["kubelet-endpointslice"],
    nodeSelector: flags["kubelet-selector"],
    intervalMs: flags["kubelet-sync-period"],
  };
}

/** The web configuration of the flags, as a file of that kind would say it; "" for plain HTTP. */
function webConfigOf(flags: OperatorFlagValues, certFile: string, keyFile: string): string {
  if (!flags["web.enable-tls"] && !flags["web.webhook-service"]) return "";
  const clientCa = flags["web.client-ca-file"];
  return JSON.stringify({
    tls_server_config: {
      cert_file: certFile,
      key_file: keyFile,
      ...(clientCa ? { client_ca_file: clientCa, client_auth_type: "RequireAndVerifyClientCert" } : {}),
      min_version: flags["web.tls-min-version"].replace("VersionTLS", "TLS"),
      cipher_suites: listOf([flags["web.tls-cipher-suites"]]),
      curve_preferences: listOf([flags["web.tls-curves"]]),
    },
    http_server_config: { http2: flags["web.enable-http2"] },
  });
}

function addressOf(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) {
    throw wrong("web.listen-address", `${JSON.stringify(address)} is not host:port`, "Write it like :8080");
  }
  return { host: match[1] || match[2] || "0.0.0.0", port: Number(match[3]) };
}

export function operatorSettings(flags: OperatorFlagValues): OperatorSettings {
  const gates = gatesOf(flags);
  return {
    target: targetOf(flags),
    scope: scopeOf(flags),
    workloads: workloadsOf(flags, gates),
    kubelet: kubeletOf(flags),
    web: {
      ...addressOf(flags["web.listen-address"]),
      config: (certFile, keyFile) => webConfigOf(flags, certFile, keyFile),
      service: serviceOf("web.webhook-service", flags["web.webhook-service"]),
    },
    gates,
  };
}
