/**
 * Everything that can be chosen about an installation, as one table: the name of a value, its type, its default, and what it
 * is in each profile. `--set`, values files, the help and the Helm chart come from it.
 */
import { readFileSync, statSync } from "node:fs";
import { parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { DROPPED_LABELS } from "../mesh/resources.ts";
import { readValue, type ValueType, type ValueTypes } from "./value-types.ts";

export const PROFILES = ["default", "evaluation", "production"] as const;
export type Profile = (typeof PROFILES)[number];

interface ValueSpec {
  type: ValueType;
  default: unknown;
  evaluation?: unknown;
  production?: unknown;
  secret?: true;
  choices?: readonly string[];
  help: string;
}

/** Part of the table for one workload. */
function sizes<const D extends Sizes, const E extends Partial<Sizes>, const P extends Partial<Sizes>>(
  what: string,
  standard: D,
  evaluation: E,
  production: P,
) {
  const quantity = (key: keyof Sizes, help: string) => ({
    type: "quantity" as const,
    default: standard[key],
    evaluation: evaluation[key],
    production: production[key],
    help: `${help} of ${what}.`,
  });
  return {
    cpuRequest: quantity("cpuRequest", "CPU request"),
    memoryRequest: quantity("memoryRequest", "Memory request"),
    cpuLimit: quantity("cpuLimit", 'CPU limit ("" for none)'),
    memoryLimit: quantity("memoryLimit", 'Memory limit ("" for none)'),
  };
}
interface Sizes {
  cpuRequest: string;
  memoryRequest: string;
  cpuLimit: string;
  memoryLimit: string;
}

const on = (standard: boolean, help: string) => ({ type: "boolean" as const, default: standard, help });

const prometheus = sizes(
  "Prometheus",
  { cpuRequest: "200m", memoryRequest: "600Mi", cpuLimit: "600m", memoryLimit: "2Gi" },
  { cpuRequest: "150m", memoryRequest: "1000Mi", memoryLimit: "1500Mi" },
  { cpuRequest: "300m", memoryRequest: "1Gi", cpuLimit: "1", memoryLimit: "4Gi" },
);
const alertmanager = sizes(
  "Alertmanager",
  { cpuRequest: "20m", memoryRequest: "128Mi", cpuLimit: "", memoryLimit: "256Mi" },
  {},
  {},
);
const grafana = sizes(
  "the UI",
  { cpuRequest: "20m", memoryRequest: "128Mi", cpuLimit: "", memoryLimit: "512Mi" },
  {},
  {},
);
const mesh = sizes(
  "the mesh's Prometheus",
  { cpuRequest: "40m", memoryRequest: "200Mi", cpuLimit: "1", memoryLimit: "2000Mi" },
  {},
  { memoryLimit: "4Gi" },
);

export const VALUES = {
  image: { type: "string", default: "", help: "Image whose entry point is pharos." },
  imagePullPolicy: {
    type: "string",
    default: "",
    choices: ["", "Always", "IfNotPresent", "Never"],
    help: "When the image is pulled.",
  },
  namespace: { type: "name", default: "monitoring", help: "Namespace of everything." },
  domain: { type: "string", default: "", help: "Domain of the cluster: the UI is at https://grafana.DOMAIN." },
  "operator.enabled": on(true, "Run the operator."),
  "operator.kubeletService": {
    type: "string",
    default: "kube-system/kubelet",
    help: 'Service, as namespace/name, under which the kubelets are published; "" for none.',
  },
  "nodeExporter.enabled": on(true, "Run the node exporter on every node."),
  "kubeStateMetrics.enabled": on(true, "Run kube-state-metrics."),
  "gpuExporter.enabled": on(false, "Run the GPU exporter on every node."),
  "instances.enabled": on(true, "Create the Prometheus and the Alertmanager, with monitors and rules."),
  "prometheus.retention": {
    type: "duration",
    default: "1d",
    evaluation: "6h",
    production: "30d",
    help: "How long samples are kept.",
  },
  "prometheus.retentionSize": {
    type: "bytes",
    default: "2GB",
    evaluation: "1GB",
    production: "15GB",
    help: "Most bytes of samples.",
  },
  "prometheus.storage": {
    type: "quantity",
    default: "10Gi",
    production: "20Gi",
    help: 'Size of the volume; "" keeps data in the pod.',
  },
  "prometheus.storageClass": { type: "string", default: "", help: 'Class of the volume; "" for the default one.' },
  "prometheus.replicas": { type: "integer", default: 1, help: "Number of equal Prometheus servers." },
  "prometheus.scrapeInterval": { type: "duration", default: "30s", help: "How often targets are scraped." },
  "prometheus.evaluationInterval": { type: "duration", default: "30s", help: "How often rules are evaluated." },
  "prometheus.namespaces": {
    type: "list",
    default: [],
    help: "Namespaces whose monitors and rules are taken; none for all.",
  },
  "prometheus.serviceMonitorSelector": { type: "labels", default: {}, help: "Labels ServiceMonitors must have." },
  "prometheus.podMonitorSelector": { type: "labels", default: {}, help: "Labels PodMonitors must have." },
  "prometheus.probeSelector": { type: "labels", default: {}, help: "Labels Probes must have." },
  "prometheus.ruleSelector": { type: "labels", default: {}, help: "Labels PrometheusRules must have." },
  "prometheus.cpuRequest": prometheus.cpuRequest,
  "prometheus.memoryRequest": prometheus.memoryRequest,
  "prometheus.cpuLimit": prometheus.cpuLimit,
  "prometheus.memoryLimit": prometheus.memoryLimit,
  "alertmanager.retention": {
    type: "duration",
    default: "120h",
    production: "240h",
    help: "How long silences and notifications are remembered.",
  },
  "alertmanager.storage": { type: "quantity", default: "", help: 'Size of the volume; "" keeps data in the pod.' },
  "alertmanager.replicas": { type: "integer", default: 1, help: "Number of Alertmanagers that share their state." },
  "alertmanager.cpuRequest": alertmanager.cpuRequest,
  "alertmanager.memoryRequest": alertmanager.memoryRequest,
  "alertmanager.cpuLimit": alertmanager.cpuLimit,
  "alertmanager.memoryLimit": alertmanager.memoryLimit,
  "slack.channel": { type: "string", default: "", help: "Slack channel. With slack.apiurl it gets notifications." },
  "slack.apiurl": { type: "url", default: "", secret: true, help: "URL of Slack's incoming webhook." },
  "slack.matchExpression": { type: "matchers", default: 'severity="critical"', help: "Alerts that Slack gets." },
  "slack.sendResolved": on(true, "Tell Slack as well when an alert is over."),
  "victorOps.apikey": {
    type: "string",
    default: "",
    secret: true,
    help: "VictorOps API key. With victorOps.routingkey it gets notifications.",
  },
  "victorOps.routingkey": { type: "string", default: "", help: "VictorOps routing key." },
  "victorOps.matchExpression": {
    type: "matchers",
    default: 'severity="critical"',
    help: "Alerts that VictorOps gets.",
  },
  "victorOps.sendResolved": on(true, "Tell VictorOps as well when an alert is over."),
  "grafana.enabled": on(true, "Run the UI."),
  "grafana.storage": {
    type: "quantity",
    default: "1Gi",
    evaluation: "",
    help: 'Volume for dashboards that people save; "" keeps them in the pod.',
  },
  "grafana.ingress.enabled": on(true, "With a domain: an Ingress for the UI."),
  "grafana.ingress.className": { type: "string", default: "", help: "Class of the Ingress." },
  "grafana.ingress.tlsSecret": {
    type: "string",
    default: "grafana-tls",
    help: "Secret with the certificate of grafana.DOMAIN.",
  },
  "grafana.ingress.annotations": {
    type: "labels",
    default: {},
    help: "Annotations of the Ingress, such as those that make its controller ask for a login.",
  },
  "grafana.gateway.name": { type: "string", default: "", help: "With a domain: Gateway an HTTPRoute attaches to." },
  "grafana.gateway.namespace": { type: "string", default: "", help: 'Namespace of the Gateway; "" for this one.' },
  "grafana.gateway.sectionName": { type: "string", default: "", help: "Listener of the Gateway." },
  "grafana.cpuRequest": grafana.cpuRequest,
  "grafana.memoryRequest": grafana.memoryRequest,
  "grafana.cpuLimit": grafana.cpuLimit,
  "grafana.memoryLimit": grafana.memoryLimit,
  "mesh.enabled": on(false, "Run a second Prometheus for the metrics of Istio's proxies."),
  "mesh.retention": { type: "duration", default: "2h", help: "How long the mesh's samples are kept." },
  "mesh.scrapeInterval": { type: "duration", default: "30s", help: "How often proxies are scraped and summed up." },
  "mesh.sampleLimit": {
    type: "integer",
    default: 20_000,
    help: "Most samples of one proxy; a larger one is not taken.",
  },
  "mesh.labeldropRegex": { type: "string", default: DROPPED_LABELS, help: "Labels that the mesh's series lose." },
  "mesh.cpuRequest": mesh.cpuRequest,
  "mesh.memoryRequest": mesh.memoryRequest,
  "mesh.cpuLimit": mesh.cpuLimit,
  "mesh.memoryLimit": mesh.memoryLimit,
} as const satisfies Record<string, ValueSpec>;

export type ValueName = keyof typeof VALUES;
export type Values = { readonly [K in ValueName]: ValueTypes[(typeof VALUES)[K]["type"]] };

/** Names that installations of Kyma's monitoring use for the same. */
const KYMA = "global.alertTools.credentials.";

/** Largest values file, in bytes. */
const MAX_FILE = 2 ** 20;

/** The name nearest to a wrong one, for the message. */
function nearest(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const candidate of Object.keys(VALUES)) {
    const same = candidate.slice(candidate.lastIndexOf(".") + 1).toLowerCase() === last;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase()) - (same ? last.length : 0);
    if (!best || distance < best.distance) best = { name: candidate, distance };
  }
  return best && best.distance <= Math.max(3, name.length / 3) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

