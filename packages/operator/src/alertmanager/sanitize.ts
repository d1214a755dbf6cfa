/**
 * A whole alertmanager.yml for a given version of Alertmanager: what an older one does not know is left out and named;
 * where leaving out would change who is told, it is refused instead.
 */
import { parseDuration, UserError } from "@pharos/model";
import type { Yaml } from "../prometheus/http-client.ts";
import { atLeast, type VersionGate } from "../version.ts";
import { GLOBAL, RECEIVERS, type Rules } from "./version-rules.ts";

function refuse(message: string, field: string): UserError {
  return new UserError("operator.invalid", message, {
    where: { field },
    fix: "Raise spec.version of the Alertmanager or change the configuration",
  });
}

export function maps(value: unknown): Yaml[] {
  if (!Array.isArray(value)) return [];
  return value.filter((entry) => typeof entry === "object" && entry !== null && !Array.isArray(entry)) as Yaml[];
}

function map(value: unknown): Yaml | undefined {
  return maps([value])[0];
}

/** Whether a field says something: absent and empty do not. */
function says(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && value !== 0;
}

function drop(config: Yaml, field: string, since: string, gate: VersionGate, place: string): void {
  if (!says(config[field])) {
    if (config[field] !== undefined && config[field] !== "") return;
    delete config[field];
    return;
  }
  if (!gate.allows(`${place}.${field}`, since)) delete config[field];
}

const TLS_VERSIONS = ["TLS10", "TLS11", "TLS12", "TLS13"];

export function sanitizeTls(tls: Yaml | undefined, gate: VersionGate, place: string): void {
  if (!tls) return;
  drop(tls, "min_version", "0.25.0", gate, place);
  drop(tls, "max_version", "0.25.0", gate, place);
  const order = ["min_version", "max_version"].map((field) => {
    if (!says(tls[field])) return undefined;
    const index = TLS_VERSIONS.indexOf(String(tls[field]));
    if (index < 0) throw refuse(`unknown TLS version ${JSON.stringify(tls[field])}`, `${place}.${field}`);
    return index;
  });
  if (order[0] !== undefined && order[1] !== undefined && order[0] > order[1]) {
    throw refuse("the lowest TLS version is above the highest", `${place}.min_version`);
  }
  tls.insecure_skip_verify ??= false;
}

function sanitizeProxy(config: Yaml, gate: VersionGate, place: string, since: string): void {
  if (!atLeast(gate.version, since)) {
    for (const field of ["proxy_from_environment", "no_proxy", "proxy_connect_header"]) {
      drop(config, field, since, gate, place);
    }
    if (config.proxy_from_environment === false) delete config.proxy_from_environment;
    return;
  }
  if (config.proxy_from_environment === false) delete config.proxy_from_environment;
  const fromEnvironment = config.proxy_from_environment === true;
  const url = says(config.proxy_url);
  if (config.proxy_connect_header && !fromEnvironment && !url) {
    throw refuse("proxy_connect_header needs proxy_url or proxy_from_environment", place);
  }
  if (fromEnvironment && url) throw refuse("proxy_from_environment and proxy_url exclude each other", place);
  if (fromEnvironment && says(config.no_proxy)) {
    throw refuse("proxy_from_environment and no_proxy exclude each other", place);
  }
  if (!url && says(config.no_proxy)) throw refuse("no_proxy needs proxy_url", place);
}

export function sanitizeHttp(http: Yaml | undefined, gate: VersionGate, place: string): void {
  if (!http) return;
  for (const field of ["authorization", "oauth2"]) {
    if (http[field] && !atLeast(gate.version, "0.22.0")) {
      throw refuse(`${field} needs Alertmanager 0.22.0, this is ${gate.version}`, `${place}.${field}`);
    }
  }
  drop(http, "follow_redirects", "0.22.0", gate, place);
  drop(http, "enable_http2", "0.25.0", gate, place);
  drop(http, "http_headers", "0.28.0", gate, place);
  sanitizeTls(map(http.tls_config), gate, `${place}.tls_config`);
  sanitizeProxy(http, gate, place, "0.26.0");
  const oauth2 = map(http.oauth2);
  if (!oauth2) return;
  sanitizeTls(map(oauth2.tls_config), gate, `${place}.oauth2.tls_config`);
  const proxied = says(oauth2.proxy_url) || says(oauth2.no_proxy) || oauth2.proxy_connect_header !== undefined;
  if (proxied && !gate.allows(`${place}.oauth2.proxy_url`, "0.25.0")) {
    for (const field of ["proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"])
      delete oauth2[field];
  }
}

