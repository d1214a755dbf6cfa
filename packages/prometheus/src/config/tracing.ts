/** The tracing section: where spans are exported to. */
import { parseTlsClientConfig, type TlsClientConfig, type YamlNode } from "@pharos/kit";

export interface TracingConfig {
  clientType: "http" | "grpc";
  endpoint: string;
  /** 0 to 1. */
  samplingFraction: number;
  insecure: boolean;
  tls: TlsClientConfig;
  headers: Record<string, string>;
  compression: "" | "gzip";
  /** ms; 0: the client's own. */
  timeout: number;
}

/** Headers the exporter sets itself. */
const RESERVED: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-type",
  "user-agent",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "www-authenticate",
  "accept-encoding",
  "x-prometheus-remote-write-version",
  "x-prometheus-remote-read-version",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

const fault = (node: YamlNode, message: string) => node.error(message, { code: "prometheus.config" });

function readHeaders(node: YamlNode | undefined): Record<string, string> {
  for (const [name, value] of node?.entries() ?? []) {
    const lower = name.toLowerCase();
    if (lower === "authorization") throw fault(value, "authorization header configuration is not yet supported");
    if (RESERVED.has(lower)) throw fault(value, `${name} is a reserved header. It must not be changed`);
  }
  return node?.stringMap() ?? {};
}

function readClientType(node: YamlNode | undefined): "http" | "grpc" {
  const type = node?.string() ?? "grpc";
  if (type === "http" || type === "grpc") return type;
  throw fault(node!, `expected tracing client type to be to be http or grpc, but got ${type}`);
}

/** undefined without a section. */
export function parseTracing(node: YamlNode | undefined): TracingConfig | undefined {
  if (!node || node.isNull) return undefined;
  const map = node.map();
  const compression = map.get("compression");
  const config: TracingConfig = {
    clientType: readClientType(map.get("client_type")),
    headers: readHeaders(map.get("headers")),
    endpoint: map.get("endpoint")?.string() ?? "",
    samplingFraction: map.get("sampling_fraction")?.number() ?? 0,
    insecure: map.get("insecure")?.boolean() ?? false,
    tls: parseTlsClientConfig(map.get("tls_config")),
    compression: (compression?.string() ?? "") as TracingConfig["compression"],
    timeout: map.get("timeout")?.duration() ?? 0,
  };
  map.done("config.plain");
  if (config.endpoint === "") throw fault(node, "tracing endpoint must be set");
  if (config.compression !== "" && config.compression !== "gzip") {
    throw fault(compression!, `invalid compression type ${config.compression} provided, valid options: gzip`);
  }
  return config;
}
