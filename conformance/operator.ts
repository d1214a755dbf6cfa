/** prometheus-operator's golden pairs: resources ⇒ generated configuration, compared as data. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type Alertmanager,
  type AlertmanagerConfig,
  type AssetLookup,
  AssetStore,
  generateAlertmanagerConfig,
  generatePrometheusConfig,
  type PodMonitor,
  type Probe,
  type Prometheus,
  type ServiceMonitor,
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

const CERTIFICATES = "/etc/prometheus/certs";

export const suites: Suite[] = [
  {
    name: "operator-prometheus-config",
    data: "operator/config-pairs",
    run: (folder) =>
      runPairs(folder, ({ input, extra }) => {
        const of = <T>(kind: string): T[] => input.filter((object) => object.kind === kind) as T[];
        const prometheus = of<Prometheus>("Prometheus")[0];
        if (!prometheus) throw new Error("PrometheusAgent is not generated yet");
        // The pairs hand these in as text; in a cluster they are keys of a Secret.
        const { ruleConfigMapNames: _names, ...texts } = extra ?? {};
        const namespace = prometheus.metadata.namespace ?? "";
        input.push({ kind: "Secret", metadata: { name: "extra", namespace }, spec: {}, stringData: texts });
        for (const key of Object.keys(texts)) Object.assign(prometheus.spec, { [key]: { name: "extra", key } });
        return generatePrometheusConfig(
          {
            serviceMonitors: of<ServiceMonitor>("ServiceMonitor"),
            podMonitors: of<PodMonitor>("PodMonitor"),
            probes: of<Probe>("Probe"),
          },
          (extra?.ruleConfigMapNames ?? []).map((name) => `/etc/prometheus/rules/${name}/*.yaml`),
          {
            prometheus,
            assets: new AssetStore(lookupIn(input), CERTIFICATES),
            version: prometheus.spec.version ?? "v3.13.2",
            endpointSlices: true,
            apiServer: undefined,
          },
        );
      }),
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
