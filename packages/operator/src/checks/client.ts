/** Client settings of an object: what excludes each other, what belongs together, and whether TLS material can be read. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { AssetStore } from "../assets.ts";
import type { HttpClientConfig, OAuth2, ProxyConfig, SecretOrConfigMap, TlsConfig } from "../resources/common.ts";
import { invalid } from "./invalid.ts";

/** Where references are read. */
export interface ReferenceScope {
  namespace: string;
  assets: AssetStore;
}

/** Of these ways to authenticate at most one may be given. */
const AUTHENTICATION = ["authorization", "basicAuth", "bearerTokenSecret", "oauth2"] as const;

const TLS_VERSIONS = ["TLS10", "TLS11", "TLS12", "TLS13"];

function isGiven(reference: SecretOrConfigMap | undefined): boolean {
  return reference?.secret !== undefined || reference?.configMap !== undefined;
}

function checkAuthentication(config: HttpClientConfig, field: string): void {
  const used = AUTHENTICATION.filter((name) =>
    name === "bearerTokenSecret" ? Boolean(config.bearerTokenSecret?.name) : config[name] !== undefined,
  );
  if (used.length > 1) {
    throw invalid(`${field}.${used[1]}`, `${used[0]} and ${used[1]} exclude each other`, "Remove one of them");
  }
  if (config.authorization?.type?.trim().toLowerCase() === "basic") {
    throw invalid(`${field}.authorization.type`, "authorization cannot be of type Basic", "Use basicAuth");
  }
}

export function checkProxy(config: ProxyConfig, field: string): void {
  const environment = config.proxyFromEnvironment === true;
  const headers = Object.entries(config.proxyConnectHeader ?? {});
  if (headers.length > 0 && !environment && !config.proxyUrl) {
    throw invalid(`${field}.proxyConnectHeader`, "proxyConnectHeader needs proxyUrl or proxyFromEnvironment");
  }
  if (environment && config.proxyUrl) {
    throw invalid(`${field}.proxyUrl`, "proxyFromEnvironment and proxyUrl exclude each other", "Remove one of them");
  }
  if (environment && config.noProxy) {
    throw invalid(`${field}.noProxy`, "proxyFromEnvironment and noProxy exclude each other", "Remove one of them");
  }
  if (config.noProxy && !config.proxyUrl) throw invalid(`${field}.noProxy`, "noProxy needs proxyUrl");
  for (const [name, selectors] of headers) {
    if (selectors.length === 0) throw invalid(`${field}.proxyConnectHeader[${name}]`, "there is no value");
  }
}

function checkTlsShape(tls: TlsConfig, field: string): void {
  const pairs = [
    ["ca", "caFile", isGiven(tls.ca), tls.caFile],
    ["cert", "certFile", isGiven(tls.cert), tls.certFile],
    ["keySecret", "keyFile", tls.keySecret !== undefined, tls.keyFile],
  ] as const;
  for (const [reference, file, given, path] of pairs) {
    if (given && path) throw invalid(`${field}.${file}`, `${reference} and ${file} exclude each other`);
  }
  for (const name of ["ca", "cert"] as const) {
    if (tls[name]?.secret && tls[name].configMap) {
      throw invalid(`${field}.${name}`, "secret and configMap exclude each other", "Remove one of them");
    }
  }
  const cert = isGiven(tls.cert) || Boolean(tls.certFile);
  const key = tls.keySecret !== undefined || Boolean(tls.keyFile);
  if (cert !== key) {
    throw invalid(
      `${field}.${cert ? "keySecret" : "cert"}`,
      `there is a ${cert ? "certificate" : "key"} without ${cert ? "key" : "certificate"}`,
    );
  }
  const min = TLS_VERSIONS.indexOf(tls.minVersion ?? "");
  const max = TLS_VERSIONS.indexOf(tls.maxVersion ?? "");
  if (min >= 0 && max >= 0 && min > max) throw invalid(`${field}.minVersion`, "minVersion is above maxVersion");
}

/** Reads what a reference leads to; the message names the place, never the content. */
function parsePem<T>(text: string, field: string, what: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch {
    throw invalid(field, `what it refers to is no ${what} in PEM form`, "Put the whole file into the key");
  }
}

export function checkTls(tls: TlsConfig | undefined, { namespace, assets }: ReferenceScope, field: string): void {
  if (!tls) return;
  checkTlsShape(tls, field);
  if (assets.placeholders) return;
  const certificate = (text: string): X509Certificate => new X509Certificate(text);
  const ca = isGiven(tls.ca) ? assets.value(namespace, tls.ca ?? {}) : "";
  if (ca) parsePem(ca, `${field}.ca`, "certificate", certificate);
  if (!isGiven(tls.cert) || !tls.keySecret) return;
  const cert = assets.value(namespace, tls.cert ?? {});
  const key = assets.secret(namespace, tls.keySecret);
  if (!cert || !key) return;
  const parsed = parsePem(cert, `${field}.cert`, "certificate", certificate);
  const secret = parsePem(key, `${field}.keySecret`, "private key", createPrivateKey);
  if (!parsed.checkPrivateKey(secret)) {
    throw invalid(`${field}.keySecret`, "the private key does not belong to the certificate");
  }
}

function checkOAuth2(oauth2: OAuth2 | undefined, scope: ReferenceScope, field: string): void {
  if (!oauth2) return;
  if (!oauth2.tokenUrl) throw invalid(`${field}.tokenUrl`, "it is missing", "Give the URL tokens are fetched from");
  if (!isGiven(oauth2.clientId)) throw invalid(`${field}.clientId`, "it is missing", "Refer to a Secret or ConfigMap");
  checkTls(oauth2.tlsConfig, scope, `${field}.tlsConfig`);
  checkProxy(oauth2, field);
}

export function checkClient(config: HttpClientConfig, scope: ReferenceScope, field: string): void {
  checkAuthentication(config, field);
  checkProxy(config, field);
  checkTls(config.tlsConfig, scope, `${field}.tlsConfig`);
  checkOAuth2(config.oauth2, scope, `${field}.oauth2`);
}
