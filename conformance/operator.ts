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
  options?: Record<string, unknown> | string[];
  extra?: { ruleConfigMapNames?: string[] };
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
    return found && { ...found.data, ...found.stringData };
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

const CERTIFICATES = "/etc/prometheus/certs";

export const suites: Suite[] = [
  {
    name: "operator-prometheus-config",
    data: "operator/config-pairs",
    run: (folder) =>
      runPairs(folder, ({ input, options, extra }) => {
        const of = <T>(kind: string): T[] => input.filter((object) => object.kind === kind) as T[];
        const prometheus = of<Prometheus>("Prometheus")[0];
        if (!prometheus) throw new Error("PrometheusAgent is not generated yet");
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
            endpointSlices: JSON.stringify(options ?? {}).includes("WithEndpointSliceSupport"),
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
        return generateAlertmanagerConfig(
          alertmanager,
          baseConfig ?? {},
          configs,
          new AssetStore(lookupIn(input), CERTIFICATES),
        );
      }),
  },
];
