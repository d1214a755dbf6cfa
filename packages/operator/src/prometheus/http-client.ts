/** Authentication, TLS and proxy settings of a resource as keys of prometheus.yml, in upstream's order. */
import type { AssetStore } from "../assets.ts";
import type { Authorization, BasicAuth, HttpClientConfig, OAuth2, ProxyConfig, TlsConfig } from "../resources/types.ts";
import { atLeast } from "../version.ts";

export type Yaml = Record<string, unknown>;

export function tlsConfig(tls: TlsConfig | undefined, namespace: string, assets: AssetStore, version: string): Yaml {
  if (!tls) return {};
  const out: Yaml = {};
  if (tls.insecureSkipVerify !== undefined) out.insecure_skip_verify = tls.insecureSkipVerify;
  const ca = tls.caFile || (tls.ca && assets.file(namespace, tls.ca));
  if (ca) out.ca_file = ca;
  const cert = tls.certFile || (tls.cert && assets.file(namespace, tls.cert));
  if (cert) out.cert_file = cert;
  const key = tls.keyFile || (tls.keySecret && assets.file(namespace, { secret: tls.keySecret }));
  if (key) out.key_file = key;
  if (tls.serverName) out.server_name = tls.serverName;
  if (tls.minVersion && atLeast(version, "2.35.0")) out.min_version = tls.minVersion;
  if (tls.maxVersion && atLeast(version, "2.41.0")) out.max_version = tls.maxVersion;
  return { tls_config: out };
}

export function basicAuth(auth: BasicAuth | undefined, namespace: string, assets: AssetStore): Yaml {
  if (!auth) return {};
  const out: Yaml = {};
  if (auth.username) out.username = assets.secret(namespace, auth.username);
  if (auth.password) out.password = assets.secret(namespace, auth.password);
  return { basic_auth: out };
}

export function authorization(auth: Authorization | undefined, namespace: string, assets: AssetStore): Yaml {
  if (!auth) return {};
  const out: Yaml = { type: auth.type?.trim() || "Bearer" };
  if (auth.credentials?.name) out.credentials = assets.secret(namespace, auth.credentials);
  if (auth.credentialsFile) out.credentials_file = auth.credentialsFile;
  return { authorization: out };
}

export function oauth2(auth: OAuth2 | undefined, namespace: string, assets: AssetStore, version: string): Yaml {
  if (!auth || !atLeast(version, "2.27.0")) return {};
  const out: Yaml = {
    client_id: assets.value(namespace, auth.clientId),
    client_secret: assets.secret(namespace, auth.clientSecret),
    token_url: auth.tokenUrl,
  };
  if (auth.scopes?.length) out.scopes = auth.scopes;
  if (auth.endpointParams && Object.keys(auth.endpointParams).length > 0) out.endpoint_params = auth.endpointParams;
  return {
    oauth2: {
      ...out,
      ...proxy(auth, namespace, assets, version),
      ...tlsConfig(auth.tlsConfig, namespace, assets, version),
    },
  };
}

export function proxy(config: ProxyConfig, namespace: string, assets: AssetStore, version: string): Yaml {
  const out: Yaml = {};
  if (config.proxyUrl) out.proxy_url = config.proxyUrl;
  if (!atLeast(version, "2.43.0")) return out;
  if (config.noProxy) out.no_proxy = config.noProxy;
  if (config.proxyFromEnvironment !== undefined) out.proxy_from_environment = config.proxyFromEnvironment;
  if (config.proxyConnectHeader && Object.keys(config.proxyConnectHeader).length > 0) {
    out.proxy_connect_header = Object.fromEntries(
      Object.entries(config.proxyConnectHeader)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, refs]) => [name, refs.map((ref) => assets.secret(namespace, ref))]),
    );
  }
  return out;
}

/** Everything about the client of a scrape endpoint that comes after scheme and redirects. */
export function httpClient(config: HttpClientConfig, namespace: string, assets: AssetStore, version: string): Yaml {
  const out: Yaml = {
    ...proxy(config, namespace, assets, version),
    ...oauth2(config.oauth2, namespace, assets, version),
    ...tlsConfig(config.tlsConfig, namespace, assets, version),
  };
  if (config.bearerTokenFile) out.bearer_token_file = config.bearerTokenFile;
  if (config.bearerTokenSecret?.name) out.bearer_token = assets.secret(namespace, config.bearerTokenSecret);
  return {
    ...out,
    ...basicAuth(config.basicAuth, namespace, assets),
    ...authorization(config.authorization, namespace, assets),
  };
}
