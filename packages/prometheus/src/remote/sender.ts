/** The sender of remote write over this server's database and targets. */
import type { Logger, Registry } from "@pharos/kit";
import type { MetricMetadata } from "@pharos/model";
import { RemoteWriteSender } from "@pharos/remote";
import type { ScrapeManager } from "@pharos/scrape";
import type { Db } from "@pharos/tsdb";
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

/** A sender that reads the database's log; the log is kept for it as far as the budget goes. */
export function createSender(
  dir: string,
  db: Db,
  scrape: ScrapeManager,
  options: { log: Logger; registry: Registry; version: string; remoteWrite?: RemoteWriteOptions },
): RemoteWriteSender {
  const { log, registry, version, remoteWrite } = options;
  const sender = new RemoteWriteSender({
    dir,
    logDir: db.logDir,
    ready: db.replayed,
    logEnd: () => db.logEnd,
    log: log.with({ subsystem: "remote" }),
    registry,
    userAgent: `Prometheus/${version}`,
    flushMs: remoteWrite?.flushDeadlineMs ?? FLUSH_MS,
    logBudgetBytes: remoteWrite?.logBudgetBytes ?? LOG_BUDGET_BYTES,
    appended: () => db.appended,
    highestIn: () => db.appended.maxTime,
    metadata: () => targetMetadata(scrape),
  });
  db.holdLog(() => sender.heldSegment());
  return sender;
}
