/** The sender of remote write over this server's database and targets. */
import type { Logger, Registry } from "@pharos/kit";
import type { MetricMetadata } from "@pharos/model";
import { RemoteWriteSender } from "@pharos/remote";
import type { ScrapeManager } from "@pharos/scrape";
import type { LogPosition } from "@pharos/tsdb";
import type { Features } from "../features.ts";
import type { RemoteWriteOptions } from "../options.ts";

const FLUSH_MS = 60_000;
export const LOG_BUDGET_BYTES = 8 * 2 ** 30;

/** What targets say about each family, each different statement once. */
export function* targetMetadata(scrape: ScrapeManager): Generator<readonly [string, MetricMetadata]> {
  const seen = new Set<string>();
  for (const { metric, metadata } of scrape.metadata()) {
    const key = `${metric}\u00ff${metadata.type}\u00ff${metadata.unit}\u00ff${metadata.help}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield [metric, metadata];
  }
}

/** A write-ahead log to send, a database's or an agent's. */
export interface LogSource {
  readonly logDir: string;
  readonly logEnd: LogPosition;
  readonly appended: { samples: number; histograms: number; exemplars: number; maxTime: number };
  /** Resolves when nobody mends the log any more; at once when absent. */
  readonly replayed?: Promise<void>;
}

/** A sender that reads a log; give its `heldSegment` to who shortens the log. */
export function createSender(
  dir: string,
  source: LogSource,
  scrape: ScrapeManager,
  options: {
    log: Logger;
    registry: Registry;
    version: string;
    remoteWrite?: RemoteWriteOptions;
    features?: Features;
  },
): RemoteWriteSender {
  const { log, registry, version, remoteWrite, features } = options;
  return new RemoteWriteSender({
    dir,
    logDir: source.logDir,
    ready: source.replayed ?? Promise.resolve(),
    logEnd: () => source.logEnd,
    log: log.with({ subsystem: "remote" }),
    registry,
    userAgent: `Prometheus/${version}`,
    flushMs: remoteWrite?.flushDeadlineMs ?? FLUSH_MS,
    logBudgetBytes: remoteWrite?.logBudgetBytes ?? LOG_BUDGET_BYTES,
    appended: () => source.appended,
    highestIn: () => source.appended.maxTime,
    metadata: () => targetMetadata(scrape),
    typeAndUnitLabels: features?.has("type-and-unit-labels") ?? false,
  });
}
