/** The alerting section: who is told about alerts. */
import { parseSdConfigs, type SdConfig } from "@pharos/discovery";
import { type HttpClientConfig, parseHttpClientConfig, type YamlNode } from "@pharos/kit";
import { type NameScheme, parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";

export interface AlertmanagerSetConfig {
  scheme: string;
  pathPrefix: string;
  /** ms */
  timeout: number;
  http: HttpClientConfig;
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
  if (sigv4 && !sigv4.isNull) {
    throw sigv4.error("sigv4 is not supported for Alertmanagers by this version of Pharos", {
      code: "prometheus.unsupported",
      fix: "Put a signing proxy in front of the Alertmanager and remove sigv4",
    });
  }
  const config: AlertmanagerSetConfig = {
    scheme: map.get("scheme")?.string() || "http",
    pathPrefix: map.get("path_prefix")?.string() ?? "",
    timeout: map.get("timeout")?.duration() || 10_000,
    sdConfigs: parseSdConfigs(map),
    http: parseHttpClientConfig(map),
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
