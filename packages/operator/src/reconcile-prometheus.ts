/** One Prometheus resource: select, check each object, generate, check the whole. */

import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import { loadConfig } from "@pharos/prometheus";
import { AssetStore } from "./assets.ts";
import type { OperatorCache } from "./cache.ts";
import type { DesiredInstance, InstanceDriver } from "./drivers/driver.ts";
import type { OperatorKind } from "./kinds.ts";
import { generatePrometheusConfig, type SelectedMonitors, toYaml } from "./prometheus/config.ts";
import { ruleFileName, ruleFileText } from "./prometheus/rules.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import { type ReportBuilder, rejection } from "./report.ts";
import type { PodMonitor, Probe, Prometheus, PrometheusRule, ScrapeConfig, ServiceMonitor } from "./resources/types.ts";
import { type SelectorPair, select } from "./selection.ts";
import { validateMonitor, validateRule } from "./validate.ts";
import { DEFAULT_PROMETHEUS_VERSION, VersionGate } from "./version.ts";

export interface Plan<Resource> {
  desired: DesiredInstance<Resource>;
  selected: Record<string, number>;
  rejected: number;
  references: ReadonlySet<string>;
}

/** Memory of checks already made, by what was checked: most objects do not change between reconciliations. */
export type CheckCache = Map<string, UserError | undefined>;

function pairs({
  spec,
}: Prometheus): Record<"ServiceMonitor" | "PodMonitor" | "Probe" | "ScrapeConfig" | "PrometheusRule", SelectorPair> {
  const pair = (
    field: string,
    selector: SelectorPair["selector"],
    namespaceSelector: SelectorPair["selector"],
  ): SelectorPair => ({
    field: `spec.${field}Selector`,
    namespaceField: `spec.${field}NamespaceSelector`,
    selector,
    namespaceSelector,
  });
  return {
    ServiceMonitor: pair("serviceMonitor", spec.serviceMonitorSelector, spec.serviceMonitorNamespaceSelector),
    PodMonitor: pair("podMonitor", spec.podMonitorSelector, spec.podMonitorNamespaceSelector),
    Probe: pair("probe", spec.probeSelector, spec.probeNamespaceSelector),
    ScrapeConfig: pair("scrapeConfig", spec.scrapeConfigSelector, spec.scrapeConfigNamespaceSelector),
    PrometheusRule: pair("rule", spec.ruleSelector, spec.ruleNamespaceSelector),
  };
}

export function planPrometheus(
  prometheus: Prometheus,
  cache: OperatorCache,
  driver: InstanceDriver,
  checks: CheckCache,
  report: ReportBuilder,
): Plan<Prometheus> {
  const { namespace = "", name = "" } = prometheus.metadata;
  const instance = `Prometheus ${namespace}/${name}`;
  const version = prometheus.spec.version ?? DEFAULT_PROMETHEUS_VERSION;
  const paths = driver.pathsOf("Prometheus", namespace, name);
  const references = new Set<string>();
  const newScope = (): GenerationScope => ({
    prometheus,
    assets: new AssetStore(cache.lookup, paths.certificates),
    gate: new VersionGate(version),
    endpointSlices: true,
    apiServer: driver.apiServer,
  });
  const selectors = pairs(prometheus);
  const selected: Record<string, number> = {};
  let rejected = 0;

  const accept = <T extends KubeObject>(
    kind: OperatorKind & keyof typeof selectors,
    check: (object: T, scope: GenerationScope) => UserError | undefined,
  ): T[] => {
    const accepted: T[] = [];
    for (const object of cache.list<T>(kind)) {
      const { selected: matches, reason } = select(object, namespace, selectors[kind], (ns) =>
        cache.namespaceLabels(ns),
      );
      if (!matches) {
        report.verdict(object, { instance, accepted: false, code: "operator.not-selected", reason });
        continue;
      }
      const scope = newScope();
      const error = check(object, scope);
      for (const reference of scope.assets.references) references.add(reference);
      if (error) {
        rejected++;
        report.verdict(object, rejection(instance, error));
        continue;
      }
      report.verdict(object, { instance, accepted: true, code: "operator.accepted", reason: "" });
      accepted.push(object);
    }
    selected[kind] = accepted.length;
    return accepted;
  };

  const monitors: SelectedMonitors = {
    serviceMonitors: accept<ServiceMonitor>("ServiceMonitor", (object, scope) =>
      validateMonitor(object, { serviceMonitors: [object] }, scope),
    ),
    podMonitors: accept<PodMonitor>("PodMonitor", (object, scope) =>
      validateMonitor(object, { podMonitors: [object] }, scope),
    ),
    probes: accept<Probe>("Probe", (object, scope) => validateMonitor(object, { probes: [object] }, scope)),
    scrapeConfigs: accept<ScrapeConfig>("ScrapeConfig", (object, scope) =>
      validateMonitor(object, { scrapeConfigs: [object] }, scope),
    ),
  };
  const rules = accept<PrometheusRule>("PrometheusRule", (object) => {
    const key = `rule ${version} ${object.metadata.uid} ${JSON.stringify(object.spec)}`;
    if (!checks.has(key)) checks.set(key, validateRule(object, version));
    return checks.get(key);
  });

  const scope = newScope();
  const config = toYaml(generatePrometheusConfig(prometheus, monitors, rules.length > 0 ? [paths.rules] : [], scope));
  for (const reference of scope.assets.references) references.add(reference);
  const problem = wholeCheck(config, instance);
  if (problem) throw problem;
  return {
    desired: {
      resource: prometheus,
      config,
      files: new Map(rules.map((rule) => [ruleFileName(rule), ruleFileText(rule, version)])),
      certificates: scope.assets.files,
    },
    selected,
    rejected,
    references,
  };
}

function wholeCheck(config: string, instance: string): UserError | undefined {
  try {
    loadConfig(config, { file: "" });
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return new UserError(error.code, error.message, {
      where: { object: instance, field: error.where.field },
      fix: error.fix,
      cause: error,
    });
  }
}
