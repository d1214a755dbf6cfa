/** `http_config` as Prometheus and Alertmanager write it: authentication, TLS, proxy, redirects, headers. */
import { dirname, isAbsolute, join } from "node:path";
import { UserError } from "@pharos/model";
import type { YamlMap, YamlNode } from "../yaml/node.ts";

/** A secret from the configuration: printed as `<secret>` wherever it might get into a log or an answer. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return "<secret>";
  }
  toJSON(): string {
    return "<secret>";
  }
}

/** Given in the configuration or in a file that is read at each use, so that rotation takes effect. */
export interface SecretSource {
  value?: Secret;
  file?: string;
}

export interface TlsClientConfig {
  ca?: string;
  caFile?: string;
  cert?: string;
  certFile?: string;
  key?: Secret;
  keyFile?: string;
  serverName?: string;
  insecureSkipVerify: boolean;
  minVersion?: string;
  maxVersion?: string;
}

export interface OAuth2Config {
  clientId: string;
  clientSecret: SecretSource;
  tokenUrl: string;
  scopes: string[];
  endpointParams: Record<string, string>;
  tls: TlsClientConfig;
}

export interface HttpClientConfig {
  basicAuth?: { username: SecretSource; password: SecretSource };
  authorization?: { type: string; credentials: SecretSource };
  oauth2?: OAuth2Config;
  tls: TlsClientConfig;
  proxyUrl?: string;
  noProxy: string;
  proxyFromEnvironment: boolean;
  proxyHeaders: Record<string, string[]>;
  followRedirects: boolean;
  enableHttp2: boolean;
  headers: { name: string; values: string[]; secrets: Secret[]; files: string[] }[];
}

function resolveFile(node: YamlNode | undefined): string | undefined {
  if (!node || node.isNull) return undefined;
  const path = node.string();
  const base = node.where.file;
  return path === "" ? undefined : isAbsolute(path) || !base ? path : join(dirname(base), path);
}

function source(map: YamlMap, key: string): SecretSource {
  const node = map.get(key);
  const file = resolveFile(map.get(`${key}_file`));
  if (node && !node.isNull && node.string() !== "" && file) {
    throw node.error(`at most one of ${key} & ${key}_file must be configured`, { code: "kit.http-config" });
  }
  return { value: node && !node.isNull ? new Secret(node.string()) : undefined, file };
}

const TLS_VERSIONS: Record<string, string> = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" };

function tlsVersion(node: YamlNode | undefined): string | undefined {
  if (!node || node.isNull) return undefined;
  const version = TLS_VERSIONS[node.string()];
  if (!version)
    throw node.error(`unknown TLS version: ${node.string()}`, {
      fix: `Use one of ${Object.keys(TLS_VERSIONS).join(", ")}`,
    });
  return version;
}

export function parseTlsClientConfig(node: YamlNode | undefined): TlsClientConfig {
  if (!node || node.isNull) return { insecureSkipVerify: false };
  const map = node.map();
  const key = map.get("key");
  const tls: TlsClientConfig = {
    ca: map.get("ca")?.string(),
    caFile: resolveFile(map.get("ca_file")),
    cert: map.get("cert")?.string(),
    certFile: resolveFile(map.get("cert_file")),
    key: key && new Secret(key.string()),
    keyFile: resolveFile(map.get("key_file")),
    serverName: map.get("server_name")?.string() || undefined,
    insecureSkipVerify: map.get("insecure_skip_verify")?.boolean() ?? false,
    minVersion: tlsVersion(map.get("min_version")),
    maxVersion: tlsVersion(map.get("max_version")),
  };
  map.done("config.TLSConfig");
  const hasCert = tls.cert !== undefined || tls.certFile !== undefined;
  const hasKey = tls.key !== undefined || tls.keyFile !== undefined;
  if (hasCert !== hasKey)
    throw node.error(
      `exactly one of ${hasCert ? "key or key_file" : "cert or cert_file"} must be configured when a client ${hasCert ? "certificate" : "key"} is configured`,
    );
  return tls;
}

function parseOAuth2(node: YamlNode): OAuth2Config {
  const map = node.map();
  const oauth2: OAuth2Config = {
    clientId: map.get("client_id")?.string() ?? "",
    clientSecret: source(map, "client_secret"),
    tokenUrl: map.get("token_url")?.string() ?? "",
    scopes: map.get("scopes")?.strings() ?? [],
    endpointParams: map.get("endpoint_params")?.stringMap() ?? {},
    tls: parseTlsClientConfig(map.get("tls_config")),
  };
  map.done("config.plain");
  if (oauth2.clientId === "") throw node.error("oauth2 client_id must be configured");
  if (oauth2.tokenUrl === "") throw node.error("oauth2 token_url must be configured");
  return oauth2;
}

function checkUrl(node: YamlNode | undefined): string | undefined {
  if (!node || node.isNull || node.string() === "") return undefined;
  if (!URL.canParse(node.string())) throw node.error(`${JSON.stringify(node.string())} is not a valid URL`);
  return node.string();
}

/** Reads the HTTP client keys of a map; the caller reads the rest and calls `done`. */
export function parseHttpClientConfig(map: YamlMap): HttpClientConfig {
  const basic = map.get("basic_auth");
  const authorization = map.get("authorization");
  const bearer = source(map, "bearer_token");
  const oauth2 = map.get("oauth2");
  const config: HttpClientConfig = {
    tls: parseTlsClientConfig(map.get("tls_config")),
    proxyUrl: checkUrl(map.get("proxy_url")),
    noProxy: map.get("no_proxy")?.string() ?? "",
    proxyFromEnvironment: map.get("proxy_from_environment")?.boolean() ?? false,
    proxyHeaders: Object.fromEntries(
      (map.get("proxy_connect_header")?.entries() ?? []).map(([name, values]) => [name, values.strings()]),
    ),
    followRedirects: map.get("follow_redirects")?.boolean() ?? true,
    enableHttp2: map.get("enable_http2")?.boolean() ?? true,
    headers: (map.get("http_headers")?.entries() ?? []).map(([name, node]) => {
      const inner = node.map();
      const header = {
        name,
        values: inner.get("values")?.strings() ?? [],
        secrets: (inner.get("secrets")?.strings() ?? []).map((value) => new Secret(value)),
        files: inner.get("files")?.strings() ?? [],
      };
      inner.done("config.Header");
      return header;
    }),
  };
  if (basic && !basic.isNull) {
    const inner = basic.map();
    config.basicAuth = { username: source(inner, "username"), password: source(inner, "password") };
    inner.done("config.BasicAuth");
  }
  if (authorization && !authorization.isNull) {
    const inner = authorization.map();
    const type = inner.get("type")?.string().trim() || "Bearer";
    config.authorization = { type, credentials: source(inner, "credentials") };
    inner.done("config.Authorization");
    if (type.toLowerCase() === "basic")
      throw authorization.error(`authorization type cannot be set to "basic", use "basic_auth" instead`);
  } else if (bearer.value || bearer.file) {
    config.authorization = { type: "Bearer", credentials: bearer };
  }
  if (oauth2 && !oauth2.isNull) config.oauth2 = parseOAuth2(oauth2);
  const ways = [config.basicAuth, config.authorization, config.oauth2].filter(Boolean).length;
  if (ways > 1) {
    throw new UserError(
      "kit.http-config",
      "at most one of basic_auth, oauth2, bearer_token & authorization must be configured",
      { where: map.node.where },
    );
  }
  return config;
}
