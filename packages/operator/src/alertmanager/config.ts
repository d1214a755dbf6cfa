/**
 * Alertmanager resource + base configuration + selected AlertmanagerConfigs → alertmanager.yml. Their routes stand
 * before the base's, each with `continue: true`; names become `namespace/name/original`.
 */
import { parseYaml } from "@pharos/kit";
import { UserError } from "@pharos/model";
import type { Yaml } from "../prometheus/http-client.ts";
import type { AlertmanagerConfig } from "../resources/alertmanager.ts";
import { globalSection } from "./global-config.ts";
import { convertReceiver } from "./receivers.ts";
import { type CrdInhibitRule, type CrdRoute, convertInhibitRule, convertRoute } from "./routes.ts";
import { sanitizeConfig } from "./sanitize.ts";
import { type AlertmanagerScope, originOf } from "./scope.ts";
import { type CrdTimeInterval, convertTimeInterval } from "./time-intervals.ts";

/** What an Alertmanager without any configuration gets: it takes alerts and tells nobody. */
const BUILT_IN = { route: { receiver: "null" }, receivers: [{ name: "null" }] };

const BASE_KEY = "alertmanager.yaml";

/** The parts of an AlertmanagerConfig's spec, in v1alpha1's form. */
interface ConfigSpec {
  route?: CrdRoute;
  receivers?: ({ name: string } & Record<string, unknown>)[];
  inhibitRules?: CrdInhibitRule[];
  muteTimeIntervals?: CrdTimeInterval[];
}

/** The base configuration from `spec.configSecret` or `alertmanager-<name>`; a built-in one where there is none. */
export function baseConfig({ alertmanager, assets }: AlertmanagerScope): Yaml {
  const { metadata, spec } = alertmanager;
  const name = spec.configSecret || `alertmanager-${metadata.name}`;
  const text = assets.all("Secret", metadata.namespace ?? "", name)?.[BASE_KEY];
  if (text === undefined) return structuredClone(BUILT_IN);
  const place = `Secret ${metadata.namespace}/${name} ${BASE_KEY}`;
  const value = parseYaml(text, place).toValue() as Yaml | null;
  return value ?? structuredClone(BUILT_IN);
}

function checkRoot(root: unknown): asserts root is Yaml {
  const refuse = (message: string, fix: string): UserError =>
    new UserError("operator.invalid", message, { where: { field: "route" }, fix });
  if (typeof root !== "object" || root === null) {
    throw refuse("there is no root route", "Add a route with a receiver");
  }
  const route = root as Yaml;
  if (route.continue) throw refuse("the root route cannot have continue", "Remove it");
  if (!route.receiver) throw refuse("the root route has no receiver", "Name a receiver");
  for (const field of ["matchers", "match", "match_re", "mute_time_intervals", "active_time_intervals"]) {
    const value = route[field];
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
      throw refuse(`the root route cannot have ${field}`, "It takes all alerts: move this to a sub-route");
    }
  }
}

/** Which namespace's alerts alone an object may route; undefined when the strategy leaves that open. */
function restriction({ alertmanager }: AlertmanagerScope, namespace: string): string | undefined {
  const strategy = alertmanager.spec.alertmanagerConfigMatcherStrategy?.type ?? "OnNamespace";
  if (strategy === "None") return undefined;
  const own = strategy === "OnNamespaceExceptForAlertmanagerNamespace" && namespace === alertmanager.metadata.namespace;
  return own ? undefined : namespace;
}

function list(value: unknown): Yaml[] {
  return Array.isArray(value) ? value : [];
}

/** Adds the objects to the base; throws when the whole is nothing this version of Alertmanager could take. */
export function generateAlertmanagerConfig(
  scope: AlertmanagerScope,
  base: Yaml,
  configs: readonly AlertmanagerConfig[],
): Yaml {
  const out: Yaml = structuredClone(base);
  checkRoot(out.route);
  const routes: Yaml[] = [];
  const receivers: Yaml[] = [];
  const inhibit: Yaml[] = [];
  const intervals: Yaml[] = [];
  const key = ({ metadata }: AlertmanagerConfig): string => `${metadata.namespace}/${metadata.name}`;
  for (const config of [...configs].sort((a, b) => (key(a) < key(b) ? -1 : 1))) {
    const origin = originOf(config);
    const namespace = restriction(scope, origin.namespace);
    const spec = config.spec as ConfigSpec;
    for (const rule of spec.inhibitRules ?? []) inhibit.push(convertInhibitRule(rule, namespace, scope.gate));
    // Without a route nothing of the rest could be reached.
    if (!spec.route) continue;
    routes.push({ ...convertRoute(spec.route, origin, namespace, scope.gate), continue: true });
    for (const receiver of spec.receivers ?? []) {
      receivers.push(convertReceiver(receiver, origin.prefix + receiver.name, origin.namespace, scope));
    }
    for (const interval of spec.muteTimeIntervals ?? []) intervals.push(convertTimeInterval(interval, origin));
  }
  if (routes.length > 0) out.route.routes = [...routes, ...list(out.route.routes)];
  if (inhibit.length > 0) out.inhibit_rules = [...list(out.inhibit_rules), ...inhibit];
  if (receivers.length > 0) out.receivers = [...list(out.receivers), ...receivers];
  if (intervals.length > 0) out.mute_time_intervals = [...list(out.mute_time_intervals), ...intervals];
  out.templates ??= [];
  sanitizeConfig(out, scope.gate);
  return out;
}

/** spec.alertmanagerConfiguration: an AlertmanagerConfig as the base, for alerts of all namespaces. */
export function globalAlertmanagerConfig(scope: AlertmanagerScope, config: AlertmanagerConfig): Yaml {
  const origin = originOf(config);
  const spec = config.spec as ConfigSpec;
  const global = scope.alertmanager.spec.alertmanagerConfiguration?.global;
  const out: Yaml = {};
  if (global) out.global = globalSection(global, origin.namespace, scope);
  if (spec.route) out.route = convertRoute(spec.route, origin, undefined, scope.gate);
  const inhibit = (spec.inhibitRules ?? []).map((rule) => convertInhibitRule(rule, undefined, scope.gate));
  if (inhibit.length > 0) out.inhibit_rules = inhibit;
  out.receivers = (spec.receivers ?? []).map((receiver) =>
    convertReceiver(receiver, origin.prefix + receiver.name, origin.namespace, scope),
  );
  const intervals = (spec.muteTimeIntervals ?? []).map((interval) => convertTimeInterval(interval, origin));
  if (intervals.length > 0) out.mute_time_intervals = intervals;
  out.templates = [];
  sanitizeConfig(out, scope.gate);
  checkRoot(out.route);
  return out;
}
