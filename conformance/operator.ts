/** prometheus-operator's golden pairs: resources ⇒ generated configuration, compared as data. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type Alertmanager,
  type AlertmanagerConfig,
  type AlertmanagerGlobalConfig,
  type AlertmanagerScope,
  type AssetLookup,
  AssetStore,
  DEFAULT_ALERTMANAGER_VERSION,
  DEFAULT_PROMETHEUS_VERSION,
  type GenerationFeatures,
  type GenerationScope,
  generateAgentConfig,
  generateAlertmanagerConfig,
  generatePrometheusConfig,
  globalAlertmanagerConfig,
  globalSection,
  type PodMonitor,
  type Probe,
  type Prometheus,
  type ScrapeConfig,
  type ServiceMonitor,
  sanitizeConfig,
  sanitizeHttp,
  sanitizeInhibitRule,
  sanitizeRoute,
  VersionGate,
} from "@pharos/operator";
import { parse } from "yaml";
import type { Suite, SuiteResult } from "./suite.ts";

interface PairObject {
  kind: string;
  metadata: { name?: string; namespace?: string };
  spec: Record<string, unknown>;
  stringData?: Record<string, string>;
  data?: Record<string, string>;
}

interface Pair {
  name: string;
  generator?: string;
  mode?: string;
  options?: string[];
  extra?: {
    ruleConfigMapNames?: string[];
    additionalScrapeConfigs?: string;
    additionalAlertRelabelConfigs?: string;
    additionalAlertManagerConfigs?: string;
  };
  baseConfig?: Record<string, unknown>;
  globalConfig?: AlertmanagerGlobalConfig;
  alertmanagerVersion?: string | { major?: number; minor?: number; patch?: number };
  input: PairObject[];
  expected: string;
}

function lookupIn(objects: readonly PairObject[]): AssetLookup {
  return (kind, namespace, name) => {
    const found = objects.find(
      (object) =>
        object.kind === kind && object.metadata.name === name && (object.metadata.namespace ?? "") === namespace,
    );
    if (found) return { ...found.data, ...found.stringData };
    // Upstream's tests name TLS material that they never create: only the paths show in the output.
    return new Proxy({}, { get: () => "", has: () => true });
  };
}

/** First difference of two documents, as a path. */
function difference(want: unknown, got: unknown, path = ""): string {
  if (isDeepStrictEqual(want, got)) return "";
  if (typeof want !== "object" || typeof got !== "object" || want === null || got === null) {
    return `${path}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`;
  }
  for (const key of new Set([...Object.keys(want), ...Object.keys(got)])) {
    const inner = difference(
      (want as Record<string, unknown>)[key],
      (got as Record<string, unknown>)[key],
      `${path}.${key}`,
    );
    if (inner) return inner;
  }
  return `${path}: order differs`;
}

