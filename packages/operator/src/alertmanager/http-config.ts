/** httpConfig of a receiver → http_config. */
import type { AssetStore } from "../assets.ts";
import { authorization, basicAuth, oauth2, tlsConfig, type Yaml } from "../prometheus/http-client.ts";
import type { HttpClientConfig } from "../resources/types.ts";
import { DEFAULT_PROMETHEUS_VERSION, VersionGate } from "../version.ts";

/** AlertmanagerConfig spells it proxyURL or proxyUrl, by API version. */
type ReceiverHttpConfig = HttpClientConfig & { proxyURL?: string };

export function httpConfig(config: ReceiverHttpConfig, namespace: string, assets: AssetStore): Yaml {
  const scope = { namespace, assets, gate: new VersionGate(DEFAULT_PROMETHEUS_VERSION) };
  const out: Yaml = {
    ...authorization(config.authorization, scope),
    ...basicAuth(config.basicAuth, scope),
    // The version only gates what every Alertmanager knows; Alertmanager's own gates are in config.ts.
    ...oauth2(config.oauth2, scope),
    ...tlsConfig(config.tlsConfig, scope),
  };
  if (config.bearerTokenSecret?.name) {
    out.authorization = { type: "Bearer", credentials: assets.secret(namespace, config.bearerTokenSecret) };
  }
  const proxyUrl = config.proxyURL ?? config.proxyUrl;
  if (proxyUrl) out.proxy_url = proxyUrl;
  if (config.noProxy) out.no_proxy = config.noProxy;
  if (config.proxyFromEnvironment !== undefined) out.proxy_from_environment = config.proxyFromEnvironment;
  if (config.followRedirects !== undefined) out.follow_redirects = config.followRedirects;
  if (config.enableHttp2 !== undefined) out.enable_http2 = config.enableHttp2;
  return out;
}
