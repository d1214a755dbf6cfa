/** What a monitor must keep to before its job is generated (upstream's resource selector). */

import { isIP } from "node:net";
import type { LabelSelector } from "@pharos/kube";
import { parseDuration } from "@pharos/model";
import { clientScope, type GenerationScope } from "../prometheus/scope.ts";
import type { PodMonitor, Probe, ScrapeEndpoint, ServiceMonitor } from "../resources/monitors.ts";
import { atLeast } from "../version.ts";
import { checkClient, checkProxy } from "./client.ts";
import { invalid } from "./invalid.ts";
import { checkRelabelRules, isLabelName } from "./relabel.ts";

/** Throws when the selector is none Kubernetes would take. */
function checkSelector(selector: LabelSelector | undefined, field: string): void {
  for (const [i, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const place = `${field}.matchExpressions[${i}]`;
    if (!key) throw invalid(`${place}.key`, "it is missing");
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) throw invalid(`${place}.values`, `operator ${operator} needs values`);
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) throw invalid(`${place}.values`, `operator ${operator} takes no values`);
    } else {
      throw invalid(`${place}.operator`, `${JSON.stringify(operator)} is no operator`);
    }
  }
}

/** A scrape may not take longer than the time to the next one. */
export function checkTimes(
  interval: string | undefined,
  timeout: string | undefined,
  { prometheus }: GenerationScope,
  field: string,
): void {
  if (interval) parseDuration(interval);
  if (!timeout) return;
  const every = interval || prometheus.spec.scrapeInterval || "30s";
  if (parseDuration(timeout) <= parseDuration(every)) return;
  throw invalid(
    `${field}.scrapeTimeout`,
    `scrapeTimeout ${timeout} is greater than the scrape interval ${every}`,
    "Lower the timeout or raise the interval",
  );
}

function checkMechanism(mechanism: string | undefined, { gate }: GenerationScope): void {
  if (mechanism !== "RoleSelector" || atLeast(gate.version, "2.17.0")) return;
  throw invalid("spec.selectorMechanism", "RoleSelector needs Prometheus 2.17.0");
}

/** Files of the instance must stay out of reach where its owner says so. */
function checkFiles(endpoint: ScrapeEndpoint, { prometheus }: GenerationScope, field: string): void {
  if (!prometheus.spec.arbitraryFSAccessThroughSMs?.deny) return;
  const used = endpoint.bearerTokenFile
    ? "bearerTokenFile"
    : (["caFile", "certFile", "keyFile"] as const).find((name) => endpoint.tlsConfig?.[name]);
  if (!used) return;
  throw invalid(
    used === "bearerTokenFile" ? `${field}.${used}` : `${field}.tlsConfig.${used}`,
    "it reads a file of Prometheus, which spec.arbitraryFSAccessThroughSMs denies",
    "Refer to a Secret instead",
  );
}

function checkEndpoint(endpoint: ScrapeEndpoint, namespace: string, scope: GenerationScope, field: string): void {
  const { version } = scope.gate;
  checkClient(endpoint, clientScope(scope, namespace), field);
  checkTimes(endpoint.interval, endpoint.scrapeTimeout, scope, field);
  checkRelabelRules(endpoint.relabelings, version, `${field}.relabelings`);
  checkRelabelRules(endpoint.metricRelabelings, version, `${field}.metricRelabelings`);
}

export function checkServiceMonitor({ spec, metadata }: ServiceMonitor, scope: GenerationScope): void {
  checkSelector(spec.selector, "spec.selector");
  checkMechanism(spec.selectorMechanism, scope);
  for (const [i, endpoint] of (spec.endpoints ?? []).entries()) {
    const field = `spec.endpoints[${i}]`;
    checkFiles(endpoint, scope, field);
    checkEndpoint(endpoint, metadata.namespace ?? "", scope, field);
  }
}

export function checkPodMonitor({ spec, metadata }: PodMonitor, scope: GenerationScope): void {
  checkSelector(spec.selector, "spec.selector");
  checkMechanism(spec.selectorMechanism, scope);
  for (const [i, endpoint] of (spec.podMetricsEndpoints ?? []).entries()) {
    checkEndpoint(endpoint, metadata.namespace ?? "", scope, `spec.podMetricsEndpoints[${i}]`);
  }
}

/** `host`, `host:port` or `[ipv6]:port`. */
function isHostPort(text: string): boolean {
  if (isIP(text)) return true;
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  if (!match) return false;
  const [, bracketed, plain, port] = match;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return false;
  if (bracketed !== undefined) return isIP(bracketed) === 6 && port !== undefined;
  return (
    isIP(plain) === 4 || /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i.test(plain)
  );
}

export function checkStaticLabels(labels: Record<string, string> | undefined, version: string, field: string): void {
  for (const name of Object.keys(labels ?? {}).sort()) {
    if (!isLabelName(name, version)) throw invalid(field, `${JSON.stringify(name)} is no label name`);
  }
}

export function checkProbe({ spec, metadata }: Probe, scope: GenerationScope): void {
  const { version } = scope.gate;
  const targets = spec.targets;
  if (!targets?.staticConfig && !targets?.ingress) {
    throw invalid("spec.targets", "there are no targets", "Give staticConfig or ingress");
  }
  const { proxyUrl: _url, noProxy: _no, proxyFromEnvironment: _env, proxyConnectHeader: _header, ...client } = spec;
  checkClient(client, clientScope(scope, metadata.namespace ?? ""), "spec");
  checkProxy(spec.prober ?? {}, "spec.prober");
  checkTimes(spec.interval, spec.scrapeTimeout, scope, "spec");
  checkRelabelRules(spec.metricRelabelings, version, "spec.metricRelabelings");
  checkStaticLabels(targets.staticConfig?.labels, version, "spec.targets.staticConfig.labels");
  checkRelabelRules(targets.staticConfig?.relabelingConfigs, version, "spec.targets.staticConfig.relabelingConfigs");
  checkRelabelRules(targets.ingress?.relabelingConfigs, version, "spec.targets.ingress.relabelingConfigs");
  checkSelector(targets.ingress?.selector, "spec.targets.ingress.selector");
  const url = spec.prober?.url ?? "";
  if (!isHostPort(url)) {
    throw invalid(
      "spec.prober.url",
      `${JSON.stringify(url)} is neither host nor host:port`,
      "Leave scheme and path to their own fields",
    );
  }
}
