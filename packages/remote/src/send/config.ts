/** One entry of `remote_write`. Semantics and complaints are upstream's config.RemoteWriteConfig. */
import { type HttpClientConfig, parseHttpClientConfig, type YamlMap, type YamlNode } from "@pharos/kit";
import type { UserError } from "@pharos/model";
import { type NameScheme, parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";
import { type CloudAuth, parseAzure, parseGoogleIam, parseSigV4 } from "../auth/config.ts";
import { parseHeaders, parseRemoteUrl } from "../remote-config.ts";
import type { WriteVersion } from "../write-request.ts";

export interface QueueConfig {
  /** Samples a shard holds beside the batch being filled. */
  capacity: number;
  maxShards: number;
  minShards: number;
  maxSamplesPerSend: number;
  /** Times in ms. */
  batchSendDeadline: number;
  minBackoff: number;
  maxBackoff: number;
  retryOnRateLimit: boolean;
  /** Older samples are not sent; 0: any. */
  sampleAgeLimit: number;
}

export interface RemoteWriteConfig {
  url: string;
  /** "" when none is given. */
  name: string;
  version: WriteVersion;
  /** ms */
  remoteTimeout: number;
  headers: Record<string, string>;
  writeRelabelConfigs: RelabelConfig[];
  sendExemplars: boolean;
  sendNativeHistograms: boolean;
  roundRobinDns: boolean;
  failedRequestLogging: boolean;
  http: HttpClientConfig;
  cloud: CloudAuth;
  queue: QueueConfig;
  metadata: { send: boolean /** ms */; interval: number; maxSamplesPerSend: number };
}

const fault = (node: YamlNode, message: string): UserError => node.error(message, { code: "remote.config" });

function parseQueue(node: YamlNode | undefined): QueueConfig {
  const map = node && !node.isNull ? node.map() : undefined;
  const count = (key: string, initial: number): number => map?.get(key)?.integer() ?? initial;
  const time = (key: string, initial: number): number => map?.get(key)?.duration() ?? initial;
  const queue: QueueConfig = {
    capacity: count("capacity", 10_000),
    maxShards: count("max_shards", 50),
    minShards: count("min_shards", 1),
    maxSamplesPerSend: count("max_samples_per_send", 2000),
    batchSendDeadline: time("batch_send_deadline", 5000),
    minBackoff: time("min_backoff", 30),
    maxBackoff: time("max_backoff", 5000),
    retryOnRateLimit: map?.get("retry_on_http_429")?.boolean() ?? false,
    sampleAgeLimit: time("sample_age_limit", 0),
  };
  map?.done("config.QueueConfig");
  const complaint = [
    [queue.maxShards <= 0, "max_shards must be positive"],
    [queue.minShards <= 0, "min_shards must be positive"],
    [queue.minShards > queue.maxShards, "min_shards must not be greater than max_shards"],
    [queue.maxSamplesPerSend <= 0, "max_samples_per_send must be positive"],
    [queue.capacity <= 0, "capacity must be positive"],
    [queue.maxBackoff < queue.minBackoff, "max_backoff must not be less than min_backoff"],
  ].find(([wrong]) => wrong);
  if (complaint) throw fault(node!, `remote write queue ${complaint[1]}`);
  return queue;
}

const MESSAGES: Readonly<Record<string, WriteVersion>> = {
  "prometheus.WriteRequest": 1,
  "io.prometheus.write.v2.Request": 2,
};

function parseVersion(node: YamlNode | undefined): WriteVersion {
  const message = node?.isNull === false ? node.string() : "prometheus.WriteRequest";
  const version = MESSAGES[message];
  if (version) return version;
  throw fault(
    node!,
    `invalid protobuf_message value: unknown type for remote write protobuf message ${message}, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request`,
  );
}

function parseMetadata(node: YamlNode | undefined): RemoteWriteConfig["metadata"] {
  const map = node && !node.isNull ? node.map() : undefined;
  const metadata = {
    send: map?.get("send")?.boolean() ?? true,
    interval: map?.get("send_interval")?.duration() ?? 60_000,
    maxSamplesPerSend: map?.get("max_samples_per_send")?.integer() ?? 2000,
  };
  map?.done("config.MetadataConfig");
  return metadata;
}

function parseCloud(map: YamlMap, http: HttpClientConfig): CloudAuth {
  const given = (key: string): YamlNode | undefined => {
    const node = map.get(key);
    return node && !node.isNull ? node : undefined;
  };
  const sigv4 = given("sigv4");
  const azure = given("azuread");
  const googleIam = given("google_iam");
  const ways = Object.entries({ ...http, sigv4, azuread: azure, google_iam: googleIam })
    .filter(
      ([key, value]) =>
        value && ["basicAuth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"].includes(key),
    )
    .map(([key]) => (key === "basicAuth" ? "basic_auth" : key));
  if (ways.length > 1) {
    throw fault(
      map.node,
      `at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [${ways.join(" ")}]`,
    );
  }
  return {
    sigv4: sigv4 && parseSigV4(sigv4),
    azure: azure && parseAzure(azure),
    googleIam: googleIam && parseGoogleIam(googleIam),
  };
}

/** `nameScheme`: what names rules of relabelling may make. */
export function parseRemoteWriteConfig(node: YamlNode, nameScheme?: NameScheme): RemoteWriteConfig {
  const map = node.map();
  const url = parseRemoteUrl(map, "remote_write");
  const headers = parseHeaders(map.get("headers"));
  const http = parseHttpClientConfig(map);
  const relabelNode = map.get("write_relabel_configs");
  if (relabelNode?.items().some((item) => item.isNull)) {
    throw fault(relabelNode, "empty or null relabeling rule in remote write config");
  }
  const config: RemoteWriteConfig = {
    url,
    name: map.get("name")?.string() ?? "",
    version: parseVersion(map.get("protobuf_message")),
    remoteTimeout: map.get("remote_timeout")?.duration() ?? 30_000,
    headers,
    writeRelabelConfigs: parseRelabelConfigs(relabelNode, nameScheme),
    sendExemplars: map.get("send_exemplars")?.boolean() ?? false,
    sendNativeHistograms: map.get("send_native_histograms")?.boolean() ?? false,
    roundRobinDns: map.get("round_robin_dns")?.boolean() ?? false,
    failedRequestLogging: map.get("failed_request_logging")?.boolean() ?? false,
    http,
    cloud: parseCloud(map, http),
    queue: parseQueue(map.get("queue_config")),
    metadata: parseMetadata(map.get("metadata_config")),
  };
  map.done("config.plain");
  return config;
}
