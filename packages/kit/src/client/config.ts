/** `http_config` as Prometheus and Alertmanager write it: authentication, TLS, proxy, redirects, headers. */
import { dirname, isAbsolute, join } from "node:path";
import type { UserError } from "@pharos/model";
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

export interface ProxyConfig {
  proxyUrl?: string;
  noProxy: string;
  proxyFromEnvironment: boolean;
  proxyHeaders: Record<string, string[]>;
}

/** How a token is asked for with a signed assertion instead of a secret (RFC 7523). */
export interface JwtBearerConfig {
  key: SecretSource;
  keyId: string;
  algorithm: "RS256" | "RS384" | "RS512";
  /** Defaults to the client's id. */
  issuer: string;
  /** Defaults to the token URL. */
  audience: string;
  claims: Record<string, unknown>;
}

export interface OAuth2Config extends ProxyConfig {
  clientId: string;
  clientSecret: SecretSource;
  jwtBearer?: JwtBearerConfig;
  tokenUrl: string;
  scopes: string[];
  endpointParams: Record<string, string>;
  tls: TlsClientConfig;
}

export interface HttpClientConfig extends ProxyConfig {
  basicAuth?: { username: SecretSource; password: SecretSource };
  authorization?: { type: string; credentials: SecretSource };
  oauth2?: OAuth2Config;
  tls: TlsClientConfig;
  followRedirects: boolean;
  enableHttp2: boolean;
  headers: { name: string; values: string[]; secrets: Secret[]; files: string[] }[];
}

/** A path of the configuration, relative ones against the folder of the file they stand in; undefined for none. */
export function resolveFile(node: YamlNode | undefined): string | undefined {
  if (!node || node.isNull) return undefined;
  const path = node.string();
  const base = node.where.file;
  return path === "" ? undefined : isAbsolute(path) || !base ? path : join(dirname(base), path);
}

function fault(node: YamlNode, message: string): UserError {
  return node.error(message, { code: "kit.http-config" });
}

/** `key` or `key_file`; `both` is the complaint when both are given. */
function source(map: YamlMap, key: string, both: string): SecretSource {
  const node = map.get(key);
  const file = resolveFile(map.get(`${key}_file`));
  const value = node && !node.isNull ? node.string() : undefined;
  if (value && file) throw fault(node!, both);
  // An empty password is one; an empty token beside a file is none.
  return { value: value === undefined || (value === "" && file) ? undefined : new Secret(value), file };
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
    ca: map.get("ca")?.string() || undefined,
    caFile: resolveFile(map.get("ca_file")),
    cert: map.get("cert")?.string() || undefined,
    certFile: resolveFile(map.get("cert_file")),
    key: key && !key.isNull && key.string() !== "" ? new Secret(key.string()) : undefined,
    keyFile: resolveFile(map.get("key_file")),
    serverName: map.get("server_name")?.string() || undefined,
    insecureSkipVerify: map.get("insecure_skip_verify")?.boolean() ?? false,
    minVersion: tlsVersion(map.get("min_version")),
    maxVersion: tlsVersion(map.get("max_version")),
  };
  map.done("config.TLSConfig");
  for (const [text, file, message] of [
    [tls.ca, tls.caFile, "at most one of ca, ca_file & ca_ref must be configured"],
    [tls.cert, tls.certFile, "at most one of cert, cert_file & cert_ref must be configured"],
    [tls.key, tls.keyFile, "at most one of key and key_file must be configured"],
  ] as const) {
    if (text !== undefined && file !== undefined) throw fault(node, message);
  }
  const hasCert = tls.cert !== undefined || tls.certFile !== undefined;
  const hasKey = tls.key !== undefined || tls.keyFile !== undefined;
  if (hasCert !== hasKey)
    throw node.error(
      `exactly one of ${hasCert ? "key or key_file" : "cert or cert_file"} must be configured when a client ${hasCert ? "certificate" : "key"} is configured`,
    );
  return tls;
}

const ALGORITHMS = ["RS256", "RS384", "RS512"] as const;
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

function parseJwtBearer(map: YamlMap, node: YamlNode): JwtBearerConfig {
  const algorithm = map.get("signature_algorithm")?.string() || "RS256";
  if (!(ALGORITHMS as readonly string[]).includes(algorithm)) {
    throw fault(node, "valid signature algorithms are RS256, RS384 and RS512");
  }
  return {
    key: source(
      map,
      "client_certificate_key",
      `at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref must be configured using grant-type=${JWT_BEARER}`,
    ),
    keyId: map.get("client_certificate_key_id")?.string() ?? "",
    algorithm: algorithm as JwtBearerConfig["algorithm"],
    issuer: map.get("iss")?.string() ?? "",
    audience: map.get("audience")?.string() ?? "",
    claims: (map.get("claims")?.toValue() as Record<string, unknown> | null | undefined) ?? {},
  };
}

