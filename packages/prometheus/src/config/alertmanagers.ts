/** One entry of `alerting.alertmanagers`. */
import { parseSdConfigs, type SdConfig } from "@pharos/discovery";
import { type HttpClientConfig, parseHttpClientConfig, type YamlNode } from "@pharos/kit";
import { parseRelabelConfigs, type RelabelConfig } from "@pharos/relabel";

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

export function parseAlertmanagerSet(node: YamlNode): AlertmanagerSetConfig {
  const map = node.map();
  const version = map.get("api_version");
  if (version && !version.isNull && version.string() !== "v2") {
    throw version.error(`expected Alertmanager api version to be one of [v2] but got ${version.string()}`, {
      code: "prometheus.config",
      fix: "Remove api_version",
    });
  }
  const config: AlertmanagerSetConfig = {
    scheme: map.get("scheme")?.string() || "http",
    pathPrefix: map.get("path_prefix")?.string() ?? "",
    timeout: map.get("timeout")?.duration() || 10_000,
    http: parseHttpClientConfig(map),
    sdConfigs: parseSdConfigs(map),
    relabelConfigs: parseRelabelConfigs(map.get("relabel_configs")),
    alertRelabelConfigs: parseRelabelConfigs(map.get("alert_relabel_configs")),
  };
  map.done("config.plain");
  return config;
}
