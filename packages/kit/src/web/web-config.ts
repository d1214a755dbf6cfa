/**
 * The web configuration file of Prometheus' programs and exporters (exporter-toolkit): TLS, client certificates, users with
 * bcrypt hashes, response headers and a rate limit. Messages are upstream's where it has one, with file and line added.
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { parseDuration, UserError } from "@pharos/model";
import { parseYaml, type YamlMap, type YamlNode } from "../yaml/node.ts";

/** A PEM, in the file itself or in one it names. */
export interface PemSource {
  text?: string;
  path?: string;
}

export const CLIENT_AUTH_TYPES = [
  "NoClientCert",
  "RequestClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
] as const;
export type ClientAuthType = (typeof CLIENT_AUTH_TYPES)[number];

export interface WebTlsConfig {
  cert: PemSource;
  key: PemSource;
  clientCa?: PemSource;
  clientAuth: ClientAuthType;
  /** Names one of which a client's certificate must have; undefined: any. */
  clientAllowedSans?: readonly string[];
  /** In OpenSSL's words, TLS 1.3's included; undefined: Node's own. */
  ciphers?: string;
  curves?: string;
  minVersion: TlsVersion;
  maxVersion: TlsVersion;
  preferServerCipherSuites: boolean;
}

export interface WebConfig {
  /** undefined: plain HTTP. */
  tls?: WebTlsConfig;
  http2: boolean;
  headers: Readonly<Record<string, string>>;
  /** bcrypt hashes by user; empty: anybody may come. */
  users: ReadonlyMap<string, string>;
  /** undefined: no limit. */
  rateLimit?: { burst: number; intervalMs: number };
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  TLS10: "TLSv1",
  TLS11: "TLSv1.1",
  TLS12: "TLSv1.2",
  TLS13: "TLSv1.3",
};

const CURVES: Readonly<Record<string, string>> = {
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
  X25519: "X25519",
};

const TLS13_CIPHERS = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** Go's names of the suites it holds for secure, and OpenSSL's. */
const CIPHERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(TLS13_CIPHERS.map((name) => [name, name])),
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

/** One of these is what HTTP/2 demands of a server below TLS 1.3. */
const HTTP2_CIPHERS = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];

/** Headers that may be set, and the values of those that are an enumeration. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  "Strict-Transport-Security": [],
  "X-Content-Type-Options": ["nosniff"],
  "X-Frame-Options": ["deny", "sameorigin"],
  "X-XSS-Protection": [],
  "Content-Security-Policy": [],
};

const CODE = "kit.web-config";

/** The value of an enumeration, translated by a table. */
function translate<T>(node: YamlNode, table: Readonly<Record<string, T>>, what: string): T {
  const text = node.string();
  if (!Object.hasOwn(table, text)) {
    throw node.error(`unknown ${what}: ${text}`, { code: CODE, fix: `Use one of ${Object.keys(table).join(", ")}` });
  }
  return table[text];
}

function readPem(map: YamlMap, key: string, folder: string): PemSource | undefined {
  const text = map.get(key)?.string() || undefined;
  const path = map.get(`${key}_file`)?.string() || undefined;
  if (text === undefined && path === undefined) return undefined;
  // The file counts where both are given.
  return path === undefined ? { text } : { path: isAbsolute(path) ? path : join(folder, path) };
}

function readClientAuth(node: YamlNode | undefined): ClientAuthType {
  const text = node?.string() ?? "";
  if (text === "") return "NoClientCert";
  // Upstream keeps its first name for it.
  if (text === "RequireClientCert") return "RequireAnyClientCert";
  const known = CLIENT_AUTH_TYPES.find((type) => type === text);
  if (known === undefined) {
    const fix = `Use one of ${CLIENT_AUTH_TYPES.join(", ")}`;
    throw node!.error(`invalid ClientAuth: ${text}`, { code: CODE, fix });
  }
  return known;
}

