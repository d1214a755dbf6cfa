/** The routing tree: which receivers an alert goes to, and how alerts are grouped on the way. */
import type { YamlNode } from "@pharos/kit";
import type { Labels } from "@pharos/model";
import { type AlertMatcher, matchAll } from "../matcher/matcher.ts";
import { readMatchers } from "./config.ts";
import type { Receiver } from "./receivers.ts";
import type { TimeInterval } from "./time-intervals.ts";

export interface Route {
  /** Identity of the route within the tree: the matchers on the way to it and its place among its siblings. */
  key: string;
  receiver: string;
  /** undefined: by all labels (`...`). */
  groupBy: string[] | undefined;
  /** ms, all three. */
  groupWait: number;
  groupInterval: number;
  repeatInterval: number;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  matchers: AlertMatcher[];
  continue: boolean;
  routes: Route[];
}

const DEFAULTS = { groupWait: 30_000, groupInterval: 300_000, repeatInterval: 4 * 3600_000 };

export function readRoute(
  node: YamlNode,
  parent: Route | undefined,
  receivers: ReadonlyMap<string, Receiver>,
  intervals: ReadonlyMap<string, TimeInterval>,
  position = 0,
): Route {
  const map = node.map();
  const positive = (name: string, fallback: number): number => {
    const value = map.get(name);
    if (!value || value.isNull) return fallback;
    const ms = value.duration();
    if (ms === 0 && name !== "group_wait") throw value.error(`${name} cannot be zero`, { code: "alertmanager.config" });
    return ms;
  };
  const names = map.get("group_by")?.strings();
  if (names && new Set(names).size !== names.length)
    throw map.get("group_by")!.error("duplicated label in group_by", { code: "alertmanager.config" });
  if (names?.includes("...") && names.length > 1)
    throw map.get("group_by")!.error("cannot have wildcard group_by (`...`) and other labels at the same time", {
      code: "alertmanager.config",
    });
  const matchers = readMatchers(map, "");
  const receiver = map.get("receiver")?.string() || parent?.receiver || "";
  const route: Route = {
    key: `${parent ? `${parent.key}/` : ""}{${matchers.map(String).join(",")}}${parent ? `/${position}` : ""}`,
    receiver,
    groupBy: names ? (names.includes("...") ? undefined : names) : parent ? parent.groupBy : [],
    groupWait: positive("group_wait", parent?.groupWait ?? DEFAULTS.groupWait),
    groupInterval: positive("group_interval", parent?.groupInterval ?? DEFAULTS.groupInterval),
    repeatInterval: positive("repeat_interval", parent?.repeatInterval ?? DEFAULTS.repeatInterval),
    muteTimeIntervals: map.get("mute_time_intervals")?.strings() ?? [],
    activeTimeIntervals: map.get("active_time_intervals")?.strings() ?? [],
    matchers,
    continue: map.get("continue")?.boolean() ?? false,
    routes: [],
  };
  if (!parent) {
    if (receiver === "")
      throw node.error("root route must specify a default receiver", { code: "alertmanager.config" });
    if (matchers.length > 0) throw node.error("root route must not have any matchers", { code: "alertmanager.config" });
    if (route.continue)
      throw node.error("root route cannot have continue set to true", { code: "alertmanager.config" });
    if (route.muteTimeIntervals.length > 0)
      throw node.error("root route must not have any mute time intervals", { code: "alertmanager.config" });
    if (route.activeTimeIntervals.length > 0)
      throw node.error("root route must not have any active time intervals", { code: "alertmanager.config" });
  }
  if (!receivers.has(receiver))
    throw (map.get("receiver") ?? node).error(`undefined receiver ${JSON.stringify(receiver)} used in route`, {
      code: "alertmanager.config",
    });
  for (const name of [...route.muteTimeIntervals, ...route.activeTimeIntervals]) {
    if (!intervals.has(name))
      throw node.error(`undefined time interval ${JSON.stringify(name)} used in route`, {
        code: "alertmanager.config",
      });
  }
  route.routes = (map.get("routes")?.items() ?? []).map((child, i) => readRoute(child, route, receivers, intervals, i));
  map.done("config.plain");
  return route;
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
