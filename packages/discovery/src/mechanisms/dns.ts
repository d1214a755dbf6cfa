/** dns_sd_configs: A, AAAA, SRV, MX and NS records as targets. */
import { Resolver } from "node:dns/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, type TargetLabels } from "@pharos/model";
import type { Mechanism } from "../mechanism.ts";
import { candidateNames, readResolvConf } from "./resolv-conf.ts";

const TYPES = ["SRV", "A", "AAAA", "MX", "NS"] as const;
type RecordType = (typeof TYPES)[number];

interface DnsConfig {
  names: string[];
  type: RecordType;
  port: number;
  /** ms */
  refreshInterval: number;
}

const withoutDot = (host: string): string => host.replace(/\.$/, "");

function hostPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : withoutDot(host)}:${port}`;
}

/** The targets a name has; throws what node:dns throws. */
async function ask(resolver: Resolver, name: string, { type, port }: DnsConfig): Promise<TargetLabels[]> {
  switch (type) {
    case "A":
      return (await resolver.resolve4(name)).map((host) => ({ __address__: hostPort(host, port) }));
    case "AAAA":
      return (await resolver.resolve6(name)).map((host) => ({ __address__: hostPort(host, port) }));
    case "SRV":
      return (await resolver.resolveSrv(name)).map((record) => ({
        __address__: hostPort(record.name, record.port),
        __meta_dns_srv_record_target: `${withoutDot(record.name)}.`,
        __meta_dns_srv_record_port: String(record.port),
      }));
    case "MX":
      return (await resolver.resolveMx(name)).map(({ exchange }) => ({
        __address__: hostPort(exchange, port),
        __meta_dns_mx_record_target: `${withoutDot(exchange)}.`,
      }));
    case "NS":
      return (await resolver.resolveNs(name)).map((host) => ({
        __address__: hostPort(host, port),
        __meta_dns_ns_record_target: `${withoutDot(host)}.`,
      }));
  }
}

/**
 * The first form of the name the DNS knows answers, perhaps with no records. All forms unknown: there are none. When a
 * server could not tell for one of them, nothing is known: throws, and what was found before stays.
 */
async function look(resolver: Resolver, name: string, config: DnsConfig): Promise<TargetLabels[]> {
  let failure: unknown;
  for (const candidate of candidateNames(name, readResolvConf())) {
    try {
      return await ask(resolver, candidate, config);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENODATA") return [];
      if (code !== "ENOTFOUND") failure = error;
    }
  }
  if (failure) throw failure;
  return [];
}

export const dnsMechanism: Mechanism<DnsConfig> = {
  name: "dns",
  parse(node) {
    const map = node.map();
    const type = map.get("type")?.string() || "SRV";
    const config: DnsConfig = {
      names: map.get("names")?.strings() ?? [],
      type: type.toUpperCase() as RecordType,
      port: map.get("port")?.integer() ?? 0,
      refreshInterval: map.get("refresh_interval")?.duration() || 30_000,
    };
    map.done("dns.plain");
    const fail = (message: string) => node.error(message, { code: "discovery.config" });
    if (config.names.length === 0) throw fail("DNS-SD config must contain at least one SRV record name");
    if (!TYPES.includes(config.type)) throw fail(`invalid DNS-SD records type ${type}`);
    if (config.type !== "SRV" && config.port === 0) {
      throw fail("a port is required in DNS-SD configs for all record types except SRV");
    }
    return config;
  },
  async run(config, { update, explain, log, metrics, refreshFailed, refreshed }, signal) {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    signal.addEventListener("abort", () => resolver.cancel(), { once: true });
    while (!signal.aborted) {
      const started = performance.now();
      const results = await Promise.all(
        config.names.map(async (name) => {
          metrics.dnsLookups.inc();
          try {
            const found = await look(resolver, name, config);
            const targets = found.map((target) => ({ ...target, __meta_dns_name: name }));
            update([{ source: name, labels: {}, targets }]);
            return targets.length === 0 ? `${name} has no ${config.type} records` : "";
          } catch (error) {
            if (signal.aborted) return "";
            metrics.dnsLookupFailures.inc();
            refreshFailed();
            log.error("Error refreshing DNS targets", { name, err: describeError(error) });
            return `${name}: ${describeError(error)}`;
          }
        }),
      );
      refreshed((performance.now() - started) / 1000);
      explain(results.filter((reason) => reason !== "").join("; "));
      await sleep(config.refreshInterval, undefined, { signal, ref: false }).catch(() => {});
    }
  },
};
