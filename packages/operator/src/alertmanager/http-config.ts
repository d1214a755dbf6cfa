/** httpConfig and tlsConfig of a receiver or of the global settings → http_config and tls_config. */
import type { Yaml } from "../prometheus/http-client.ts";
import type { HttpClientConfig, ProxyConfig, SecretOrConfigMap, TlsConfig } from "../resources/common.ts";
import type { AlertmanagerScope } from "./scope.ts";

/** AlertmanagerConfig spelt it proxyURL first and proxyUrl later; the older wins. */
export type ReceiverHttpConfig = HttpClientConfig & { proxyURL?: string };

export function receiverTls(tls: TlsConfig, namespace: string, { assets }: AlertmanagerScope): Yaml {
  const out: Yaml = { insecure_skip_verify: tls.insecureSkipVerify ?? false };
  const material = (key: string, reference: SecretOrConfigMap | undefined): void => {
    if (reference?.secret || reference?.configMap) out[key] = assets.file(namespace, reference);
  };
  material("ca_file", tls.ca);
  material("cert_file", tls.cert);
  material("key_file", tls.keySecret && { secret: tls.keySecret });
  if (tls.serverName) out.server_name = tls.serverName;
  if (tls.minVersion) out.min_version = tls.minVersion;
  if (tls.maxVersion) out.max_version = tls.maxVersion;
  return out;
}

function proxySettings(config: ProxyConfig & { proxyURL?: string }, namespace: string, scope: AlertmanagerScope): Yaml {
  const out: Yaml = {};
  const url = config.proxyURL || config.proxyUrl;
  if (url) out.proxy_url = url;
  if (config.noProxy) out.no_proxy = config.noProxy;
  if (config.proxyFromEnvironment) out.proxy_from_environment = true;
  const headers = Object.entries(config.proxyConnectHeader ?? {});
  if (headers.length > 0) {
    out.proxy_connect_header = Object.fromEntries(
      headers.map(([name, refs]) => [name, refs.map((ref) => scope.assets.secret(namespace, ref))]),
    );
  }
  return out;
}

function authentication(config: ReceiverHttpConfig, namespace: string, { assets }: AlertmanagerScope): Yaml {
  const out: Yaml = {};
  if (config.basicAuth) {
    const user: Yaml = {};
    const { username, password } = config.basicAuth;
    if (username) user.username = assets.secret(namespace, username);
    if (password) user.password = assets.secret(namespace, password);
    if (user.username || user.password) out.basic_auth = user;
  }
  if (config.authorization?.credentials) {
    const credentials = assets.secret(namespace, config.authorization.credentials);
    if (credentials) out.authorization = { type: config.authorization.type || "Bearer", credentials };
  }
  if (config.bearerTokenSecret) out.bearer_token = assets.secret(namespace, config.bearerTokenSecret);
  return out;
}

export function httpConfig(config: ReceiverHttpConfig, namespace: string, scope: AlertmanagerScope): Yaml {
  const out: Yaml = {
    ...proxySettings(config, namespace, scope),
    ...authentication(config, namespace, scope),
  };
  if (config.followRedirects !== undefined) out.follow_redirects = config.followRedirects;
  if (config.enableHttp2 !== undefined) out.enable_http2 = config.enableHttp2;
  if (config.tlsConfig) out.tls_config = receiverTls(config.tlsConfig, namespace, scope);
  if (config.oauth2) {
    const { clientId, clientSecret, tokenUrl, scopes, endpointParams, tlsConfig } = config.oauth2;
    const oauth2: Yaml = {
      client_id: scope.assets.value(namespace, clientId),
      client_secret: scope.assets.secret(namespace, clientSecret),
      token_url: tokenUrl,
    };
    if (scopes?.length) oauth2.scopes = scopes;
    if (endpointParams && Object.keys(endpointParams).length > 0) oauth2.endpoint_params = endpointParams;
    if (tlsConfig) oauth2.tls_config = receiverTls(tlsConfig, namespace, scope);
    out.oauth2 = { ...oauth2, ...proxySettings(config.oauth2, namespace, scope) };
  }
  return out;
}
