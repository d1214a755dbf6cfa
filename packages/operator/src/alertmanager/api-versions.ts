/**
 * AlertmanagerConfig in its two API versions. v1alpha1 is stored and what generation reads; v1beta1 names the operator
 * of every matcher and calls mute time intervals time intervals. Source: upstream's conversion webhook.
 */
import type { KubeObject } from "@pharos/kube";
import { UserError } from "@pharos/model";
import type { AlertmanagerConfig } from "../resources/alertmanager.ts";

export const ALPHA = "monitoring.coreos.com/v1alpha1";
export const BETA = "monitoring.coreos.com/v1beta1";

type Open = Record<string, unknown>;

function objects(value: unknown): Open[] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry) => typeof entry === "object" && entry !== null) as Open[];
}

/** Every matcher of a route and its children, or of an inhibition rule, through `change`. */
function eachMatcher(spec: Open, change: (matcher: Open) => Open): Open {
  const route = (value: Open): Open => ({
    ...value,
    ...(value.matchers ? { matchers: objects(value.matchers).map(change) } : {}),
    ...(value.routes ? { routes: objects(value.routes).map(route) } : {}),
  });
  const rule = (value: Open): Open => ({
    ...value,
    ...(value.sourceMatch ? { sourceMatch: objects(value.sourceMatch).map(change) } : {}),
    ...(value.targetMatch ? { targetMatch: objects(value.targetMatch).map(change) } : {}),
  });
  return {
    ...spec,
    ...(spec.route ? { route: route(spec.route as Open) } : {}),
    ...(spec.inhibitRules ? { inhibitRules: objects(spec.inhibitRules).map(rule) } : {}),
  };
}

function rename(spec: Open, from: string, to: string): Open {
  if (!(from in spec)) return spec;
  const { [from]: value, ...rest } = spec;
  return { ...rest, [to]: value };
}

export function toAlpha(object: KubeObject): AlertmanagerConfig {
  const spec = (object.spec ?? {}) as Open;
  if (object.apiVersion !== BETA) return object as AlertmanagerConfig;
  return { ...object, apiVersion: ALPHA, spec: rename(spec, "timeIntervals", "muteTimeIntervals") };
}

export function toBeta(object: KubeObject): AlertmanagerConfig {
  if (object.apiVersion === BETA) return object as AlertmanagerConfig;
  const spec = eachMatcher((object.spec ?? {}) as Open, ({ regex, ...matcher }) => ({
    ...matcher,
    matchType: matcher.matchType || (regex ? "=~" : "="),
  }));
  return { ...object, apiVersion: BETA, spec: rename(spec, "muteTimeIntervals", "timeIntervals") };
}

/** What the conversion webhook answers for one object. */
export function convertAlertmanagerConfig(object: KubeObject, apiVersion: string): AlertmanagerConfig {
  if (apiVersion === ALPHA) return toAlpha(object);
  if (apiVersion === BETA) return toBeta(object);
  throw new UserError("operator.invalid", `AlertmanagerConfig has no version ${JSON.stringify(apiVersion)}`, {
    fix: `Use ${ALPHA} or ${BETA}`,
  });
}
