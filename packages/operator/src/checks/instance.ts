/** What the Prometheus resource itself must keep to: its own mistakes stop the instance from changing, and are named. */
import { parseBytes } from "@pharos/kit";
import { type GenerationScope, ownScope } from "../prometheus/scope.ts";
import type { AzureAd, Prometheus, RemoteWrite } from "../resources/prometheus.ts";
import { checkClient } from "./client.ts";
import { invalid } from "./invalid.ts";
import { checkRelabelRules } from "./relabel.ts";

const AZURE_METHODS = ["managedIdentity", "oauth", "sdk", "workloadIdentity"] as const;

function checkAzureAd(azure: AzureAd | undefined, field: string): void {
  if (!azure) return;
  const used = AZURE_METHODS.filter((name) => azure[name] !== undefined);
  if (used.length === 1) return;
  throw invalid(
    field,
    used.length === 0 ? `one of ${AZURE_METHODS.join(", ")} is needed` : `${used.join(" and ")} exclude each other`,
  );
}

function checkRemoteWrite(target: RemoteWrite, scope: GenerationScope, field: string): void {
  const ways = (["basicAuth", "oauth2", "authorization", "sigv4", "azureAd"] as const).filter(
    (name) => target[name] !== undefined,
  );
  if (ways.length > 1) throw invalid(field, `${ways.join(" and ")} exclude each other`, "Leave one of them");
  checkAzureAd(target.azureAd, `${field}.azureAd`);
  checkClient(target, ownScope(scope), field);
  checkRelabelRules(target.writeRelabelConfigs, scope.gate.version, `${field}.writeRelabelConfigs`);
  if (!URL.canParse(target.url)) throw invalid(`${field}.url`, "it is no URL");
}

/** A slip of the keyboard must not become as many StatefulSets. */
const MAX_SHARDS = 1_000;

export function checkInstance(scope: GenerationScope): void {
  const { spec } = scope.prometheus;
  if ((spec.shards ?? 1) > MAX_SHARDS)
    throw invalid("spec.shards", `${spec.shards} are too many, ${MAX_SHARDS} at most`);
  const { version } = scope.gate;
  for (const [i, entry] of (spec.scrapeClasses ?? []).entries()) {
    const field = `spec.scrapeClasses[${i}]`;
    checkRelabelRules(entry.relabelings, version, `${field}.relabelings`);
    checkRelabelRules(entry.metricRelabelings, version, `${field}.metricRelabelings`);
  }
  for (const [i, target] of (spec.remoteWrite ?? []).entries())
    checkRemoteWrite(target, scope, `spec.remoteWrite[${i}]`);
  const server = spec as Prometheus["spec"];
  for (const [i, read] of (server.remoteRead ?? []).entries()) {
    checkClient(read, ownScope(scope), `spec.remoteRead[${i}]`);
  }
  for (const [i, endpoint] of (server.alerting?.alertmanagers ?? []).entries()) {
    const field = `spec.alerting.alertmanagers[${i}]`;
    checkClient(endpoint, ownScope(scope), field);
    checkRelabelRules(endpoint.relabelings, version, `${field}.relabelings`);
    checkRelabelRules(endpoint.alertRelabelings, version, `${field}.alertRelabelings`);
  }
  for (const name of ["bodySizeLimit", "enforcedBodySizeLimit"] as const) if (spec[name]) parseBytes(spec[name]);
}
