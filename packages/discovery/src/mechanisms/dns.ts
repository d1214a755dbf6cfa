/** dns_sd_configs: A, AAAA, SRV, MX and NS records as targets. */
import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, type TargetLabels } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";

type RecordType = "A" | "AAAA" | "SRV" | "MX" | "NS";

interface DnsConfig {
  names: string[];
  type: RecordType;
  port: number;
  /** ms */
  refreshInterval: number;
}

async function look(resolver: Resolver, name: string, { type, port }: DnsConfig): Promise<TargetLabels[]> {
  const target = (host: string, at: number, extra: TargetLabels = {}): TargetLabels => {
    const bare = host.replace(/\.$/, "");
    return { __address__: `${bare.includes(":") ? `[${bare}]` : bare}:${at}`, __meta_dns_name: name, ...extra };
  };
  switch (type) {
    case "A":
      return (await resolver.resolve4(name)).map((host) => target(host, port));
    case "AAAA":
      return (await resolver.resolve6(name)).map((host) => target(host, port));
    case "SRV":
      return (await resolver.resolveSrv(name)).map((record) =>
        target(record.name, record.port, {
          __meta_dns_srv_record_target: `${record.name}.`,
          __meta_dns_srv_record_port: String(record.port),
        }),
      );
    case "MX":
      return (await resolver.resolveMx(name)).map(({ exchange }) =>
        target(exchange, port, { __meta_dns_mx_record_target: `${exchange}.` }),
      );
    case "NS":
      return (await resolver.resolveNs(name)).map((host) =>
        target(host, port, { __meta_dns_ns_record_target: `${host}.` }),
      );
  }
}

export const dnsMechanism: Mechanism<DnsConfig> = {
  name: "dns",
  parse(node) {
    const map = node.map();
    const config: DnsConfig = {
      names: map.get("names")?.strings() ?? [],
      type: (map.get("type")?.string().toUpperCase() || "SRV") as RecordType,
      port: map.get("port")?.integer() ?? 0,
      refreshInterval: map.get("refresh_interval")?.duration() || 30_000,
    };
    map.done("dns.plain");
    if (config.names.length === 0)
      throw node.error("DNS-SD config must contain at least one SRV record name", { code: "discovery.config" });
    if (!["A", "AAAA", "SRV", "MX", "NS"].includes(config.type))
      throw node.error(`invalid DNS-SD records type ${config.type}`, { code: "discovery.config" });
    if (config.type !== "SRV" && config.port === 0)
      throw node.error("a port is required in DNS-SD configs for all record types except SRV", {
        code: "discovery.config",
      });
    return config;
  },
  async run(config, { update, explain, log }, signal) {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    while (!signal.aborted) {
      const reasons: string[] = [];
      for (const name of config.names) {
        try {
          update([{ source: name, labels: {}, targets: await look(resolver, name, config) }]);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          // The name is not there (any more): nothing is. Anything else says nothing about the targets.
          if (code === "ENOTFOUND" || code === "ENODATA") update([{ source: name, labels: {}, targets: [] }]);
          else log.error("Error refreshing DNS targets", { name, err: describeError(error) });
          reasons.push(`${name}: ${code ?? describeError(error)}`);
        }
      }
      explain(reasons.join("; "));
      await sleep(config.refreshInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
