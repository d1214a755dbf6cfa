/** Scrape limits of a monitor under the instance's enforced ones (upstream's getLimit: the lower of both, 0 is none). */
import { parseBytes } from "@pharos/kit";
import type { PrometheusSpec, ScrapeLimits } from "../resources/types.ts";
import { atLeast } from "../version.ts";
import type { Yaml } from "./http-client.ts";

function lower(user: number | undefined, enforced: number | undefined, globalCarries: boolean): number | undefined {
  if (!enforced) return user;
  if (!user) return globalCarries ? undefined : enforced;
  return Math.min(user, enforced);
}

/** From this version on the global section carries the enforced limits for jobs that set none. */
const GLOBAL_LIMITS = "2.45.0";

export function limits(user: ScrapeLimits, prometheus: PrometheusSpec, version: string): Yaml {
  const carries = atLeast(version, GLOBAL_LIMITS);
  const out: Yaml = {};
  const set = (key: string, since: string, value: number | undefined): void => {
    if (value !== undefined && atLeast(version, since)) out[key] = value;
  };
  set("sample_limit", "0.0.0", lower(user.sampleLimit, prometheus.enforcedSampleLimit, carries));
  set("target_limit", "2.21.0", lower(user.targetLimit, prometheus.enforcedTargetLimit, carries));
  set("label_limit", "2.27.0", lower(user.labelLimit, prometheus.enforcedLabelLimit, carries));
  set(
    "label_name_length_limit",
    "2.27.0",
    lower(user.labelNameLengthLimit, prometheus.enforcedLabelNameLengthLimit, carries),
  );
  set(
    "label_value_length_limit",
    "2.27.0",
    lower(user.labelValueLengthLimit, prometheus.enforcedLabelValueLengthLimit, carries),
  );
  set("keep_dropped_targets", "2.47.0", lower(user.keepDroppedTargets, prometheus.enforcedKeepDroppedTargets, carries));
  const body = bodySize(user.bodySizeLimit, prometheus.enforcedBodySizeLimit, carries);
  if (body && atLeast(version, "2.28.0")) out.body_size_limit = body;
  return out;
}

function bodySize(user: string | undefined, enforced: string | undefined, globalCarries: boolean): string | undefined {
  if (!enforced) return user;
  if (!user) return globalCarries ? undefined : enforced;
  return parseBytes(user) < parseBytes(enforced) ? user : enforced;
}
