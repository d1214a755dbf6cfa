/** Routes and inhibition rules of an AlertmanagerConfig, with the namespace matcher the strategy asks for. */
import type { Yaml } from "../prometheus/http-client.ts";

export interface CrdMatcher {
  name: string;
  value?: string;
  matchType?: "=" | "!=" | "=~" | "!~" | "";
  regex?: boolean;
}

export interface CrdRoute {
  receiver?: string;
  groupBy?: string[];
  groupWait?: string;
  groupInterval?: string;
  repeatInterval?: string;
  matchers?: CrdMatcher[];
  continue?: boolean;
  routes?: CrdRoute[];
  muteTimeIntervals?: string[];
  activeTimeIntervals?: string[];
}

export interface CrdInhibitRule {
  sourceMatch?: CrdMatcher[];
  targetMatch?: CrdMatcher[];
  equal?: string[];
}

/** A matcher that only alerts of this namespace pass; undefined when the strategy adds none. */
export type NamespaceMatcher = CrdMatcher | undefined;

function matcherText({ name, value = "", matchType, regex }: CrdMatcher): string {
  return `${name}${matchType || (regex ? "=~" : "=")}${JSON.stringify(value)}`;
}

export function convertRoute(route: CrdRoute, prefix: string, namespace: NamespaceMatcher, top: boolean): Yaml {
  const out: Yaml = {};
  if (route.receiver) out.receiver = prefix + route.receiver;
  if (route.groupBy?.length) out.group_by = route.groupBy;
  const matchers = [...(top && namespace ? [namespace] : []), ...(route.matchers ?? [])].map(matcherText);
  if (matchers.length > 0) out.matchers = matchers;
  if (top || route.continue) out.continue = true;
  if (route.routes?.length) out.routes = route.routes.map((child) => convertRoute(child, prefix, undefined, false));
  if (route.groupWait) out.group_wait = route.groupWait;
  if (route.groupInterval) out.group_interval = route.groupInterval;
  if (route.repeatInterval) out.repeat_interval = route.repeatInterval;
  if (route.muteTimeIntervals?.length) out.mute_time_intervals = route.muteTimeIntervals.map((name) => prefix + name);
  if (route.activeTimeIntervals?.length)
    out.active_time_intervals = route.activeTimeIntervals.map((name) => prefix + name);
  return out;
}

export function convertInhibitRule(rule: CrdInhibitRule, namespace: NamespaceMatcher): Yaml {
  const side = (matchers: CrdMatcher[] | undefined): string[] =>
    [...(namespace ? [namespace] : []), ...(matchers ?? [])].map(matcherText).sort();
  const out: Yaml = {};
  const target = side(rule.targetMatch);
  if (target.length > 0) out.target_matchers = target;
  const source = side(rule.sourceMatch);
  if (source.length > 0) out.source_matchers = source;
  if (rule.equal?.length) out.equal = rule.equal;
  return out;
}