function runPairs(folder: string, generate: (pair: Pair) => unknown): SuiteResult {
  const result: SuiteResult = { passed: 0, total: 0, failures: [] };
  for (const file of globSync("*.yaml", { cwd: folder }).sort()) {
    const pair = parse(readFileSync(join(folder, file), "utf8")) as Pair;
    result.total++;
    try {
      const got = generate(pair);
      const want = parse(pair.expected || "null") as unknown;
      const differs = want === null ? "an error was expected" : difference(want, parse(JSON.stringify(got)));
      if (differs) result.failures.push(`${file}: ${differs}`);
      else result.passed++;
    } catch (error) {
      if (!pair.expected) result.passed++;
      else result.failures.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return result;
}

/** The pairs wrap sub-routes, which the CRD leaves open, as Go's JSON type does: `{raw: …}`. */
function unwrapRaw(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const raw = typeof inner === "object" && inner !== null && "raw" in inner ? inner.raw : undefined;
    if (raw !== undefined) (value as Record<string, unknown>)[key] = raw;
    unwrapRaw(raw ?? inner);
  }
}

/**
 * Settings of upstream's generator that the pairs' texts lost, because those tests build the generator themselves
 * (promcfg_test.go: a helper's argument, a field of the table).
 */
function lostFeatures(name: string): GenerationFeatures {
  return {
    ...(name.startsWith("TopologySharding_PodTopologyLabels") ? { podTopologyLabels: true } : {}),
    ...(name === "PromAgentDaemonSetPodMonitorConfig" ? { daemonSet: true } : {}),
    ...(name === "ScrapeConfigSpecConfig_Inline_TLSConfig" ? { inlineTls: true } : {}),
  };
}

const LOST_ENDPOINT_SLICES = new Set([
  "AlertmanagerConfigEndpointSlice",
  "ServiceMonitorObjectWithEndpointSliceSelectorAndMatchLabelSelector",
  "ServiceMonitorObjectWithSelectorAndMatchExpressionSelector",
]);

function generatePrometheus({ name, generator, options = [], input, extra }: Pair): unknown {
  const of = <T>(kind: string): T[] => input.filter((object) => object.kind === kind) as T[];
  const prometheus = [...of<Prometheus>("Prometheus"), ...of<Prometheus>("PrometheusAgent")][0];
  // The pairs hand these in as text; in a cluster they are keys of a Secret.
  const { ruleConfigMapNames = [], ...texts } = extra ?? {};
  const namespace = prometheus.metadata.namespace ?? "";
  input.push({ kind: "Secret", metadata: { name: "extra", namespace }, spec: {}, stringData: texts });
  for (const key of Object.keys(texts)) Object.assign(prometheus.spec, { [key]: { name: "extra", key } });
  const monitors = {
    serviceMonitors: of<ServiceMonitor>("ServiceMonitor"),
    podMonitors: of<PodMonitor>("PodMonitor"),
    probes: of<Probe>("Probe"),
    scrapeConfigs: of<ScrapeConfig>("ScrapeConfig"),
  };
  const scope: GenerationScope = {
    prometheus,
    assets: new AssetStore(lookupIn(input), CERTIFICATES),
    gate: new VersionGate(prometheus.spec.version ?? DEFAULT_PROMETHEUS_VERSION),
    endpointSlices: options.includes("WithEndpointSliceSupport") || LOST_ENDPOINT_SLICES.has(name),
    apiServer: undefined,
    features: {
      topologySharding: options.includes("WithPrometheusTopologySharding"),
      retentionPolicies: options.includes("WithPrometheusRetentionPolicies"),
      daemonSet: options.includes("WithDaemonSet"),
      podTopologyLabels: options.includes("WithPodTopologyLabelsSupport"),
      inlineTls: options.includes("WithInlineTLSConfig"),
      ...lostFeatures(name),
    },
  };
  if (generator === "agent") return generateAgentConfig(monitors, scope);
  const globs = ruleConfigMapNames.map((map) => `/etc/prometheus/rules/${map}/*.yaml`);
  return generatePrometheusConfig(prometheus, monitors, globs, scope);
}

const CERTIFICATES = "/etc/prometheus/certs";

/** Versions stand as text or as the parts of a parsed one. */
function versionText(version: Pair["alertmanagerVersion"]): string {
  if (version === undefined) return DEFAULT_ALERTMANAGER_VERSION;
  if (typeof version === "string") return version;
  return `v${version.major ?? 0}.${version.minor ?? 0}.${version.patch ?? 0}`;
}

function generateAlertmanager(pair: Pair): unknown {
  const { input, baseConfig, mode, globalConfig } = pair;
  const gate = new VersionGate(versionText(pair.alertmanagerVersion));
  if (mode === "sanitize/marshal") return sanitized(input[0] as unknown as Yaml, gate);
  const alertmanager = input.find(({ kind }) => kind === "Alertmanager") as unknown as Alertmanager;
  const configs = input.filter(({ kind }) => kind === "AlertmanagerConfig") as unknown as AlertmanagerConfig[];
  for (const { spec } of configs) unwrapRaw(spec);
  const scope = { alertmanager, assets: new AssetStore(lookupIn(input), "/etc/alertmanager/certs"), gate };
  if (mode === "base secret + AlertmanagerConfigs") {
    return generateAlertmanagerConfig(scope, goStruct(baseConfig ?? {}) as Yaml, configs);
  }
  alertmanager.spec.alertmanagerConfiguration = { name: configs[0].metadata.name, global: globalConfig };
  if (pair.name === REFUSED_UPSTREAM) return refused(scope, configs[0], globalConfig ?? {});
  return globalAlertmanagerConfig(scope, configs[0]);
}

/**
 * Upstream refuses this one too (OAuth 2 before Alertmanager 0.22), but its test looks at what the builder held by then,
 * the global section, and not at the error: both are asked for here.
 */
const REFUSED_UPSTREAM = "valid_global_config_with_amVersion21";

function refused(scope: AlertmanagerScope, config: AlertmanagerConfig, global: AlertmanagerGlobalConfig): unknown {
  try {
    globalAlertmanagerConfig(scope, config);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("oauth2 needs Alertmanager 0.22.0")) throw error;
    return { global: globalSection(global, config.metadata.namespace ?? "", scope), templates: [] };
  }
  throw new Error("it was not refused");
}

