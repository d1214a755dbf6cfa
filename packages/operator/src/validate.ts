/**
 * Objects are checked by the parsers that will read the generated files, one object at a time: an object that would
 * break the configuration is left out and named, the rest goes on. The same check serves as admission at apply time.
 */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { loadConfig } from "@pharos/prometheus";
import { parseRuleFile } from "@pharos/rules";
import { toAlpha } from "./alertmanager/api-versions.ts";
import { generateAlertmanagerConfig } from "./alertmanager/config.ts";
import type { AlertmanagerScope } from "./alertmanager/scope.ts";
import { type AssetLookup, AssetStore } from "./assets.ts";
import { type SelectedMonitors, scrapeJobs, toYaml } from "./prometheus/config.ts";
import { ruleFileText } from "./prometheus/rules.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import type {
  Alertmanager,
  AlertmanagerConfig,
  PodMonitor,
  Probe,
  Prometheus,
  PrometheusRule,
  ScrapeConfig,
  ServiceMonitor,
} from "./resources/types.ts";
import { DEFAULT_ALERTMANAGER_VERSION, DEFAULT_PROMETHEUS_VERSION, VersionGate } from "./version.ts";

/** Place inside a generated file means nothing to the user: only the message and the remedy are kept. */
function aboutObject(object: KubeObject, error: unknown): UserError {
  if (!(error instanceof UserError)) throw error;
  const { kind, metadata } = object;
  return new UserError("operator.invalid", error.message, {
    where: { object: `${kind} ${metadata.namespace}/${metadata.name}`, field: error.where.field },
    fix: error.fix,
    cause: error,
  });
}

function check(object: KubeObject, work: () => void): UserError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return aboutObject(object, error);
  }
}

export function validateMonitor(
  object: ServiceMonitor | PodMonitor | Probe | ScrapeConfig,
  monitors: Partial<SelectedMonitors>,
  scope: GenerationScope,
): UserError | undefined {
  return check(object, () => {
    loadConfig(toYaml({ scrape_configs: scrapeJobs(monitors, scope) }), { file: "" });
  });
}

export function validateRule(rule: PrometheusRule, version: string): UserError | undefined {
  return check(rule, () => {
    const { errors } = parseRuleFile(ruleFileText(rule, version), "");
    if (errors.length > 0) throw errors[0];
  });
}

export function validateAlertmanagerConfig(
  config: AlertmanagerConfig,
  scope: AlertmanagerScope,
): UserError | undefined {
  const base = { route: { receiver: "null" }, receivers: [{ name: "null" }], global: PLACEHOLDER_GLOBAL };
  return check(config, () => {
    loadAlertmanagerConfig(toYaml(generateAlertmanagerConfig(scope, base, [config])), { file: "" });
  });
}

/** A receiver may rely on URLs of the base configuration, which is checked as a whole later. */
const PLACEHOLDER_URL = "https://placeholder.invalid/";
const PLACEHOLDER_GLOBAL = {
  slack_api_url: PLACEHOLDER_URL,
  victorops_api_key: "placeholder",
  opsgenie_api_key: "placeholder",
  wechat_api_secret: "placeholder",
  wechat_api_corp_id: "placeholder",
  smtp_smarthost: "placeholder.invalid:25",
  smtp_from: "placeholder@placeholder.invalid",
};

/** At apply time a Secret may still be missing: any key of any object exists. */
const anyAsset: AssetLookup = () => new Proxy({}, { get: () => PLACEHOLDER_URL, has: () => true });

/** Says why an object would be refused by the operator whatever else exists; undefined when it would not. */
export function admissionError(object: KubeObject): UserError | undefined {
  const assets = new AssetStore(anyAsset, "/placeholder");
  const prometheus = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "Prometheus",
    metadata: { name: "", namespace: "" },
    spec: {},
  } as Prometheus;
  const scope: GenerationScope = {
    prometheus,
    assets,
    gate: new VersionGate(DEFAULT_PROMETHEUS_VERSION),
    endpointSlices: true,
    apiServer: undefined,
  };
  switch (object.kind) {
    case "PrometheusRule":
      return validateRule(object as PrometheusRule, DEFAULT_PROMETHEUS_VERSION);
    case "ServiceMonitor":
      return validateMonitor(object as ServiceMonitor, { serviceMonitors: [object as ServiceMonitor] }, scope);
    case "PodMonitor":
      return validateMonitor(object as PodMonitor, { podMonitors: [object as PodMonitor] }, scope);
    case "Probe":
      return validateMonitor(object as Probe, { probes: [object as Probe] }, scope);
    case "ScrapeConfig":
      return validateMonitor(object as ScrapeConfig, { scrapeConfigs: [object as ScrapeConfig] }, scope);
    case "AlertmanagerConfig": {
      const alertmanager = { ...prometheus, kind: "Alertmanager" } as Alertmanager;
      const gate = new VersionGate(DEFAULT_ALERTMANAGER_VERSION);
      return validateAlertmanagerConfig(toAlpha(object), { alertmanager, assets, gate });
    }
    default:
      return undefined;
  }
}
