/** Scrape limits of a monitor under the instance's enforced ones (upstream's getLimit: the lower of both, 0 is none). */
import { parseBytes } from "@pharos/kit";
import type { ScrapeLimits } from "../resources/common.ts";
import type { CommonPrometheusSpec } from "../resources/prometheus.ts";
import { atLeast, type VersionGate } from "../version.ts";
import type { Yaml } from "./http-client.ts";

/** A limit's key in prometheus.yml, its two fields in the resources, and the version that brought it. */
const LIMITS = [
  ["sample_limit", "sampleLimit", "enforcedSampleLimit", undefined],
  ["target_limit", "targetLimit", "enforcedTargetLimit", "2.21.0"],
  ["label_limit", "labelLimit", "enforcedLabelLimit", "2.27.0"],
  ["label_name_length_limit", "labelNameLengthLimit", "enforcedLabelNameLengthLimit", "2.27.0"],
  ["label_value_length_limit", "labelValueLengthLimit", "enforcedLabelValueLengthLimit", "2.27.0"],
  ["keep_dropped_targets", "keepDroppedTargets", "enforcedKeepDroppedTargets", "2.47.0"],
] as const;

/** From this version on the global section carries the enforced limits for jobs that set none. */
const GLOBAL_LIMITS = "2.45.0";

function lower(user: number | undefined, enforced: number | undefined, globalCarries: boolean): number | undefined {
  if (!enforced) return user;
  if (!user) return globalCarries ? undefined : enforced;
  return Math.min(user, enforced);
}

function lowerBodySize(user: string | undefined, enforced: string | undefined): string | undefined {
  if (!enforced || !user) return user || enforced;
  return parseBytes(user) > parseBytes(enforced) ? enforced : user;
}

/** The limits of one job. */
export function limits(user: ScrapeLimits, prometheus: CommonPrometheusSpec, gate: VersionGate): Yaml {
  const carries = atLeast(gate.version, GLOBAL_LIMITS);
  const out: Yaml = {};
  for (const [key, field, enforced, since] of LIMITS) {
    gate.set(out, key, lower(user[field], prometheus[enforced], carries), since);
  }
  gate.set(out, "body_size_limit", lowerBodySize(user.bodySizeLimit, prometheus.enforcedBodySizeLimit), "2.28.0");
  return out;
}

/** Limits that hold for every job which sets none of its own. */
export function globalLimits(spec: CommonPrometheusSpec, gate: VersionGate): Yaml {
  const out: Yaml = {};
  for (const [key, field, enforced, since] of LIMITS) {
    const value = lower(spec[field] || undefined, spec[enforced], false);
    gate.set(out, key, value || undefined, key === "keep_dropped_targets" ? since : GLOBAL_LIMITS);
  }
  gate.set(out, "body_size_limit", spec.bodySizeLimit || spec.enforcedBodySizeLimit || undefined, GLOBAL_LIMITS);
  return out;
}