function unknown(name: string, where: UserError["where"]): UserError {
  const near = nearest(name);
  return new UserError("install.value", `there is no value ${name.slice(0, 200)}`, {
    where,
    fix: near ? `Did you mean ${near}?` : "pharos install --help lists all values",
  });
}

interface Given {
  name: ValueName;
  value: unknown;
  where: UserError["where"];
}

function known(name: string, where: UserError["where"]): ValueName {
  const own = name.startsWith(KYMA) ? name.slice(KYMA.length) : name;
  if (!Object.hasOwn(VALUES, own)) throw unknown(name, where);
  return own as ValueName;
}

/** A values file: nested maps, or names with dots. */
export function readValuesFile(file: string): Given[] {
  let text: string;
  try {
    if (statSync(file).size > MAX_FILE) throw new Error(`is larger than ${MAX_FILE} bytes`);
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("install.value", (error as Error).message, { where: { file }, cause: error });
  }
  const out: Given[] = [];
  const visit = (prefix: string, value: unknown): void => {
    if (prefix !== "" && (Object.hasOwn(VALUES, prefix) || Object.hasOwn(VALUES, prefix.replace(KYMA, "")))) {
      out.push({ name: known(prefix, { file }), value, where: { file } });
    } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) visit(prefix === "" ? key : `${prefix}.${key}`, inner);
    } else if (prefix !== "" || value !== null) {
      throw prefix === ""
        ? new UserError("install.value", "a values file is a map", { where: { file } })
        : unknown(prefix, { file });
    }
  };
  visit("", parseYaml(text, file).toValue() ?? null);
  return out;
}