function readTls(node: YamlNode, folder: string, http2: boolean): WebTlsConfig | undefined {
  const map = node.map();
  const cert = readPem(map, "cert", folder);
  const key = readPem(map, "key", folder);
  const clientCa = readPem(map, "client_ca", folder);
  const authNode = map.get("client_auth_type");
  const cipherNames = map.get("cipher_suites")?.items() ?? [];
  const curves = (map.get("curve_preferences")?.items() ?? []).map((item) => translate(item, CURVES, "curve"));
  const ciphers = cipherNames.map((item) => translate(item, CIPHERS, "cipher"));
  const version = (name: string, otherwise: TlsVersion): TlsVersion => {
    const given = map.get(name);
    return given ? translate(given, VERSIONS, "TLS version") : otherwise;
  };
  const minVersion = version("min_version", "TLSv1.2");
  const maxVersion = version("max_version", "TLSv1.3");
  const preferServerCipherSuites = map.get("prefer_server_cipher_suites")?.boolean() ?? true;
  const clientAllowedSans = map.get("client_allowed_sans")?.strings();
  map.done("web.TLSConfig");
  if (!cert && !key && !clientCa && !authNode?.string()) return undefined;
  const missing = (what: string): UserError => node.error(`missing one of ${what} or ${what}_file`, { code: CODE });
  if (!cert) throw missing("cert");
  if (!key) throw missing("key");
  const clientAuth = readClientAuth(authNode);
  if (clientCa && clientAuth === "NoClientCert") {
    throw node.error("client CA's have been configured without a Client Auth Policy", {
      code: CODE,
      fix: "Set client_auth_type, such as RequireAndVerifyClientCert",
    });
  }
  const names = cipherNames.map((item) => item.string());
  if (http2 && names.length > 0 && minVersion !== "TLSv1.3" && !HTTP2_CIPHERS.some((name) => names.includes(name))) {
    throw node.error(
      `TLSConfig.CipherSuites is missing an HTTP/2-required AES_128_GCM_SHA256 cipher (need at least one of ${HTTP2_CIPHERS.join(" or ")})`,
      { code: CODE, fix: "Add one of them, or set http_server_config.http2: false" },
    );
  }
  return {
    cert,
    key,
    clientCa,
    clientAuth,
    clientAllowedSans,
    // As in Go, the list is about TLS up to 1.2; those of 1.3 are all allowed.
    ciphers: ciphers.length === 0 ? undefined : [...new Set([...TLS13_CIPHERS, ...ciphers])].join(":"),
    curves: curves.length === 0 ? undefined : curves.join(":"),
    minVersion,
    maxVersion,
    preferServerCipherSuites,
  };
}

function readHeaders(node: YamlNode | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of node?.entries() ?? []) {
    if (!Object.hasOwn(HEADERS, name)) {
      const fix = `Those that can be: ${Object.keys(HEADERS).join(", ")}`;
      throw value.error(`HTTP header ${JSON.stringify(name)} can not be configured`, { code: CODE, fix });
    }
    const text = value.string();
    const allowed = HEADERS[name];
    if (allowed.length > 0 && !allowed.includes(text)) {
      const expected = allowed.map((each) => JSON.stringify(each)).join(" ");
      const message = `invalid value for ${name}. Expected one of: [${expected}], but got: ${JSON.stringify(text)}`;
      throw value.error(message, { code: CODE });
    }
    headers[name] = text;
  }
  return headers;
}

/** A bcrypt hash; its cost is bounded by what bcrypt itself allows. */
function checkHash(node: YamlNode): string {
  const hash = node.string();
  // No part of it is told: it may be a password by mistake.
  const complain = (what: string): UserError =>
    node.error(`crypto/bcrypt: ${what}`, { code: CODE, fix: 'Hash the password, as with htpasswd -nBC 10 ""' });
  if (hash.length < 59) throw complain("hashedSecret too short to be a bcrypted password");
  if (!/^\$2[abxy]?\$/.test(hash)) throw complain("bcrypt hashes must start with '$2a$' or another of its versions");
  if (!/^\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.test(hash)) throw complain("not a bcrypt hash");
  return hash;
}

function readRateLimit(node: YamlNode | undefined): WebConfig["rateLimit"] {
  if (!node) return undefined;
  const map = node.map();
  const burst = map.get("burst")?.integer() ?? 0;
  const intervalNode = map.get("interval");
  map.done("web.RateLimiterConfig");
  const text = intervalNode?.string() ?? "0";
  if (text === "0" || text === "0s") return undefined;
  try {
    return { burst, intervalMs: parseDuration(text) };
  } catch (error) {
    throw intervalNode!.error(`not a duration: ${JSON.stringify(text)}`, { code: CODE, cause: error });
  }
}

/** Reads the text of a file; relative paths in it are relative to the file. A UserError names place and remedy. */
export function parseWebConfig(text: string, file: string): WebConfig {
  const map = parseYaml(text, file).map();
  const http = map.get("http_server_config")?.map();
  const http2 = http?.get("http2")?.boolean() ?? true;
  const headers = readHeaders(http?.get("headers"));
  http?.done("web.HTTPConfig");
  const tlsNode = map.get("tls_server_config");
  const tls = tlsNode ? readTls(tlsNode, dirname(file), http2) : undefined;
  const rateLimit = readRateLimit(map.get("rate_limit"));
  const users = new Map<string, string>();
  for (const [name, hash] of map.get("basic_auth_users")?.entries() ?? []) users.set(name, checkHash(hash));
  map.done("web.Config");
  return { tls, http2, headers, users, rateLimit };
}

/** Reads and checks a file. A UserError says what is wrong with it. */
export function readWebConfig(file: string): WebConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, "web configuration file", error);
  }
  return parseWebConfig(text, file);
}

/** The error for a file that cannot be read, in Go's words for the commonest. */
export function unreadable(file: string, what: string, error: unknown): UserError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === "ENOENT" ? "no such file or directory" : message;
  return new UserError(CODE, `failed to read ${what} (${file}): ${reason}`, { where: { file }, cause: error });
}
