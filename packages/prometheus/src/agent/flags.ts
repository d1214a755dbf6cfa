/** What the flags of agent mode make of the options. */
import type { Features } from "../features.ts";
import { type PrometheusFlagValues, prometheusOptions } from "../flags.ts";
import type { PrometheusOptions } from "../options.ts";
import type { AgentOptions } from "./server.ts";

const TRUNCATE_MS = 2 * 3600_000;

/** `values`: flags that `checkMode` has found to be of agent mode. */
export function agentOptions(
  values: PrometheusFlagValues,
  features: Features,
): Omit<AgentOptions, "log" | "version" | "onQuit"> {
  const options: Omit<PrometheusOptions, "log" | "version" | "onQuit"> = prometheusOptions(values, features);
  return {
    ...options,
    storagePath: values["storage.agent.path"],
    storage: {
      lock: !values["storage.agent.no-lockfile"],
      walCompression: values["storage.agent.wal-compression"]
        ? (values["storage.agent.wal-compression-type"] as "snappy" | "zstd")
        : "none",
      storeStartTimestamps: features.has("st-storage"),
    },
    agent: {
      truncateMs: values["storage.agent.wal-truncate-frequency"] ?? TRUNCATE_MS,
      minAgeMs: values["storage.agent.retention.min-time"],
      maxAgeMs: values["storage.agent.retention.max-time"],
    },
  };
}
