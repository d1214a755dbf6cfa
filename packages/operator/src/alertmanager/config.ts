/**
 * Alertmanager resource + base configuration + selected AlertmanagerConfigs → alertmanager.yml. Their routes stand
 * before the base's, each with `continue: true`; names become `namespace/name/original`.
 */
import { parseYaml } from "@pharos/kit";
import type { AssetStore } from "../assets.ts";
import type { Yaml } from "../prometheus/http-client.ts";
import type { Alertmanager, AlertmanagerConfig } from "../resources/types.ts";
import { convertReceiver } from "./receivers.ts";
import {
  type CrdInhibitRule,
  type CrdRoute,
  convertInhibitRule,
  convertRoute,
  type NamespaceMatcher,
} from "./routes.ts";
import { convertTimeInterval } from "./time-intervals.ts";

/** What an Alertmanager without any configuration gets: it takes alerts and tells nobody. */
const BUILT_IN = { route: { receiver: "null" }, receivers: [{ name: "null" }] };

const BASE_KEY = "alertmanager.yaml";

/** The base configuration from `spec.configSecret` or `alertmanager-<name>`. */
export function baseConfig({ metadata, spec }: Alertmanager, assets: AssetStore): Yaml {
  const name = spec.configSecret || `alertmanager-${metadata.name}`;
  const data = assets.all("Secret", metadata.namespace ?? "", name);
  const text = data?.[BASE_KEY];
  if (text === undefined) return structuredClone(BUILT_IN);
  return (
    (parseYaml(text, `Secret ${metadata.namespace}/${name} ${BASE_KEY}`).toValue() as Yaml | null) ??
    structuredClone(BUILT_IN)
  );
}

function namespaceMatcher(alertmanager: Alertmanager, namespace: string): NamespaceMatcher {
  const strategy = alertmanager.spec.alertmanagerConfigMatcherStrategy?.type ?? "OnNamespace";
  if (strategy === "None") return undefined;
  if (strategy === "OnNamespaceExceptForAlertmanagerNamespace" && namespace === alertmanager.metadata.namespace)
    return undefined;
  return { name: "namespace", value: namespace, matchType: "=" };
}

export function generateAlertmanagerConfig(
  alertmanager: Alertmanager,
  base: Yaml,
  configs: readonly AlertmanagerConfig[],
  assets: AssetStore,
): Yaml {
  const out: Yaml = structuredClone(base);
  const routes: Yaml[] = [];
  const receivers: Yaml[] = [];
  const inhibit: Yaml[] = [];
  const intervals: Yaml[] = [];
  const key = ({ metadata }: AlertmanagerConfig): string => `${metadata.namespace}/${metadata.name}`;
  for (const config of [...configs].sort((a, b) => (key(a) < key(b) ? -1 : 1))) {
    const namespace = config.metadata.namespace ?? "";
    const prefix = `${key(config)}/`;
    const matcher = namespaceMatcher(alertmanager, namespace);
    const {
      route,
      receivers: list,
      inhibitRules,
      muteTimeIntervals,
      timeIntervals,
    } = config.spec as {
      route?: CrdRoute;
      receivers?: ({ name: string } & Record<string, unknown>)[];
      inhibitRules?: CrdInhibitRule[];
      muteTimeIntervals?: { name: string }[];
      timeIntervals?: { name: string }[];
    };
    if (route) routes.push(convertRoute(route, prefix, matcher, true));
    for (const receiver of list ?? [])
      receivers.push(convertReceiver(receiver, prefix + receiver.name, namespace, assets));
    for (const rule of inhibitRules ?? []) inhibit.push(convertInhibitRule(rule, matcher));
    for (const interval of [...(muteTimeIntervals ?? []), ...(timeIntervals ?? [])])
      intervals.push(convertTimeInterval(interval, prefix));
  }
  const root = { ...(out.route as Yaml | undefined) };
  if (routes.length > 0) root.routes = [...routes, ...((root.routes as Yaml[] | undefined) ?? [])];
  out.route = root;
  if (inhibit.length > 0) out.inhibit_rules = [...((out.inhibit_rules as Yaml[] | undefined) ?? []), ...inhibit];
  out.receivers = [...((out.receivers as Yaml[] | undefined) ?? []), ...receivers];
  if (intervals.length > 0) {
    out.mute_time_intervals = [...((out.mute_time_intervals as Yaml[] | undefined) ?? []), ...intervals];
  }
  out.templates ??= [];
  return out;
}