function applyRules(config: Yaml, rules: Rules, gate: VersionGate, place: string): void {
  if (rules.since && !atLeast(gate.version, rules.since)) {
    throw refuse(`${place} needs Alertmanager ${rules.since}, this is ${gate.version}`, place);
  }
  for (const [field, since] of Object.entries(rules.fields ?? {})) drop(config, field, since, gate, place);
  for (const [winner, loser] of rules.exclusive ?? []) {
    if (!says(config[winner]) || !says(config[loser])) continue;
    gate.ignore(`${place}.${loser}`, `${winner} takes precedence`);
    delete config[loser];
  }
  const problem = rules.check?.(config, gate.version);
  if (problem) throw refuse(problem, place);
  for (const [field, value] of Object.entries(rules.writtenOut ?? {})) config[field] ??= value;
}

function sanitizeReceiver(receiver: Yaml, gate: VersionGate): void {
  for (const [list, rules] of Object.entries(RECEIVERS)) {
    for (const config of maps(receiver[list])) {
      applyRules(config, rules, gate, list);
      sanitizeHttp(map(config.http_config), gate, `${list}.http_config`);
      if (list === "email_configs") sanitizeTls(map(config.tls_config), gate, `${list}.tls_config`);
    }
  }
}

function removeEmpty(config: Yaml, fields: readonly string[]): void {
  for (const field of fields) {
    const value = config[field];
    if (typeof value === "object" && value !== null && Object.keys(value).length === 0) delete config[field];
  }
}

function isSet(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

export function sanitizeInhibitRule(rule: Yaml, gate: VersionGate): void {
  if (!atLeast(gate.version, "0.22.0")) {
    if (isSet(rule.source_matchers) || isSet(rule.target_matchers)) {
      throw refuse(
        `source_matchers and target_matchers need Alertmanager 0.22.0, this is ${gate.version}`,
        "inhibit_rules",
      );
    }
    return;
  }
  removeEmpty(rule, [
    "target_match",
    "target_match_re",
    "target_matchers",
    "source_match",
    "source_match_re",
    "source_matchers",
    "equal",
  ]);
}

/** Durations of zero say nothing, and Alertmanager refuses them. */
function dropZero(route: Yaml, field: string): void {
  if (typeof route[field] === "string" && (route[field] === "" || parseDuration(route[field]) === 0))
    delete route[field];
}

export function sanitizeRoute(route: Yaml, gate: VersionGate): void {
  if (isSet(route.matchers) && !atLeast(gate.version, "0.22.0")) {
    throw refuse(`matchers need Alertmanager 0.22.0, this is ${gate.version}`, "route.matchers");
  }
  drop(route, "mute_time_intervals", "0.22.0", gate, "route");
  drop(route, "active_time_intervals", "0.24.0", gate, "route");
  if (typeof route.group_wait === "string" && route.group_wait !== "") parseDuration(route.group_wait);
  dropZero(route, "group_interval");
  dropZero(route, "repeat_interval");
  for (const child of maps(route.routes)) sanitizeRoute(child, gate);
  removeEmpty(route, ["match", "match_re", "matchers"]);
}

/** Changes the configuration in place; throws where it must be refused. */
export function sanitizeConfig(config: Yaml, gate: VersionGate): void {
  const global = map(config.global);
  if (global) {
    applyRules(global, GLOBAL, gate, "global");
    sanitizeHttp(map(global.http_config), gate, "global.http_config");
    sanitizeTls(map(global.smtp_tls_config), gate, "global.smtp_tls_config");
  }
  for (const receiver of maps(config.receivers)) sanitizeReceiver(receiver, gate);
  for (const rule of maps(config.inhibit_rules)) sanitizeInhibitRule(rule, gate);
  drop(config, "mute_time_intervals", "0.22.0", gate, "config");
  drop(config, "time_intervals", "0.24.0", gate, "config");
  for (const interval of [...maps(config.mute_time_intervals), ...maps(config.time_intervals)]) {
    for (const period of maps(interval.time_intervals)) drop(period, "location", "0.25.0", gate, "time_intervals");
  }
  const route = map(config.route);
  if (route) sanitizeRoute(route, gate);
}
