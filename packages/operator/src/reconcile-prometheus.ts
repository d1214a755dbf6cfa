/** One Prometheus or PrometheusAgent: select, check each object, generate, check the whole. */
import { UserError } from "@pharos/model";
import { AssetStore } from "./assets.ts";
import { checkInstance } from "./checks/instance.ts";
import type { DesiredInstance } from "./drivers/driver.ts";
import type { OperatorKind } from "./kinds.ts";
import type { MonitorCache } from "./monitor-cache.ts";
import type { Plan, PlanContext } from "./plan.ts";
import { assemble } from "./prometheus/assemble.ts";
import { generateAgentConfig, generatePrometheusConfig, toYaml } from "./prometheus/config.ts";
import type { Yaml } from "./prometheus/http-client.ts";
import type { RuleDialect } from "./prometheus/rules.ts";
import type { GenerationScope } from "./prometheus/scope.ts";
import { checkReadable } from "./readable.ts";
import { rejection } from "./report.ts";
import type { Prometheus, PrometheusAgent } from "./resources/types.ts";
import { selectRules } from "./rule-selection.ts";
import { type SelectorPair, select, selectorPair } from "./selection.ts";
import type { Monitor } from "./validate.ts";
import { DEFAULT_PROMETHEUS_VERSION, VersionGate } from "./version.ts";

/** The kinds of monitors with the names of their two selectors. */
const MONITOR_KINDS = [
  ["ServiceMonitor", "serviceMonitor"],
  ["PodMonitor", "podMonitor"],
  ["Probe", "probe"],
  ["ScrapeConfig", "scrapeConfig"],
] as const;

/** Upstream leaves the configuration alone when nothing at all is selected by any selector. */
export function isUnmanaged({ spec }: Prometheus | PrometheusAgent): boolean {
  return MONITOR_KINDS.every(([, field]) => !spec[`${field}Selector`]);
}

interface Selected {
  jobs: string[];
  files: Map<string, string>;
  rejected: number;
  counts: Record<string, number>;
}

function selectMonitors(
  prometheus: Prometheus | PrometheusAgent,
  header: string,
  scope: GenerationScope,
  monitors: MonitorCache,
  context: PlanContext,
): Selected {
  const { cache, driver, report, references } = context;
  const { namespace = "", name = "" } = prometheus.metadata;
  const instance = `${prometheus.kind} ${namespace}/${name}`;
  const out: Selected = { jobs: [], files: new Map(), rejected: 0, counts: {} };
  const { certificates } = driver.pathsOf(prometheus.kind as DesiredInstance["kind"], namespace, name);
  const reading = { reader: driver.readerOf(prometheus), header };
  const make = { lookup: cache.lookup, certificates, version: scope.gate.version, reading };
  for (const [kind, field] of MONITOR_KINDS) {
    const pair: SelectorPair = selectorPair(prometheus.spec, field);
    let accepted = 0;
    for (const object of cache.list<Monitor>(kind as OperatorKind)) {
      const { selected, reason } = select(object, namespace, pair, (ns) => cache.namespaceLabels(ns));
      if (!selected) {
        report.verdict(object, { instance, accepted: false, code: "operator.not-selected", reason });
        continue;
      }
      const made = monitors.generate(object, scope, make);
      for (const reference of made.references.keys()) references.add(reference);
      if (made.error) {
        out.rejected++;
        report.verdict(object, rejection(instance, made.error));
        continue;
      }
      const notes = [...made.ignored].map(([key, why]) => `${key} is left out: it ${why}`);
      report.verdict(object, { instance, accepted: true, code: "operator.accepted", reason: "", notes });
      accepted++;
      out.jobs.push(made.text);
      for (const [file, content] of made.files) out.files.set(file, content);
    }
    out.counts[kind] = accepted;
  }
  return out;
}

/** Everything about the instance that shows in the jobs of monitors. */
function monitorKey({ prometheus, apiServer, endpointSlices, features, gate }: GenerationScope): string {
  const { namespace, name, labels, annotations } = prometheus.metadata;
  return JSON.stringify([
    [namespace, name, labels, annotations],
    prometheus.spec,
    apiServer,
    endpointSlices,
    features,
    gate.version,
  ]);
}

