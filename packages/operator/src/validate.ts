/**
 * Objects are checked by the parsers that will read the generated files, one object at a time: an object that would
 * break the configuration is left out and named, the rest goes on. The same check serves as admission at apply time.
 */
import { loadAlertmanagerConfig } from "@pharos/alertmanager";
import type { KubeObject } from "@pharos/kube";
import { describeError, UserError } from "@pharos/model";
import { parseRuleFile } from "@pharos/rules";
import { toAlpha } from "./alertmanager/api-versions.ts";
import { generateAlertmanagerConfig } from "./alertmanager/config.ts";
import { withReadableActions } from "./alertmanager/rocketchat.ts";
import type { AlertmanagerScope } from "./alertmanager/scope.ts";
import { type AssetLookup, AssetStore } from "./assets.ts";
import { checkPodMonitor, checkProbe, checkServiceMonitor } from "./checks/monitor.ts";
import { checkScrapeConfig } from "./checks/scrape-config.ts";
import { type SelectedMonitors, scrapeJobs, toYaml } from "./prometheus/config.ts";
import { type RuleDialect, ruleFileText } from "./prometheus/rules.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import { checkReadable, type Reader } from "./readable.ts";
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

/** The kinds that make scrape jobs. */
export type Monitor = ServiceMonitor | PodMonitor | Probe | ScrapeConfig;

/** A rule file must fit into a ConfigMap, with room for the rest of the object. */
export const MAX_RULE_BYTES = 512 * 1024;

/**
 * Place inside a generated file means nothing to the user: only the message and the remedy are kept. Whatever an object
 * holds, it is that object alone that is left out: an error of ours counts against it as well, and says so.
 */
function aboutObject(object: KubeObject, error: unknown): UserError {
  const { kind, metadata } = object;
  if (!(error instanceof UserError)) {
    return new UserError("operator.unreadable", `it cannot be read: ${describeError(error)}`, {
      where: { object: `${kind} ${metadata.namespace}/${metadata.name}` },
      fix: "Compare it with the documentation of its kind; if it is right, this is a bug worth reporting",
      cause: error,
    });
  }
  return new UserError(error.code === "operator.reference" ? error.code : "operator.invalid", error.message, {
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

/** The object alone as what generation takes. */
export function only(object: Monitor): Partial<SelectedMonitors> {
  switch (object.kind) {
    case "ServiceMonitor":
      return { serviceMonitors: [object as ServiceMonitor] };
    case "PodMonitor":
      return { podMonitors: [object as PodMonitor] };
    case "Probe":
      return { probes: [object as Probe] };
    default:
      return { scrapeConfigs: [object as ScrapeConfig] };
  }
}

function checkMonitor(object: Monitor, scope: GenerationScope): void {
  if (object.kind === "ServiceMonitor") checkServiceMonitor(object as ServiceMonitor, scope);
  else if (object.kind === "PodMonitor") checkPodMonitor(object as PodMonitor, scope);
  else if (object.kind === "Probe") checkProbe(object as Probe, scope);
  else checkScrapeConfig(object as ScrapeConfig, scope);
}

/** How jobs are read: by whom, and below which global section. */
export interface Reading {
  reader: Reader;
  /** YAML; jobs inherit from it. */
  header: string;
}

/** Of an object whose instance is not known. */
export const ANYWHERE: Reading = { reader: "upstream", header: "" };

/** The jobs of one monitor as text, entries of scrape_configs; or why it makes none. */
export function monitorJobs(
  object: Monitor,
  scope: GenerationScope,
  { reader, header }: Reading,
): { text: string; error?: undefined } | { error: UserError } {
  let text = "";
  const error = check(object, () => {
    checkMonitor(object, scope);
    const jobs = scrapeJobs(only(object), scope);
    if (jobs.length === 0) return;
    text = toYaml(jobs);
    checkReadable(`${header}scrape_configs:\n${text}`, reader);
  });
  return error ? { error } : { text };
}

/** The rule file of one PrometheusRule, or why there is none. */
export function ruleFile(
  rule: PrometheusRule,
  dialect: RuleDialect,
): { text: string; error?: undefined } | { error: UserError } {
  let text = "";
  const error = check(rule, () => {
    text = ruleFileText(rule, dialect);
    if (Buffer.byteLength(text) > MAX_RULE_BYTES) {
      throw new UserError(
        "operator.invalid",
        `its rule file would be ${Buffer.byteLength(text)} bytes, ${MAX_RULE_BYTES} at most`,
        {
          where: { field: "spec.groups" },
          fix: "Split it into several PrometheusRules",
        },
      );
    }
    // Thanos knows a field that Prometheus' parser refuses.
    const { errors } = parseRuleFile(dialect.thanos ? ruleFileText(rule, { ...dialect, thanos: false }) : text, "");
    if (errors.length > 0) throw errors[0];
  });
  return error ? { error } : { text };
}

export function validateAlertmanagerConfig(
  config: AlertmanagerConfig,
  scope: AlertmanagerScope,
): UserError | undefined {
  const base = { route: { receiver: "null" }, receivers: [{ name: "null" }], global: PLACEHOLDER_GLOBAL };
  return check(config, () => {
    const generated = withReadableActions(generateAlertmanagerConfig(scope, base, [config]));
    loadAlertmanagerConfig(toYaml(generated), { file: "" });
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
  const assets = new AssetStore(anyAsset, "/placeholder", { placeholders: true });
  const instance = (kind: string): KubeObject & { spec: Record<string, never> } => ({
    apiVersion: "monitoring.coreos.com/v1",
    kind,
    metadata: { name: "", namespace: "" },
    spec: {},
  });
  switch (object.kind) {
    case "PrometheusRule":
      return ruleFile(object as PrometheusRule, { version: DEFAULT_PROMETHEUS_VERSION }).error;
    case "ServiceMonitor":
    case "PodMonitor":
    case "Probe":
    case "ScrapeConfig": {
      // Which classes there are is the instance's matter, which is not known yet.
      const { scrapeClass, ...spec } = object.spec as { scrapeClass?: string };
      const scope: GenerationScope = {
        prometheus: instance("Prometheus") as Prometheus,
        assets,
        gate: new VersionGate(DEFAULT_PROMETHEUS_VERSION),
        endpointSlices: true,
        apiServer: undefined,
      };
      // Which program will read it is not known either.
      return monitorJobs({ ...object, spec } as Monitor, scope, ANYWHERE).error;
    }
    case "AlertmanagerConfig": {
      const gate = new VersionGate(DEFAULT_ALERTMANAGER_VERSION);
      return validateAlertmanagerConfig(toAlpha(object), {
        alertmanager: instance("Alertmanager") as Alertmanager,
        assets,
        gate,
      });
    }
    default:
      return undefined;
  }
}
