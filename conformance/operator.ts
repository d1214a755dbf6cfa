/** prometheus-operator's golden pairs: resources ⇒ generated configuration, compared as data. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type Alertmanager,
  type AlertmanagerConfig,
  type AssetLookup,
  AssetStore,
  DEFAULT_PROMETHEUS_VERSION,
  type GenerationFeatures,
  type GenerationScope,
  generateAgentConfig,
  generateAlertmanagerConfig,
  generatePrometheusConfig,
  type PodMonitor,
  type Probe,
  type Prometheus,
  type ScrapeConfig,
  type ServiceMonitor,
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

export const suites: Suite[] = [
  {
    name: "operator-prometheus-config",
    data: "operator/config-pairs",
    run: (folder) => runPairs(folder, generatePrometheus),
  },
  {
    name: "operator-alertmanager-config",
    data: "operator/am-config-pairs",
    run: (folder) =>
      runPairs(folder, ({ input, baseConfig, mode }) => {
        if (mode !== "base secret + AlertmanagerConfigs") throw new Error(`mode ${mode} is not generated yet`);
        const alertmanager = input.find(({ kind }) => kind === "Alertmanager") as unknown as Alertmanager;
        const configs = input.filter(({ kind }) => kind === "AlertmanagerConfig") as unknown as AlertmanagerConfig[];
        for (const { spec } of configs) unwrapRaw(spec);
        return generateAlertmanagerConfig(
          alertmanager,
          baseConfig ?? {},
          configs,
          new AssetStore(lookupIn(input), CERTIFICATES),
        );
      }),
  },
];
