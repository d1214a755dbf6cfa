/** Routes and inhibition rules of an AlertmanagerConfig, with the namespace matcher the strategy asks for. */
import type { Yaml } from "../prometheus/http-client.ts";
import { atLeast, type VersionGate } from "../version.ts";
import { type Origin, prefixed } from "./scope.ts";

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

/** The version that brought `matchers`; before, equality and regular expressions stood in maps of their own. */
const MATCHERS_SINCE = "0.22.0";

interface Matching {
  matchers: string[];
  match: Record<string, string>;
  matchRe: Record<string, string>;
}

function matcherText({ name, value = "", matchType }: CrdMatcher): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
  return `${name}${matchType}"${escaped}"`;
}

function matching(list: readonly CrdMatcher[] | undefined, gate: VersionGate): Matching {
  const out: Matching = { matchers: [], match: {}, matchRe: {} };
  for (const matcher of list ?? []) {
    if (matcher.matchType || atLeast(gate.version, MATCHERS_SINCE)) {
      const matchType = matcher.matchType || (matcher.regex ? "=~" : "=");
      out.matchers.push(matcherText({ ...matcher, matchType }));
    } else {
      (matcher.regex ? out.matchRe : out.match)[matcher.name] = matcher.value ?? "";
    }
  }
  return out;
}

/** Lets only alerts of this namespace through. */
function restrict(to: Matching, namespace: string, gate: VersionGate): void {
  if (!atLeast(gate.version, MATCHERS_SINCE)) {
    to.match.namespace = namespace;
    return;
  }
  const text = matcherText({ name: "namespace", value: namespace, matchType: "=" });
  if (!to.matchers.some((other) => other.replaceAll(" ", "") === text)) to.matchers.push(text);
}

function write(out: Yaml, prefix: "" | "source_" | "target_", { matchers, match, matchRe }: Matching): void {
  if (matchers.length > 0) out[`${prefix}matchers`] = matchers;
  if (Object.keys(match).length > 0) out[`${prefix}match`] = match;
  if (Object.keys(matchRe).length > 0) out[`${prefix}match_re`] = matchRe;
}

/** `namespace`: only alerts of it pass; undefined when the strategy adds no such matcher. */
export function convertRoute(route: CrdRoute, origin: Origin, namespace: string | undefined, gate: VersionGate): Yaml {
  const out: Yaml = {};
  const receiver = prefixed(route.receiver, origin);
  if (receiver) out.receiver = receiver;
  if (route.groupBy?.length) out.group_by = route.groupBy;
  const found = matching(route.matchers, gate);
  if (namespace !== undefined) restrict(found, namespace, gate);
  write(out, "", found);
  if (route.continue) out.continue = true;
  if (route.routes?.length) out.routes = route.routes.map((child) => convertRoute(child, origin, undefined, gate));
  if (route.groupWait) out.group_wait = route.groupWait;
  if (route.groupInterval) out.group_interval = route.groupInterval;
  if (route.repeatInterval) out.repeat_interval = route.repeatInterval;
  const names = (list: readonly string[]) => list.map((name) => prefixed(name, origin) ?? "");
  if (route.muteTimeIntervals?.length) out.mute_time_intervals = names(route.muteTimeIntervals);
  if (route.activeTimeIntervals?.length) out.active_time_intervals = names(route.activeTimeIntervals);
  return out;
}

export function convertInhibitRule(rule: CrdInhibitRule, namespace: string | undefined, gate: VersionGate): Yaml {
  const source = matching(rule.sourceMatch, gate);
  const target = matching(rule.targetMatch, gate);
  if (namespace !== undefined) {
    for (const side of [source, target]) {
      delete side.matchRe.namespace;
      restrict(side, namespace, gate);
    }
  }
  const out: Yaml = {};
  write(out, "target_", target);
  write(out, "source_", source);
  if (rule.equal?.length) out.equal = rule.equal;
  return out;
}
