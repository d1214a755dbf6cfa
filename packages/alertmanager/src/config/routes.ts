/** The routing tree: which receivers an alert goes to, and how alerts are grouped on the way. */
import type { YamlMap, YamlNode } from "@pharos/kit";
import { compileRe2, describeError, type Labels } from "@pharos/model";
import type { MatcherSyntax } from "../matcher/compat.ts";
import { AlertMatcher, compareMatchers, formatMatchers, matchAll } from "../matcher/matcher.ts";
import { configError } from "./fields.ts";

export interface Route {
  /** The matchers on the way to it; part of the group key, which survives restarts. Not unique. */
  key: string;
  /** Unique: the key and the place among its siblings at each step. */
  id: string;
  receiver: string;
  /** undefined: by all labels (`...`). */
  groupBy: string[] | undefined;
  /** ms, all three. */
  groupWait: number;
  groupInterval: number;
  repeatInterval: number;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  /** Templates; those of the way to it together. */
  labels: Record<string, string>;
  matchers: AlertMatcher[];
  continue: boolean;
  routes: Route[];
}

const DEFAULTS = { groupWait: 30_000, groupInterval: 300_000, repeatInterval: 4 * 3600_000 };
const CLASSIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function readMatcherList(node: YamlNode | undefined, syntax: MatcherSyntax): AlertMatcher[] {
  return (node?.items() ?? []).flatMap((item) => {
    try {
      return syntax.matchers(item.string(), "config");
    } catch (error) {
      throw item.error(describeError(error), { code: "alertmanager.matcher", cause: error });
    }
  });
}

/** Matchers of a route or of one side of an inhibition rule, also in the old spelling: maps of equalities and of patterns. */
export function readMatchers(map: YamlMap, prefix: "" | "source_" | "target_", syntax: MatcherSyntax): AlertMatcher[] {
  const out: AlertMatcher[] = [];
  for (const [name, value] of map.get(`${prefix}match`)?.entries() ?? []) {
    if (!CLASSIC_NAME.test(name)) throw configError(value, `invalid label name ${JSON.stringify(name)}`);
    out.push(new AlertMatcher("=", name, value.string()));
  }
  for (const [name, value] of map.get(`${prefix}match_re`)?.entries() ?? []) {
    if (!CLASSIC_NAME.test(name)) throw configError(value, `invalid label name ${JSON.stringify(name)}`);
    if (value.isNull) throw configError(value, `invalid regexp value for ${JSON.stringify(name)}`);
    try {
      compileRe2(`^(?:${value.string()})$`);
    } catch (error) {
      throw configError(value, describeError(error), error);
    }
    // Upstream keeps the anchored form of these, and so do the keys of groups that its log knows.
    out.push(new AlertMatcher("=~", name, `^(?:${value.string()})$`));
  }
  return [...out, ...readMatcherList(map.get(`${prefix}matchers`), syntax)].sort(compareMatchers);
}

function readGroupBy(node: YamlNode | undefined, syntax: MatcherSyntax): string[] | undefined {
  if (!node || node.isNull) return undefined;
  const given = node.strings();
  const names = given.filter((name) => name !== "...");
  const invalid = names.find((name) => !syntax.isLabelName(name));
  if (invalid !== undefined) throw configError(node, `invalid label name ${JSON.stringify(invalid)} in group_by list`);
  if (names.length > 0 && names.length < given.length)
    throw configError(node, "cannot have wildcard group_by (`...`) and other labels at the same time");
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw configError(node, `duplicated label ${JSON.stringify(twice)} in group_by`);
  return given;
}

function readInterval(map: YamlMap, name: string, mayBeZero: boolean): number | undefined {
  const node = map.get(name);
  if (!node || node.isNull) return undefined;
  const ms = node.duration();
  if (ms === 0 && !mayBeZero) throw configError(node, `${name} cannot be zero`);
  return ms;
}

/** Reads a route and those below it. What depends on the rest of the file is checked by `checkRoutes`. */
export function readRoute(node: YamlNode, syntax: MatcherSyntax, parent?: Route, position = 0): Route {
  const map = node.map();
  const groupBy = readGroupBy(map.get("group_by"), syntax);
  const matchers = readMatchers(map, "", syntax);
  const labels = map.get("labels")?.stringMap() ?? {};
  const invalid = Object.keys(labels).find((name) => !syntax.isLabelName(name));
  if (invalid !== undefined) throw configError(node, `invalid label name ${JSON.stringify(invalid)} in route labels`);
  const groupWait = readInterval(map, "group_wait", true);
  const groupInterval = readInterval(map, "group_interval", false);
  const repeatInterval = readInterval(map, "repeat_interval", false);
  const inherited = parent ?? { ...DEFAULTS, groupBy: [], labels: {}, receiver: "" };
  const own = formatMatchers(matchers);
  const route: Route = {
    key: parent ? `${parent.key}/${own}` : own,
    id: parent ? `${parent.id}/${own}/${position}` : own,
    receiver: map.get("receiver")?.string() || inherited.receiver,
    groupBy: groupBy === undefined ? inherited.groupBy : groupBy.includes("...") ? undefined : groupBy,
    groupWait: groupWait ?? inherited.groupWait,
    groupInterval: groupInterval ?? inherited.groupInterval,
    repeatInterval: repeatInterval ?? inherited.repeatInterval,
    muteTimeIntervals: map.get("mute_time_intervals")?.strings() ?? [],
    activeTimeIntervals: map.get("active_time_intervals")?.strings() ?? [],
    labels: { ...inherited.labels, ...labels },
    matchers,
    continue: map.get("continue")?.boolean() ?? false,
    routes: [],
  };
  route.routes = (map.get("routes")?.items() ?? []).map((child, i) => readRoute(child, syntax, route, i));
  map.done("config.plain");
  return route;
}

/** The rules that hold for the whole tree. */
export function checkRoutes(
  root: Route,
  node: YamlNode,
  receivers: ReadonlySet<string>,
  intervals: ReadonlySet<string>,
): void {
  if (root.receiver === "") throw configError(node, "root route must specify a default receiver");
  if (root.matchers.length > 0) throw configError(node, "root route must not have any matchers");
  if (root.muteTimeIntervals.length > 0) throw configError(node, "root route must not have any mute time intervals");
  if (root.activeTimeIntervals.length > 0)
    throw configError(node, "root route must not have any active time intervals");
  for (const { receiver } of allRoutes(root)) {
    if (!receivers.has(receiver))
      throw configError(node, `undefined receiver ${JSON.stringify(receiver)} used in route`);
  }
  for (const { activeTimeIntervals, muteTimeIntervals } of allRoutes(root)) {
    for (const name of [...activeTimeIntervals, ...muteTimeIntervals]) {
      if (!intervals.has(name))
        throw configError(node, `undefined time interval ${JSON.stringify(name)} used in route`);
    }
  }
  if (root.continue) throw configError(node, "cannot have continue in root route");
}

/** Routes an alert goes to: the deepest that match, the next siblings too where `continue` says so. */
export function matchRoutes(route: Route, labels: Labels): Route[] {
  if (!matchAll(route.matchers, labels)) return [];
  const found: Route[] = [];
  for (const child of route.routes) {
    const matched = matchRoutes(child, labels);
    found.push(...matched);
    if (matched.length > 0 && !child.continue) break;
  }
  return found.length > 0 ? found : [route];
}

/** Every route of the tree. */
export function* allRoutes(route: Route): Generator<Route> {
  yield route;
  for (const child of route.routes) yield* allRoutes(child);
}