export function planPrometheus(
  prometheus: Prometheus | PrometheusAgent,
  monitors: MonitorCache,
  context: PlanContext,
): Plan {
  const { cache, driver, references } = context;
  const kind = prometheus.kind as "Prometheus" | "PrometheusAgent";
  const { namespace = "", name = "" } = prometheus.metadata;
  const instance = `${kind} ${namespace}/${name}`;
  const version = prometheus.spec.version || DEFAULT_PROMETHEUS_VERSION;
  const paths = driver.pathsOf(kind, namespace, name);
  const assets = new AssetStore(cache.lookup, paths.certificates);
  const scope: GenerationScope = {
    prometheus,
    assets,
    gate: new VersionGate(version),
    endpointSlices: true,
    apiServer: driver.apiServer,
    features: {
      ...driver.features,
      daemonSet: kind === "PrometheusAgent" && (prometheus as PrometheusAgent).spec.mode === "DaemonSet",
    },
  };
  const unmanaged = !context.alwaysManaged && isUnmanaged(prometheus);
  try {
    checkInstance(scope);
    const rules = kind === "Prometheus" ? planRules(prometheus as Prometheus, version, context) : NO_RULES;
    const sections =
      kind === "Prometheus"
        ? generatePrometheusConfig(
            prometheus as Prometheus,
            {},
            rules.files.size > 0 ? paths.rules(rules.files) : [],
            scope,
          )
        : generateAgentConfig({}, scope);
    // The instance's own part is read here, each object's jobs as they are made: all of it every time would be slow.
    checkReadable(assemble(sections, []), driver.readerOf(prometheus));
    monitors.begin(monitorKey(scope));
    const selected = selectMonitors(prometheus, toYaml({ global: sections.global }), scope, monitors, context);
    checkNames(sections.scrape_configs as Yaml[], selected.jobs);
    const config = assemble(sections, selected.jobs);
    return {
      desired: {
        kind,
        resource: prometheus,
        config,
        unmanaged,
        files: rules.files,
        certificates: merged(selected.files, assets),
      },
      selected: kind === "Prometheus" ? { ...selected.counts, PrometheusRule: rules.accepted } : selected.counts,
      rejected: selected.rejected + rules.rejected,
      notes: [
        ...(unmanaged ? [UNMANAGED] : []),
        ...[...scope.gate.ignored].map(([key, why]) => `${key} is left out: it ${why}`),
      ],
    };
  } catch (error) {
    throw about(error, instance);
  } finally {
    for (const reference of assets.references) references.add(reference);
  }
}

/** Names of monitors' jobs are all different; one of the additional jobs may have taken one. */
function checkNames(additional: readonly Yaml[], jobs: readonly string[]): void {
  if (additional.length === 0) return;
  const names = new Set(jobs.flatMap((text) => [...text.matchAll(/^- job_name: (.*)$/gm)].map(([, name]) => name)));
  for (const { job_name: name } of additional) {
    if (!names.has(String(name))) continue;
    throw new UserError("operator.invalid", `an additional job has the name ${name} of a monitor's job`, {
      where: { field: "spec.additionalScrapeConfigs" },
      fix: "Give the job another name",
    });
  }
}

const UNMANAGED =
  "no selector of monitors is set, so nothing is selected and a configuration that is there already stays as it is";

const NO_RULES = { files: new Map<string, string>(), accepted: 0, rejected: 0 };

function merged(files: ReadonlyMap<string, string>, { files: own }: AssetStore): Map<string, string> {
  return new Map([...files, ...own]);
}

function planRules(prometheus: Prometheus, version: string, context: PlanContext) {
  const { spec } = prometheus;
  const label = spec.enforcedNamespaceLabel;
  const deprecated = (spec.prometheusRulesExcludedFromEnforce ?? []).map(({ ruleNamespace, ruleName }) => ({
    resource: "prometheusrules",
    namespace: ruleNamespace,
    name: ruleName,
  }));
  const dialect: RuleDialect = {
    version,
    enforcement: label ? { label, excluded: [...(spec.excludedFromEnforcement ?? []), ...deprecated] } : undefined,
  };
  return selectRules(prometheus, dialect, context);
}

function about(error: unknown, instance: string): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(error.code, error.message, {
    where: { object: instance, field: error.where.field },
    fix: error.fix,
    cause: error,
  });
}
