/**
 * Shards that were scaled away and keep their data: their StatefulSets run on, scrape nothing, and are deleted when their
 * time is over. When that is stands in an annotation, the one upstream uses.
 */
import type { KubeObject } from "@pharos/kube";
import { parseDuration } from "@pharos/model";
import { DEFAULT_RETENTION } from "../../prometheus/storage.ts";
import type { PrometheusSpec } from "../../resources/prometheus.ts";

export const DEADLINE = "operator.prometheus.io/deletion-deadline";
/** Go's zero time: kept for good. */
const NEVER = "0001-01-01T00:00:00Z";

export type ShardFate =
  /** To be deleted now. */
  | { delete: true }
  /** Runs on until then, in Unix ms; undefined: for good. `annotate`: what the StatefulSet is to be marked with first. */
  | { delete: false; until: number | undefined; annotate?: string };

/** How long data of a shard is of use, in ms; undefined where only its size is limited. */
function retentionOf({ shardRetentionPolicy, retention, retentionSize }: PrometheusSpec): number | undefined {
  const { retain } = shardRetentionPolicy ?? {};
  if (retain) return parseDuration(retain.retentionPeriod ?? "0s");
  if (retentionSize && !retention) return undefined;
  return parseDuration(retention || DEFAULT_RETENTION);
}

/** What becomes of the StatefulSet of a shard that is no longer wanted. `now` in Unix ms. */
export function fateOf(set: KubeObject, spec: PrometheusSpec, enabled: boolean, now: number): ShardFate {
  if (!enabled || spec.shardRetentionPolicy?.whenScaled !== "Retain") return { delete: true };
  const marked = set.metadata.annotations?.[DEADLINE];
  if (marked !== undefined) {
    const deadline = Date.parse(marked);
    // A mark nobody can read deletes nothing.
    if (marked === NEVER || Number.isNaN(deadline)) return { delete: false, until: undefined };
    return now > deadline ? { delete: true } : { delete: false, until: deadline };
  }
  const retention = retentionOf(spec);
  if (!retention) return { delete: false, until: undefined, annotate: NEVER };
  const until = now + retention;
  return { delete: false, until, annotate: new Date(until).toISOString().replace(/\.\d+Z$/, "Z") };
}