/** The pairs hold parts of a configuration as well: each is recognised by what it is made of. */
function sanitized(value: Yaml, gate: VersionGate): Yaml {
  const part = goStruct(value) as Yaml;
  const has = (...fields: string[]): boolean => fields.some((field) => field in part);
  if (has("global", "receivers", "inhibit_rules", "mute_time_intervals", "time_intervals") || isRouteOnly(part)) {
    for (const receiver of (part.receivers as Yaml[] | undefined) ?? []) receiver.name ??= "";
    sanitizeConfig(part, gate);
    part.templates ??= [];
  } else if (
    has("source_match", "target_match", "source_matchers", "target_matchers", "source_match_re", "target_match_re")
  ) {
    sanitizeInhibitRule(part, gate);
  } else if (has("receiver", "matchers", "match", "match_re", "routes", "continue")) {
    sanitizeRoute(part, gate);
  } else {
    sanitizeHttp(part, gate, "http_config");
  }
  return part;
}

function isRouteOnly(part: Yaml): boolean {
  return "route" in part;
}

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

function clock(minutes: unknown): string {
  const total = Number(minutes ?? 0);
  return `${String(Math.floor(total / 60)).padStart(2, "0")}:${String(total % 60).padStart(2, "0")}`;
}

/** Parsed periods of a time interval → as Alertmanager writes them. */
function period(value: Yaml): Yaml {
  const ranges = (list: unknown, name: (part: unknown) => string): string[] | undefined =>
    (list as { inclusiveRange: Yaml }[] | undefined)?.map(({ inclusiveRange: { begin = 0, end = 0 } }) =>
      begin === end ? name(begin) : `${name(begin)}:${name(end)}`,
    );
  const out: Yaml = {
    times: (value.times as Yaml[] | undefined)?.map(({ startMinute, endMinute }) => ({
      start_time: clock(startMinute),
      end_time: clock(endMinute),
    })),
    weekdays: ranges(value.weekdays, (day) => WEEKDAYS[Number(day)]),
    days_of_month: ranges(value.daysOfMonth, String),
    months: ranges(value.months, String),
    years: ranges(value.years, String),
    location: value.location,
  };
  return Object.fromEntries(Object.entries(out).filter(([, entry]) => entry !== undefined));
}

/** Values as Go's structs hold them → as their YAML is written: URLs, host and port, headers. */
function goStruct(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(goStruct);
  if (typeof value !== "object" || value === null) return value;
  const { scheme, host, path, port, headers, ...rest } = value as Yaml;
  if (Object.keys(rest).length === 0 && host !== undefined) {
    if (port !== undefined) return `${host}:${port}`;
    return `${scheme ? `${scheme}:` : ""}//${host}${path ?? ""}`;
  }
  if ("timeIntervals" in value) {
    return { name: (value as Yaml).name, time_intervals: (value.timeIntervals as Yaml[]).map(period) };
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "http_headers" ? ((inner as Yaml).headers ?? inner) : goStruct(inner),
    ]),
  );
}

type Yaml = Record<string, unknown>;

export const suites: Suite[] = [
  {
    name: "operator-prometheus-config",
    data: "operator/config-pairs",
    run: (folder) => runPairs(folder, generatePrometheus),
  },
  {
    name: "operator-alertmanager-config",
    data: "operator/am-config-pairs",
    run: (folder) => runPairs(folder, generateAlertmanager),
  },
];