function parseOAuth2(node: YamlNode): OAuth2Config {
  const map = node.map();
  const grantType = map.get("grant_type")?.string() || "client_credentials";
  const jwtBearer = parseJwtBearer(map, node);
  const oauth2: OAuth2Config = {
    clientId: map.get("client_id")?.string() ?? "",
    clientSecret: source(
      map,
      "client_secret",
      "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using grant-type=client_credentials",
    ),
    ...(grantType === JWT_BEARER ? { jwtBearer } : {}),
    tokenUrl: map.get("token_url")?.string() ?? "",
    scopes: map.get("scopes")?.strings() ?? [],
    endpointParams: map.get("endpoint_params")?.stringMap() ?? {},
    tls: parseTlsClientConfig(map.get("tls_config")),
    ...parseProxy(map),
  };
  map.done("config.plain");
  if (grantType !== JWT_BEARER && grantType !== "client_credentials") {
    throw fault(
      node,
      `oauth2 grant_type must be client_credentials or ${JWT_BEARER}, not ${JSON.stringify(grantType)}`,
    );
  }
  if (oauth2.clientId === "") throw fault(node, "oauth2 client_id must be configured");
  if (oauth2.tokenUrl === "") throw fault(node, "oauth2 token_url must be configured");
  return oauth2;
}

function parseProxy(map: YamlMap): ProxyConfig {
  const proxy: ProxyConfig = {
    proxyUrl: checkUrl(map.get("proxy_url")),
    noProxy: map.get("no_proxy")?.string() ?? "",
    proxyFromEnvironment: map.get("proxy_from_environment")?.boolean() ?? false,
    proxyHeaders: Object.fromEntries(
      (map.get("proxy_connect_header")?.entries() ?? []).map(([name, values]) => [name, values.strings()]),
    ),
  };
  const { proxyUrl, noProxy, proxyFromEnvironment, proxyHeaders } = proxy;
  const { node } = map;
  if (Object.keys(proxyHeaders).length > 0 && !proxyFromEnvironment && proxyUrl === undefined) {
    throw fault(
      node,
      "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
    );
  }
  if (proxyFromEnvironment && proxyUrl !== undefined) {
    throw fault(node, "if proxy_from_environment is configured, proxy_url must not be configured");
  }
  if (proxyFromEnvironment && noProxy !== "") {
    throw fault(node, "if proxy_from_environment is configured, no_proxy must not be configured");
  }
  if (proxyUrl === undefined && noProxy !== "") {
    throw fault(node, "if no_proxy is configured, proxy_url must also be configured");
  }
  return proxy;
}

function checkUrl(node: YamlNode | undefined): string | undefined {
  if (!node || node.isNull || node.string() === "") return undefined;
  const text = node.string();
  // Upstream takes a host alone here and fails when it is used.
  if (!URL.canParse(text) && !/^[\w./-]+$/.test(text)) throw node.error(`${JSON.stringify(text)} is not a valid URL`);
  return text;
}

/** Headers that belong to the connection or are set by the client itself. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "host",
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
  "x-prometheus-scrape-timeout-seconds",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

function parseHeaders(node: YamlNode | undefined): HttpClientConfig["headers"] {
  return (node?.entries() ?? []).map(([name, value]) => {
    if (RESERVED_HEADERS.has(name.toLowerCase())) {
      const canonical = name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
      throw fault(value, `setting header ${JSON.stringify(canonical)} is not allowed`);
    }
    const inner = value.map();
    const header = {
      name,
      values: inner.get("values")?.strings() ?? [],
      secrets: (inner.get("secrets")?.strings() ?? []).map((secret) => new Secret(secret)),
      files: (inner.get("files")?.items() ?? []).flatMap((file) => resolveFile(file) ?? []),
    };
    inner.done("config.Header");
    return header;
  });
}

/** Reads the HTTP client keys of a map; the caller reads the rest and calls `done`. */
export function parseHttpClientConfig(map: YamlMap): HttpClientConfig {
  const given = (key: string): YamlNode | undefined => {
    const node = map.get(key);
    return node && !node.isNull ? node : undefined;
  };
  const basic = given("basic_auth");
  const authorization = given("authorization");
  const oauth2 = given("oauth2");
  const bearer = source(map, "bearer_token", "at most one of bearer_token & bearer_token_file must be configured");
  const hasBearer = (bearer.value !== undefined && bearer.value.reveal() !== "") || bearer.file !== undefined;
  const config: HttpClientConfig = {
    tls: parseTlsClientConfig(map.get("tls_config")),
    ...parseProxy(map),
    followRedirects: map.get("follow_redirects")?.boolean() ?? true,
    enableHttp2: map.get("enable_http2")?.boolean() ?? true,
    headers: parseHeaders(map.get("http_headers")),
  };
  if ((basic || oauth2) && hasBearer) {
    throw fault(map.node, "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured");
  }
  if (basic) {
    const inner = basic.map();
    const both = (key: string): string =>
      `at most one of basic_auth ${key}, ${key}_file & ${key}_ref must be configured`;
    config.basicAuth = {
      username: source(inner, "username", both("username")),
      password: source(inner, "password", both("password")),
    };
    inner.done("config.BasicAuth");
  }
  if (authorization) {
    if (hasBearer) throw fault(authorization, "authorization is not compatible with bearer_token & bearer_token_file");
    const inner = authorization.map();
    const type = inner.get("type")?.string().trim() || "Bearer";
    const both = "at most one of authorization credentials & credentials_file must be configured";
    config.authorization = { type, credentials: source(inner, "credentials", both) };
    inner.done("config.Authorization");
    if (type.toLowerCase() === "basic") {
      throw fault(authorization, `authorization type cannot be set to "basic", use "basic_auth" instead`);
    }
  } else if (hasBearer) config.authorization = { type: "Bearer", credentials: bearer };
  if (oauth2) config.oauth2 = parseOAuth2(oauth2);
  if ([basic, authorization, oauth2].filter(Boolean).length > 1) {
    throw fault(map.node, "at most one of basic_auth, oauth2 & authorization must be configured");
  }
  return config;
}
