/** Metadata of remote write 1.0: all of it goes out every interval, in requests of their own. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@pharos/kit";
import type { MetricMetadata } from "@pharos/model";
import type { Store } from "./client.ts";
import type { RemoteWriteConfig } from "./config.ts";
import { RequestEncoder } from "./encode.ts";
import type { QueueMetrics } from "./metrics.ts";

type Entry = readonly [family: string, metadata: MetricMetadata];

export interface MetadataSource {
  config: RemoteWriteConfig;
  metrics: QueueMetrics;
  log: Logger;
  store(): Store;
  /** What targets say about metric families now. */
  metadata(): Iterable<Entry>;
}

/** Ends when the signal does. */
export async function sendMetadata(source: MetadataSource, signal: AbortSignal): Promise<void> {
  const { interval, maxSamplesPerSend } = source.config.metadata;
  const encoder = new RequestEncoder(1);
  while (!signal.aborted) {
    await sleep(interval, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const entries = [...source.metadata()];
    for (let at = 0; at < entries.length && !signal.aborted; at += maxSamplesPerSend) {
      await sendPart(source, encoder, entries.slice(at, at + maxSamplesPerSend), signal);
    }
  }
}

/** Repeats until it is taken or refused for good. */
async function sendPart(
  { config, metrics, log, store }: MetadataSource,
  encoder: RequestEncoder,
  part: readonly Entry[],
  signal: AbortSignal,
): Promise<void> {
  const { minBackoff, maxBackoff } = config.queue;
  const body = Buffer.from(encoder.metadata(part));
  let backoff = minBackoff;
  for (let attempt = 0; !signal.aborted; attempt++) {
    const started = performance.now();
    const result = await store()
      .store(body, attempt, signal)
      .catch(() => undefined);
    if (!result) return;
    metrics.duration.observe((performance.now() - started) / 1000);
    if (result.ok) {
      metrics.sent.metadata.inc(part.length);
      metrics.metadataBytes.inc(body.length);
      return;
    }
    if (!result.recoverable) {
      metrics.failed.metadata.inc(part.length);
      log.error("non-recoverable error while sending metadata", { count: part.length, err: result.message });
      return;
    }
    const wait = result.retryAfter > 0 ? result.retryAfter : backoff;
    await sleep(wait, undefined, { signal }).catch(() => {});
    metrics.retried.metadata.inc(part.length);
    backoff = Math.min(wait * 2, maxBackoff);
  }
}
