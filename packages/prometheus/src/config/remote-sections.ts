/** The sections `remote_write`, `remote_read` and `otlp`. */
import type { YamlMap, YamlNode } from "@pharos/kit";
import type { NameScheme } from "@pharos/relabel";
import {
  type OtlpConfig,
  parseOtlpConfig,
  parseRemoteReadConfig,
  parseRemoteWriteConfig,
  type RemoteReadConfig,
  type RemoteWriteConfig,
} from "@pharos/remote";

export interface RemoteSections {
  remoteWrite: RemoteWriteConfig[];
  remoteRead: RemoteReadConfig[];
  otlp: OtlpConfig;
}

function named<T extends { name: string }>(
  node: YamlNode | undefined,
  kind: string,
  parse: (item: YamlNode) => T,
): T[] {
  const seen = new Set<string>();
  return (node?.items() ?? []).map((item) => {
    if (item.isNull) throw item.error(`empty or null remote ${kind} config section`, { code: "prometheus.config" });
    const config = parse(item);
    if (config.name !== "" && seen.has(config.name)) {
      throw item.error(`found multiple remote ${kind} configs with job name ${JSON.stringify(config.name)}`, {
        code: "prometheus.config",
      });
    }
    seen.add(config.name);
    return config;
  });
}

/** Throws a UserError at the place that is wrong. `nameScheme`: the global `metric_name_validation_scheme`. */
export function readRemoteSections(root: YamlMap, nameScheme: NameScheme = "utf8"): RemoteSections {
  return {
    remoteWrite: named(root.get("remote_write"), "write", (item) => parseRemoteWriteConfig(item, nameScheme)),
    remoteRead: named(root.get("remote_read"), "read", parseRemoteReadConfig),
    otlp: parseOtlpConfig(root.get("otlp"), nameScheme === "legacy"),
  };
}

/** Throws a UserError for a section that agent mode does not have, in upstream's words. */
export function refuseInAgentMode(root: YamlMap): void {
  const alerting = root.get("alerting");
  const filled = (node: YamlNode | undefined): boolean => (node?.items().length ?? 0) > 0;
  const alertingUsed =
    alerting && !alerting.isNull
      ? filled(alerting.map().get("alertmanagers")) || filled(alerting.map().get("alert_relabel_configs"))
      : false;
  for (const [key, used] of [
    ["alerting", alertingUsed],
    ["rule_files", filled(root.get("rule_files"))],
    ["remote_read", filled(root.get("remote_read"))],
  ] as const) {
    if (!used) continue;
    throw root.get(key)!.error(`field ${key} is not allowed in agent mode`, {
      code: "prometheus.config",
      fix: `Remove ${key}, or run without --agent`,
    });
  }
}
