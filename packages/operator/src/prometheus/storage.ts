/** spec.tsdb, spec.retention and spec.exemplars → the storage section. */
import { UserError } from "@pharos/model";
import type { CommonPrometheusSpec, PrometheusSpec } from "../resources/prometheus.ts";
import { atLeast, type VersionGate } from "../version.ts";
import { quantityNumber } from "./endpoint.ts";
import type { Yaml } from "./http-client.ts";

/** Kept without any retention setting. */
export const DEFAULT_RETENTION = "24h";

/** From this version on retention stands in the configuration, before it is a flag. */
export const RETENTION_IN_CONFIG = "3.11.0";

function checkTsdb({ tsdb, enableFeatures }: CommonPrometheusSpec): void {
  const threshold = tsdb?.staleSeriesCompactionThreshold;
  if (threshold !== undefined && !(quantityNumber(threshold) >= 0 && quantityNumber(threshold) <= 1)) {
    throw new UserError("operator.invalid", `staleSeriesCompactionThreshold ${threshold} is not between 0 and 1`, {
      where: { field: "spec.tsdb.staleSeriesCompactionThreshold" },
      fix: "Write a fraction such as 0.5",
    });
  }
  if (tsdb?.chunkEncoding?.floats === "Xor" && enableFeatures?.includes("st-storage")) {
    throw new UserError("operator.invalid", "chunk encoding Xor is incompatible with the feature st-storage", {
      where: { field: "spec.tsdb.chunkEncoding.floats" },
      fix: "XOR chunks hold no start timestamps: use Xor2 or remove the feature",
    });
  }
}

function tsdbSettings({ tsdb }: CommonPrometheusSpec, gate: VersionGate, outOfOrderSince: string): Yaml {
  const out: Yaml = {};
  if (!tsdb) return out;
  const threshold = tsdb.staleSeriesCompactionThreshold;
  gate.set(out, "out_of_order_time_window", tsdb.outOfOrderTimeWindow || undefined, outOfOrderSince);
  gate.set(
    out,
    "stale_series_compaction_threshold",
    threshold === undefined ? undefined : quantityNumber(threshold),
    "3.10.0",
  );
  const floats = tsdb.chunkEncoding?.floats?.toLowerCase();
  gate.set(out, "chunk_encoding", floats ? { floats } : undefined, "3.13.0");
  return out;
}

export function storageSection(spec: PrometheusSpec, gate: VersionGate): Yaml {
  checkTsdb(spec);
  const tsdb = tsdbSettings(spec, gate, "2.39.0");
  const { retention, retentionSize } = spec;
  // In an older version it is not left out: the command line carries it.
  if (atLeast(gate.version, RETENTION_IN_CONFIG)) {
    const limits: Yaml = {};
    if (retention || !retentionSize) limits.time = retention || DEFAULT_RETENTION;
    if (retentionSize) limits.size = retentionSize;
    tsdb.retention = limits;
  }
  const out: Yaml = {};
  if (Object.keys(tsdb).length > 0) out.tsdb = tsdb;
  const exemplars = spec.exemplars?.maxSize;
  if (exemplars !== undefined) out.exemplars = { max_exemplars: exemplars };
  if (Object.keys(out).length === 0 || !gate.allows("storage", "2.29.0")) return {};
  return { storage: out };
}

export function agentStorageSection(spec: CommonPrometheusSpec, gate: VersionGate): Yaml {
  checkTsdb(spec);
  const tsdb = tsdbSettings(spec, gate, "2.54.0");
  return Object.keys(tsdb).length > 0 ? { storage: { tsdb } } : {};
}