/** `name=value` of --set; an empty value is a value. */
export function readSetting(text: string): Given {
  const where = { flag: "--set" };
  const mark = text.indexOf("=");
  if (mark < 1) {
    throw new UserError("install.value", "a setting is name=value", {
      where,
      fix: "Write it like --set prometheus.retention=30d",
    });
  }
  return { name: known(text.slice(0, mark).trim(), where), value: text.slice(mark + 1), where };
}

/** Defaults, then the profile, then what was given, later over earlier. */
export function resolveValues(profile: Profile, given: readonly Given[]): Values {
  const out: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(VALUES) as [ValueName, ValueSpec][]) {
    out[name] = (profile === "default" ? undefined : spec[profile]) ?? spec.default;
  }
  for (const { name, value, where } of given) {
    const spec: ValueSpec = VALUES[name];
    const read = readValue(name, spec.type, value ?? "", { secret: spec.secret, where });
    if (spec.choices && !spec.choices.includes(read as string)) {
      const choices = spec.choices.map((choice) => choice || '""').join(", ");
      throw new UserError("install.value", `must be one of ${choices}`, { where: { ...where, field: name } });
    }
    out[name] = read;
  }
  const values = out as Values;
  checkTogether(values);
  return values;
}

/** Values that make sense only with others. */
function checkTogether(values: Values): void {
  for (const [a, b] of [
    ["slack.channel", "slack.apiurl"],
    ["victorOps.apikey", "victorOps.routingkey"],
  ] as const) {
    if ((values[a] === "") !== (values[b] === "")) {
      const missing = values[a] === "" ? a : b;
      throw new UserError("install.value", `is missing: ${a} and ${b} are given together or not at all`, {
        where: { field: missing },
      });
    }
  }
  if (values["grafana.gateway.name"] !== "" && values.domain === "") {
    throw new UserError("install.value", "needs a domain", {
      where: { field: "grafana.gateway.name" },
      fix: "Give --domain",
    });
  }
  if (
    values.domain !== "" &&
    !/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(values.domain)
  ) {
    throw new UserError("install.value", `${JSON.stringify(values.domain)} is not a domain`, {
      where: { field: "domain" },
      fix: "Write it like example.com, without https://",
    });
  }
}

/** The table for people, one line a value. */
export function describeValues(): string {
  const shown = (value: unknown): string =>
    typeof value === "string" ? (/^$|\s/.test(value) ? JSON.stringify(value) : value) : JSON.stringify(value);
  return Object.entries(VALUES as Record<string, ValueSpec>)
    .map(([name, spec]) => {
      const profiles = (["evaluation", "production"] as const)
        .filter((profile) => spec[profile] !== undefined)
        .map((profile) => `; ${profile}: ${shown(spec[profile])}`);
      return `  ${name}=${shown(spec.default)}${profiles.join("")}\n      ${spec.help}`;
    })
    .join("\n");
}
