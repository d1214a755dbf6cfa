/** spec.remoteWrite and spec.remoteRead → remote_write and remote_read. */
import type { AzureAd, RemoteRead, RemoteWrite } from "../resources/prometheus.ts";
import { type ClientScope, httpClient, sigv4, type Yaml } from "./http-client.ts";
import { userRelabelings } from "./relabel.ts";

const MESSAGES: Record<string, string> = {
  "V1.0": "prometheus.WriteRequest",
  "V2.0": "io.prometheus.write.v2.Request",
};

export function messageName(version: string): string {
  return MESSAGES[version] ?? MESSAGES["V1.0"];
}

function sorted(map: Record<string, string> | undefined): Record<string, string> | undefined {
  const entries = Object.entries(map ?? {});
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function azureAd(config: AzureAd | undefined, { namespace, assets, gate }: ClientScope): Yaml {
  if (!config || !gate.allows("azuread", "2.45.0")) return {};
  const out: Yaml = {};
  const { managedIdentity, oauth, sdk, workloadIdentity } = config;
  if (managedIdentity) out.managed_identity = managedIdentity.clientId ? { client_id: managedIdentity.clientId } : {};
  if (oauth && gate.allows("azuread.oauth", "2.48.0")) {
    out.oauth = {
      client_id: oauth.clientId,
      client_secret: assets.secret(namespace, oauth.clientSecret),
      tenant_id: oauth.tenantId,
    };
  }
  if (sdk && gate.allows("azuread.sdk", "2.52.0")) out.sdk = { tenant_id: sdk.tenantId ?? "" };
  if (workloadIdentity && gate.allows("azuread.workload_identity", "3.7.0")) {
    out.workload_identity = { client_id: workloadIdentity.clientId, tenant_id: workloadIdentity.tenantId };
  }
  if (config.cloud) out.cloud = config.cloud;
  if (config.scope && gate.allows("azuread.scope", "3.9.0")) out.scope = config.scope;
  return { azuread: out };
}

function queueConfig(queue: RemoteWrite["queueConfig"], { gate }: ClientScope): Yaml {
  if (!queue) return {};
  const out: Yaml = {};
  if (queue.capacity) out.capacity = queue.capacity;
  if (queue.minShards) out.min_shards = queue.minShards;
  if (queue.maxShards) out.max_shards = queue.maxShards;
  if (queue.maxSamplesPerSend) out.max_samples_per_send = queue.maxSamplesPerSend;
  if (queue.batchSendDeadline) out.batch_send_deadline = queue.batchSendDeadline;
  if (queue.maxRetries && gate.allowsBefore("max_retries", "2.11.0")) out.max_retries = queue.maxRetries;
  if (queue.minBackoff) out.min_backoff = queue.minBackoff;
  if (queue.maxBackoff) out.max_backoff = queue.maxBackoff;
  if (queue.retryOnRateLimit) gate.set(out, "retry_on_http_429", true, "2.26.0");
  gate.set(out, "sample_age_limit", queue.sampleAgeLimit, "2.50.0");
  return { queue_config: out };
}

function metadataConfig({ metadataConfig: config, messageVersion }: RemoteWrite, { gate }: ClientScope): Yaml {
  if (!config || !gate.allows("metadata_config", "2.23.0")) return {};
  // Version 2 of the protocol carries metadata with the samples.
  const out: Yaml = { send: messageVersion === "V2.0" ? false : (config.send ?? false) };
  if (config.sendInterval) out.send_interval = config.sendInterval;
  gate.set(out, "max_samples_per_send", config.maxSamplesPerSend, "2.29.0");
  return { metadata_config: out };
}

export function remoteWrite(spec: RemoteWrite, scope: ClientScope): Yaml {
  const { gate } = scope;
  const out: Yaml = { url: spec.url };
  if (spec.remoteTimeout) out.remote_timeout = spec.remoteTimeout;
  gate.set(out, "headers", sorted(spec.headers), "2.15.0");
  if (spec.name) gate.set(out, "name", spec.name, "2.15.0");
  if (spec.messageVersion) gate.set(out, "protobuf_message", messageName(spec.messageVersion), "2.54.0");
  gate.set(out, "send_exemplars", spec.sendExemplars, "2.27.0");
  gate.set(out, "send_native_histograms", spec.sendNativeHistograms, "2.40.0");
  if (spec.writeRelabelConfigs?.length) out.write_relabel_configs = userRelabelings(spec.writeRelabelConfigs);
  gate.set(out, "round_robin_dns", spec.roundRobinDNS, "3.1.0");
  return {
    ...out,
    ...httpClient({ ...spec, enableHttp2: spec.enableHTTP2 }, scope),
    ...sigv4(spec.sigv4, scope, "2.26.0"),
    ...azureAd(spec.azureAd, scope),
    ...queueConfig(spec.queueConfig, scope),
    ...metadataConfig(spec, scope),
  };
}

export function remoteRead(spec: RemoteRead, scope: ClientScope): Yaml {
  const { gate } = scope;
  const out: Yaml = { url: spec.url };
  if (spec.remoteTimeout) out.remote_timeout = spec.remoteTimeout;
  gate.set(out, "headers", sorted(spec.headers), "2.26.0");
  if (spec.name) gate.set(out, "name", spec.name, "2.15.0");
  gate.set(out, "required_matchers", sorted(spec.requiredMatchers));
  if (spec.readRecent) out.read_recent = true;
  gate.set(out, "filter_external_labels", spec.filterExternalLabels, "2.34.0");
  return { ...out, ...httpClient(spec, scope) };
}
