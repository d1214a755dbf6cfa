/** The alerting section: who is told about alerts. */
import { parseSdConfigs, type SdConfig } from "@pharos/discovery";
import { type HttpClientConfig, parseHttpClientConfig, type YamlNode } from "@pharos/kit";
import { type NameScheme, parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";
import { parseSigV4, type SigV4Config } from "@pharos/remote";

export interface AlertmanagerSetConfig {
  scheme: string;
  pathPrefix: string;
  /** ms */
  timeout: number;
  http: HttpClientConfig;
  /** AWS signs the requests. */
  sigv4: SigV4Config | undefined;
  sdConfigs: SdConfig[];
  relabelConfigs: RelabelConfig[];
  alertRelabelConfigs: RelabelConfig[];
}

export interface AlertingConfig {
  alertRelabelConfigs: RelabelConfig[];
  alertmanagers: AlertmanagerSetConfig[];
}

/** Go prints a list of one name so. */
const API_VERSIONS = "[v2]";

function parseAlertmanagerSet(node: YamlNode, names: NameScheme): AlertmanagerSetConfig {
  const map = node.map();
  const version = map.get("api_version");
  if (version && version.string() !== "v2") {
    throw version.error(`expected Alertmanager api version to be one of ${API_VERSIONS} but got ${version.string()}`, {
      code: "prometheus.config",
      fix: "Remove api_version",
    });
  }
  const sigv4 = map.get("sigv4");
  const config: AlertmanagerSetConfig = {
    scheme: map.get("scheme")?.string() || "http",
    pathPrefix: map.get("path_prefix")?.string() ?? "",
    timeout: map.get("timeout")?.duration() || 10_000,
    sdConfigs: parseSdConfigs(map),
    http: parseHttpClientConfig(map),
    sigv4: sigv4 && !sigv4.isNull ? parseSigV4(sigv4) : undefined,
    relabelConfigs: parseRelabelConfigs(
      map.get("relabel_configs"),
      names,
      "empty or null Alertmanager target relabeling rule",
    ),
    alertRelabelConfigs: parseRelabelConfigs(
      map.get("alert_relabel_configs"),
      names,
      "empty or null Alertmanager alert relabeling rule",
    ),
  };
  map.done("config.plain");
  const { basicAuth, authorization, oauth2 } = config.http;
  if (config.sigv4 && (basicAuth || authorization || oauth2)) {
    throw sigv4!.error("at most one of basic_auth, authorization, oauth2, & sigv4 must be configured", {
      code: "prometheus.config",
    });
  }
  return config;
}

export function parseAlerting(node: YamlNode | undefined, names: NameScheme): AlertingConfig {
  const map = node?.map();
  const config: AlertingConfig = {
    alertRelabelConfigs: parseRelabelConfigs(
      map?.get("alert_relabel_configs"),
      names,
      "empty or null alert relabeling rule",
    ),
    alertmanagers: (map?.get("alertmanagers")?.items() ?? []).map((item) => parseAlertmanagerSet(item, names)),
  };
  map?.done("config.plain");
  return config;
}
