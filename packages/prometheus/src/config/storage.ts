/** The storage section: what of the database may change while it runs. */
import { parseBytes, type YamlMap, type YamlNode } from "@pharos/kit";

export interface StorageConfig {
  /** 0 or less keeps none. */
  maxExemplars: number;
  /** undefined leaves the command line's value. */
  retention: { timeMs?: number; bytes?: number; percentage?: number };
  /** How far behind the newest sample late ones are taken, ms. */
  outOfOrderTimeWindowMs: number;
  /** Share of stale series, 0 to 1, from which on they are compacted away at once; 0 is never. */
  staleSeriesCompactionThreshold: number;
  /** undefined leaves what the feature flags say. */
  floatEncoding: "xor" | "xor2" | undefined;
}

const DEFAULT_MAX_EXEMPLARS = 100_000;

const fault = (node: YamlNode, message: string) => node.error(message, { code: "prometheus.config" });

function readRetention(map: YamlMap | undefined): StorageConfig["retention"] {
  const retention: StorageConfig["retention"] = {};
  const time = map?.get("time");
  const size = map?.get("size");
  const percentage = map?.get("percentage");
  if (time) retention.timeMs = time.duration();
  if (size) {
    const text = size.string();
    if (text.startsWith("-")) {
      throw fault(
        size,
        `'storage.tsdb.retention.size' must be greater than or equal to 0, got ${text.replace("GB", "GiB")}`,
      );
    }
    retention.bytes = parseBytes(text);
  }
  if (percentage) {
    const share = percentage.number();
    if (share < 0 || share > 100) {
      throw fault(percentage, `'storage.tsdb.retention.percentage' must be in the range [0, 100], got ${share}`);
    }
    retention.percentage = share;
  }
  map?.done("config.plain");
  return retention;
}

function readFloatEncoding(map: YamlMap | undefined): StorageConfig["floatEncoding"] {
  const node = map?.get("floats");
  map?.done("config.ChunkEncodingConfig");
  const name = node?.string() ?? "";
  if (name === "") return undefined;
  if (name === "xor" || name === "xor2") return name;
  throw fault(
    node!,
    `'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, got ${JSON.stringify(name)}`,
  );
}

export function parseStorage(node: YamlNode | undefined): StorageConfig {
  const map = node?.map();
  const tsdb = map?.get("tsdb")?.map();
  const exemplarsNode = map?.get("exemplars");
  const exemplars = exemplarsNode?.isNull ? undefined : exemplarsNode?.map();
  const storage: StorageConfig = {
    maxExemplars: exemplars?.get("max_exemplars")?.integer() ?? (exemplars ? 0 : DEFAULT_MAX_EXEMPLARS),
    retention: readRetention(tsdb?.get("retention")?.map()),
    outOfOrderTimeWindowMs: tsdb?.get("out_of_order_time_window")?.duration() ?? 0,
    staleSeriesCompactionThreshold: tsdb?.get("stale_series_compaction_threshold")?.number() ?? 0,
    floatEncoding: readFloatEncoding(tsdb?.get("chunk_encoding")?.map()),
  };
  tsdb?.done("config.plain");
  exemplars?.done("config.ExemplarsConfig");
  map?.done("config.StorageConfig");
  return storage;
}
