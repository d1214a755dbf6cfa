/** alertmanager.yml: strict reading with upstream's rules, file and line in each complaint. */
import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { type HttpClientConfig, parseHttpClientConfig, parseYaml, Secret, type YamlNode } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { MatcherSyntax } from "../matcher/compat.ts";
import { AlertMatcher } from "../matcher/matcher.ts";
import { createTemplates, type Templates } from "../notify/templates.ts";
import { type Receiver, readReceiver } from "./receivers.ts";
import { redactConfig } from "./redact.ts";
import { type Route, readRoute } from "./routes.ts";
import { readTimeInterval, type TimeInterval } from "./time-intervals.ts";

export interface GlobalSettings {
  http: HttpClientConfig;
  /** ms */
  resolveTimeout: number;
  slackApiUrl: Secret | undefined;
  slackApiUrlFile: string;
  victorOpsApiUrl: string;
  victorOpsApiKey: Secret | undefined;
  victorOpsApiKeyFile: string;
}

export interface InhibitRule {
  source: AlertMatcher[];
  target: AlertMatcher[];
  equal: string[];
}

export interface AlertmanagerConfig {
  global: GlobalSettings;
  route: Route;
  receivers: Map<string, Receiver>;
  inhibitRules: InhibitRule[];
  timeIntervals: Map<string, TimeInterval>;
  templates: Templates;
  /** With secrets replaced. */
  shownText: string;
}

export interface LoadOptions {
  /** Path of the file; "" when there is none. */
  file: string;
}

/** Settings of integrations that are not there yet: read and left alone, since nothing can use them. */
const OTHER_GLOBALS = [
  "smtp_from", "smtp_hello", "smtp_smarthost", "smtp_auth_username", "smtp_auth_password", "smtp_auth_password_file", "smtp_auth_secret",
  "smtp_auth_secret_file", "smtp_auth_identity", "smtp_require_tls", "smtp_tls_config", "smtp_force_implicit_tls", "pagerduty_url", "opsgenie_api_url",
  "opsgenie_api_key", "opsgenie_api_key_file", "wechat_api_url", "wechat_api_secret", "wechat_api_secret_file", "wechat_api_corp_id",
  "telegram_api_url", "telegram_bot_token", "telegram_bot_token_file", "webex_api_url", "jira_api_url", "rocketchat_api_url", "rocketchat_token",
  "rocketchat_token_file", "rocketchat_token_id", "rocketchat_token_id_file", "slack_app_token", "slack_app_token_file", "slack_app_url",
  "mattermost_webhook_url", "mattermost_webhook_url_file",
]; // biome-ignore format: a list

function readGlobal(node: YamlNode | undefined): GlobalSettings {
  const map = (node ?? parseYaml("")).map();
  const http = map.get("http_config");
  const httpMap = http && !http.isNull ? http.map() : parseYaml("").map();
  const secret = (name: string): Secret | undefined => {
    const value = map.get(name);
    return value && !value.isNull && value.string() !== "" ? new Secret(value.string()) : undefined;
  };
  const settings: GlobalSettings = {
    http: parseHttpClientConfig(httpMap),
    resolveTimeout: map.get("resolve_timeout")?.duration() || 300_000,
    slackApiUrl: secret("slack_api_url"),
    slackApiUrlFile: map.get("slack_api_url_file")?.string() ?? "",
    victorOpsApiUrl:
      map.get("victorops_api_url")?.string() || "https://alert.victorops.com/integrations/generic/20131114/alert/",
    victorOpsApiKey: secret("victorops_api_key"),
    victorOpsApiKeyFile: map.get("victorops_api_key_file")?.string() ?? "",
  };
  httpMap.done("config.HTTPClientConfig");
  for (const name of OTHER_GLOBALS) map.get(name);
  map.done("config.plain");
  if (settings.slackApiUrl && settings.slackApiUrlFile !== "")
    throw map.node.error("at most one of slack_api_url & slack_api_url_file must be configured", {
      code: "alertmanager.config",
    });
  return settings;
}

const syntax = new MatcherSyntax();

function matcherList(node: YamlNode | undefined): AlertMatcher[] {
  return (node?.items() ?? []).flatMap((item) => {
    try {
      return syntax.matchers(item.string(), "config");
    } catch (error) {
      throw item.error(describeError(error), { code: "alertmanager.matcher", cause: error });
    }
  });
}

/** Old spelling of matchers: a map of equalities or patterns. */
export function readMatchers(
  map: { get(key: string): YamlNode | undefined },
  prefix: "" | "source_" | "target_",
): AlertMatcher[] {
  const out = matcherList(map.get(`${prefix}matchers`));
  for (const [key, operator] of [
    [`${prefix}match`, "="],
    [`${prefix}match_re`, "=~"],
  ] as const) {
    for (const [name, value] of map.get(key)?.entries() ?? [])
      out.push(new AlertMatcher(operator, name, value.string()));
  }
  return out;
}

function readInhibitRule(node: YamlNode): InhibitRule {
  const map = node.map();
  const rule = {
    source: readMatchers(map, "source_"),
    target: readMatchers(map, "target_"),
    equal: map.get("equal")?.strings() ?? [],
  };
  map.get("name");
  map.done("config.plain");
  return rule;
}

/** Reads a configuration; a UserError says what is wrong where. */
export function loadAlertmanagerConfig(text: string, { file }: LoadOptions): AlertmanagerConfig {
  const root = parseYaml(text, file || undefined).map();
  const global = readGlobal(root.get("global"));
  const receivers = new Map<string, Receiver>();
  for (const node of root.get("receivers")?.items() ?? []) {
    const receiver = readReceiver(node, global);
    if (receivers.has(receiver.name))
      throw node.error(`notification config name ${JSON.stringify(receiver.name)} is not unique`, {
        code: "alertmanager.config",
      });
    receivers.set(receiver.name, receiver);
  }
  const timeIntervals = new Map<string, TimeInterval>();
  for (const key of ["mute_time_intervals", "time_intervals"]) {
    for (const node of root.get(key)?.items() ?? []) {
      const interval = readTimeInterval(node);
      if (timeIntervals.has(interval.name))
        throw node.error(`time interval ${JSON.stringify(interval.name)} is not unique`, {
          code: "alertmanager.config",
        });
      timeIntervals.set(interval.name, interval);
    }
  }
  const routeNode = root.get("route");
  if (!routeNode || routeNode.isNull)
    throw root.node.error("no route provided in config", {
      code: "alertmanager.config",
      fix: "Add route with a receiver",
    });
  const route = readRoute(routeNode, undefined, receivers, timeIntervals);
  const inhibitRules = (root.get("inhibit_rules")?.items() ?? []).map(readInhibitRule);
  const globs = (root.get("templates")?.strings() ?? []).map((path) =>
    isAbsolute(path) || file === "" ? path : join(dirname(file), path),
  );
  const tracing = root.get("tracing");
  if (tracing && !tracing.isNull)
    throw tracing.error("tracing is not supported by this version of Pharos", {
      code: "alertmanager.unsupported",
      fix: "Remove tracing",
    });
  root.done("config.plain");
  const templates = createTemplates(
    globs.flatMap((glob) => globSync(glob)).map((path) => ({ path, text: readFileSync(path, "utf8") })),
  );
  return {
    global,
    route,
    receivers,
    inhibitRules,
    timeIntervals,
    templates,
    shownText: redactConfig(text),
  };
}

export function loadAlertmanagerConfigFile(file: string): AlertmanagerConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("alertmanager.config", `cannot read the configuration: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
  return loadAlertmanagerConfig(text, { file });
}
