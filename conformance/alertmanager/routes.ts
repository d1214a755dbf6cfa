/** Routes: which ones an alert takes. */

import { allRoutes, loadAlertmanagerConfig, matchRoutes } from "@pharos/alertmanager";
import { Labels, parseDuration } from "@pharos/model";
import { suite } from "./cases.ts";

interface RouteTable {
  route_yaml: string;
  cases: {
    labels: Record<string, string>;
    matches: {
      receiver: string;
      group_by: string[];
      group_by_all: boolean;
      group_wait: string;
      group_interval: string;
      repeat_interval: string;
    }[];
    route_keys: string[];
  }[];
}

/** A routing tree stands in a file of its own here: its receivers are made up around it. */
function loadRoutes(yaml: string) {
  const names = [...new Set([...yaml.matchAll(/receiver:\s*['"]?([\w-]+)/g)].map(([, name]) => name))];
  const receivers = names.map((name) => `- name: ${name}`).join("\n");
  const indented = yaml
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
  const hasReceiver = /^receiver:/m.test(yaml);
  return loadAlertmanagerConfig(
    `route:\n${hasReceiver ? "" : "  receiver: default\n"}${indented}\nreceivers:\n${receivers}\n${hasReceiver ? "" : "- name: default\n"}`,
    { file: "" },
  ).route;
}

export const routes = suite("alertmanager-routes", "routes", (cases, read) => {
  const tables = read<RouteTable | RouteTable[]>("match.json");
  for (const { route_yaml: yaml, cases: rows } of [tables].flat()) {
    const root = loadRoutes(yaml);
    for (const { labels, matches, route_keys: keys } of rows) {
      const found = matchRoutes(root, Labels.from(labels));
      const got = found.map(({ receiver, groupBy, groupWait, groupInterval, repeatInterval }) => ({
        receiver,
        group_by: [...(groupBy ?? [])].sort(),
        group_by_all: groupBy === undefined,
        group_wait: groupWait,
        group_interval: groupInterval,
        repeat_interval: repeatInterval,
      }));
      const want = matches.map((match) => ({
        ...match,
        group_by: match.group_by_all ? [] : match.group_by,
        group_wait: parseDuration(match.group_wait),
        group_interval: parseDuration(match.group_interval),
        repeat_interval: parseDuration(match.repeat_interval),
      }));
      cases.check(`match ${JSON.stringify(labels)}`, got, want);
      cases.check(
        `keys ${JSON.stringify(labels)}`,
        found.map(({ key }) => key),
        keys,
      );
    }
  }
  const ids = read<{ route_yaml: string; ids_any_order: string[] }>("ids.json");
  cases.check(
    "ids",
    [...allRoutes(loadRoutes(ids.route_yaml))].map(({ id }) => id).sort(),
    [...ids.ids_any_order].sort(),
  );
});
