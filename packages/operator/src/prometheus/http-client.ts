/** Authentication, TLS and proxy settings of a resource as keys of prometheus.yml. */
import type { AssetStore } from "../assets.ts";
import type {
  Authorization,
  BasicAuth,
  HttpClientConfig,
  OAuth2,
  ProxyConfig,
  SecretOrConfigMap,
  Sigv4,
  TlsConfig,
} from "../resources/common.ts";
import type { VersionGate } from "../version.ts";

export type Yaml = Record<string, unknown>;

/** Whose references are read, for which version, and how TLS material reaches the reader. */
export interface ClientScope {
  /** Namespace of the object that refers to Secrets and ConfigMaps. */
  namespace: string;
  assets: AssetStore;
  gate: VersionGate;
  /** TLS material stands in the configuration itself instead of in files beside it. */
  inlineTls?: boolean;
}

function isSet(reference: SecretOrConfigMap | undefined): reference is SecretOrConfigMap {
  return reference?.secret !== undefined || reference?.configMap !== undefined;
}

export function tlsConfig(tls: TlsConfig | undefined, scope: ClientScope): Yaml {
  if (!tls) return {};
  const { namespace, assets, gate, inlineTls } = scope;
  const out: Yaml = {};
  gate.set(out, "insecure_skip_verify", tls.insecureSkipVerify);
  const material = (key: "ca" | "cert" | "key", reference: SecretOrConfigMap | undefined, file: string | undefined) => {
    if (isSet(reference)) {
      if (inlineTls) out[key] = assets.value(namespace, reference);
      else out[`${key}_file`] = assets.file(namespace, reference);
    }
    if (file) out[`${key}_file`] = file;
  };
  material("ca", tls.ca, tls.caFile);
  material("cert", tls.cert, tls.certFile);
  material("key", tls.keySecret && { secret: tls.keySecret }, tls.keyFile);
  if (tls.serverName) out.server_name = tls.serverName;
  gate.set(out, "min_version", tls.minVersion, "2.35.0");
  gate.set(out, "max_version", tls.maxVersion, "2.41.0");
  return { tls_config: out };
}

export function basicAuth(auth: BasicAuth | undefined, { namespace, assets }: ClientScope): Yaml {
  if (!auth) return {};
  const out: Yaml = {};
  if (auth.username) out.username = assets.secret(namespace, auth.username);
  if (auth.password) out.password = assets.secret(namespace, auth.password);
  return { basic_auth: out };
}

export function authorization(auth: Authorization | undefined, { namespace, assets, gate }: ClientScope): Yaml {
  if (!auth || !gate.allows("authorization", "2.26.0")) return {};
  const out: Yaml = { type: auth.type?.trim() || "Bearer" };
  if (auth.credentials?.name) out.credentials = assets.secret(namespace, auth.credentials);
  if (auth.credentialsFile) out.credentials_file = auth.credentialsFile;
  return { authorization: out };
}

export function oauth2(auth: OAuth2 | undefined, scope: ClientScope): Yaml {
  const { namespace, assets, gate } = scope;
  if (!auth || !gate.allows("oauth2", "2.27.0")) return {};
  const out: Yaml = {
    client_id: assets.value(namespace, auth.clientId),
    client_secret: assets.secret(namespace, auth.clientSecret),
    token_url: auth.tokenUrl,
  };
  if (auth.scopes?.length) out.scopes = auth.scopes;
  if (auth.endpointParams && Object.keys(auth.endpointParams).length > 0) out.endpoint_params = auth.endpointParams;
  const client = { ...proxy(auth, scope), ...tlsConfig(auth.tlsConfig, scope) };
  for (const [key, value] of Object.entries(client)) gate.set(out, key, value, "2.43.0");
  return { oauth2: out };
}

export function proxy(config: ProxyConfig, { namespace, assets, gate }: ClientScope): Yaml {
  const out: Yaml = {};
  if (config.proxyUrl) out.proxy_url = config.proxyUrl;
  if (config.noProxy) gate.set(out, "no_proxy", config.noProxy, "2.43.0");
  gate.set(out, "proxy_from_environment", config.proxyFromEnvironment, "2.43.0");
  const headers = Object.entries(config.proxyConnectHeader ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (headers.length > 0 && gate.allows("proxy_connect_header", "2.43.0")) {
    out.proxy_connect_header = Object.fromEntries(
      headers.map(([name, refs]) => [name, refs.map((ref) => assets.secret(namespace, ref))]),
    );
  }
  return out;
}

/** `since`: the version from which on the surrounding section knows the section. */
export function sigv4(config: Sigv4 | undefined, { namespace, assets, gate }: ClientScope, since: string): Yaml {
  if (!config || !gate.allows("sigv4", since)) return {};
  const out: Yaml = {};
  if (config.region) out.region = config.region;
  if (config.accessKey && config.secretKey) {
    const access = assets.secret(namespace, config.accessKey);
    const secret = assets.secret(namespace, config.secretKey);
    if (access && secret) Object.assign(out, { access_key: access, secret_key: secret });
  }
  if (config.profile) out.profile = config.profile;
  if (config.roleArn) out.role_arn = config.roleArn;
  if (config.externalId) gate.set(out, "external_id", config.externalId, "3.11.0");
  gate.set(out, "use_fips_sts_endpoint", config.useFIPSSTSEndpoint, "2.54.0");
  return { sigv4: out };
}

/** The deprecated ways to give a bearer token. */
function bearerToken(config: HttpClientConfig, { namespace, assets }: ClientScope): Yaml {
  const out: Yaml = {};
  if (config.bearerToken) out.bearer_token = config.bearerToken;
  if (config.bearerTokenFile) out.bearer_token_file = config.bearerTokenFile;
  if (config.bearerTokenSecret?.name) out.bearer_token = assets.secret(namespace, config.bearerTokenSecret);
  return out;
}

/** Everything about the client of an endpoint: redirects, HTTP/2, proxy, TLS and authentication. */
export function httpClient(config: HttpClientConfig, scope: ClientScope): Yaml {
  const out: Yaml = {};
  scope.gate.set(out, "follow_redirects", config.followRedirects, "2.26.0");
  scope.gate.set(out, "enable_http2", config.enableHttp2, "2.35.0");
  return {
    ...out,
    ...proxy(config, scope),
    ...oauth2(config.oauth2, scope),
    ...tlsConfig(config.tlsConfig, scope),
    ...bearerToken(config, scope),
    ...basicAuth(config.basicAuth, scope),
    ...authorization(config.authorization, scope),
  };
}
