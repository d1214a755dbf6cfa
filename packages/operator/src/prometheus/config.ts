/**
 * Prometheus resource + what it selected → prometheus.yml. Sections in upstream's order: global, runtime, rule_files,
 * scrape_configs, storage, alerting, remote_write, remote_read, otlp, tracing.
 */
import { UserError } from "@pharos/model";
import { stringify } from "yaml";
import type { PodMonitor, Probe, ScrapeConfig, ServiceMonitor } from "../resources/monitors.ts";
import type { CommonPrometheusSpec, Prometheus } from "../resources/prometheus.ts";
import { atLeast, isVersion } from "../version.ts";
import { additionalJobs } from "./additional.ts";
import { alertingSection } from "./alerting.ts";
import { globalSection, runtimeSection, serverGlobals } from "./global.ts";
import type { Yaml } from "./http-client.ts";
import { podMonitorJob } from "./pod-monitor.ts";
import { probeJob } from "./probe.ts";
import { remoteRead, remoteWrite } from "./remote-write.ts";
import { type GenerationScope, ownScope } from "./scope.ts";
import { scrapeConfigJob } from "./scrape-config.ts";
import { serviceMonitorJob } from "./service-monitor.ts";
import { agentStorageSection, storageSection } from "./storage.ts";
import { otlpSection, tracingSection } from "./telemetry.ts";

export interface SelectedMonitors {
  serviceMonitors: readonly ServiceMonitor[];
  podMonitors: readonly PodMonitor[];
  probes: readonly Probe[];
  scrapeConfigs: readonly ScrapeConfig[];
}

/** Golden files and Go's reader want lists unindented and YAML 1.1's ambiguous words quoted. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, indentSeq: false, version: "1.1", aliasDuplicateObjects: false });
}

function byName<T extends { metadata: { namespace?: string; name?: string } }>(objects: readonly T[]): T[] {
  const key = ({ metadata }: T): string => `${metadata.namespace}/${metadata.name}`;
  return [...objects].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** The jobs of monitors, in order; also of a single one, so that it can be checked on its own. */
export function scrapeJobs(monitors: Partial<SelectedMonitors>, scope: GenerationScope): Yaml[] {
  const pods = byName(monitors.podMonitors ?? []).flatMap((monitor) =>
    (monitor.spec.podMetricsEndpoints ?? []).map((_, i) => podMonitorJob(monitor, i, scope)),
  );
  // An agent on every node scrapes Pods alone: nothing else belongs to one node.
  if (scope.features?.daemonSet) return pods;
  return [
    ...byName(monitors.serviceMonitors ?? []).flatMap((monitor) =>
      (monitor.spec.endpoints ?? []).map((_, i) => serviceMonitorJob(monitor, i, scope)),
    ),
    ...pods,
    ...byName(monitors.probes ?? []).map((probe) => probeJob(probe, scope)),
    ...byName(monitors.scrapeConfigs ?? []).map((config) => scrapeConfigJob(config, scope)),
  ];
}

function checkVersion({ prometheus, gate }: GenerationScope): void {
  const { version } = gate;
  if (isVersion(version) && atLeast(version, "2.0.0-0") && !atLeast(version, "4.0.0-0")) return;
  throw new UserError("operator.invalid", `unsupported Prometheus version ${JSON.stringify(version)}`, {
    where: {
      object: `${prometheus.kind} ${prometheus.metadata.namespace}/${prometheus.metadata.name}`,
      field: "spec.version",
    },
    fix: "Use a version 2.x or 3.x, such as v3.5.0",
  });
}

function checkScrapeClasses({ scrapeClasses = [] }: CommonPrometheusSpec): void {
  const defaults = scrapeClasses.filter((entry) => entry.default);
  if (defaults.length <= 1) return;
  throw new UserError(
    "operator.invalid",
    `several default scrape classes: ${defaults.map(({ name }) => name).join(", ")}`,
    {
      where: { field: "spec.scrapeClasses" },
      fix: "Leave `default: true` at one of them",
    },
  );
}

function remoteWriteSection(scope: GenerationScope): Yaml {
  const targets = scope.prometheus.spec.remoteWrite ?? [];
  const own = ownScope(scope);
  return targets.length > 0 ? { remote_write: targets.map((target) => remoteWrite(target, own)) } : {};
}

/** The configuration of a server. `ruleFileGlobs`: where its rule files lie, as the instance sees them. */
export function generatePrometheusConfig(
  prometheus: Prometheus,
  monitors: Partial<SelectedMonitors>,
  ruleFileGlobs: readonly string[],
  scope: GenerationScope,
): Yaml {
  checkVersion(scope);
  const { spec } = prometheus;
  checkScrapeClasses(spec);
  const { gate } = scope;
  const reads = spec.remoteRead ?? [];
  const own = ownScope(scope);
  return {
    global: { ...globalSection(scope), ...serverGlobals(spec, gate) },
    ...runtimeSection(spec, gate),
    ...(ruleFileGlobs.length > 0 ? { rule_files: ruleFileGlobs } : {}),
    scrape_configs: [...scrapeJobs(monitors, scope), ...additionalJobs(scope)],
    ...storageSection(spec, gate),
    ...alertingSection(prometheus, scope),
    ...remoteWriteSection(scope),
    ...(reads.length > 0 ? { remote_read: reads.map((read) => remoteRead(read, own)) } : {}),
    ...otlpSection(scope),
    ...tracingSection(scope),
  };
}

/** The configuration of an agent, which has neither rules nor alerts nor reads. */
export function generateAgentConfig(monitors: Partial<SelectedMonitors>, scope: GenerationScope): Yaml {
  checkVersion(scope);
  const { spec } = scope.prometheus;
  checkScrapeClasses(spec);
  return {
    global: globalSection(scope),
    ...runtimeSection(spec, scope.gate),
    scrape_configs: [...scrapeJobs(monitors, scope), ...additionalJobs(scope)],
    ...agentStorageSection(spec, scope.gate),
    ...remoteWriteSection(scope),
    ...otlpSection(scope),
    ...tracingSection(scope),
  };
}
