/** Receivers: a table of the integrations there are, and the reading of their settings. */
import {
  type HttpClientConfig,
  parseHttpClientConfig,
  parseYaml,
  Secret,
  type YamlMap,
  type YamlNode,
} from "@pharos/kit";
import type { GlobalSettings } from "./config.ts";

interface Common {
  sendResolved: boolean;
  http: HttpClientConfig;
}

export interface WebhookConfig extends Common {
  type: "webhook";
  url: Secret | undefined;
  urlFile: string;
  maxAlerts: number;
  /** ms; 0: no limit but the flush's. */
  timeout: number;
}

export interface SlackField {
  title: string;
  value: string;
  short: boolean | undefined;
}

export interface SlackAction {
  type: string;
  text: string;
  url: string;
  style: string;
  name: string;
  value: string;
  confirm: { text: string; title: string; ok_text: string; dismiss_text: string } | undefined;
}

export interface SlackConfig extends Common {
  type: "slack";
  apiUrl: Secret | undefined;
  apiUrlFile: string;
  /** Text settings that are templates, by Slack's field. */
  texts: Record<SlackText, string>;
  fields: SlackField[];
  actions: SlackAction[];
  shortFields: boolean;
  linkNames: boolean;
  mrkdwnIn: string[];
  timeout: number;
}

export interface VictorOpsConfig extends Common {
  type: "victorops";
  apiKey: Secret | undefined;
  apiKeyFile: string;
  apiUrl: string;
  routingKey: string;
  messageType: string;
  stateMessage: string;
  entityDisplayName: string;
  monitoringTool: string;
  customFields: Record<string, string>;
}

export type IntegrationConfig = WebhookConfig | SlackConfig | VictorOpsConfig;

export interface Receiver {
  name: string;
  integrations: IntegrationConfig[];
}

/** Defaults are templates of our own set, under upstream's names. */
const SLACK_TEXTS = {
  channel: "",
  username: '{{ template "slack.default.username" . }}',
  color: '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
  title: '{{ template "slack.default.title" . }}',
  title_link: '{{ template "slack.default.titlelink" . }}',
  pretext: '{{ template "slack.default.pretext" . }}',
  text: '{{ template "slack.default.text" . }}',
  fallback: '{{ template "slack.default.fallback" . }}',
  callback_id: '{{ template "slack.default.callbackid" . }}',
  footer: '{{ template "slack.default.footer" . }}',
  icon_emoji: '{{ template "slack.default.iconemoji" . }}',
  icon_url: '{{ template "slack.default.iconurl" . }}',
  image_url: "",
  thumb_url: "",
} as const;
export type SlackText = keyof typeof SLACK_TEXTS;

/** Upstream's other integrations: named when somebody uses one, never ignored. */
const UNSUPPORTED = [
  "discord", "email", "incidentio", "jira", "mattermost", "msteams", "msteamsv2", "opsgenie", "pagerduty", "pushover", "rocketchat", "sns",
  "telegram", "webex", "wechat",
]; // biome-ignore format: a list

function common(map: YamlMap, global: GlobalSettings, sendResolved: boolean): Common {
  const http = map.get("http_config");
  const inner = http && !http.isNull ? http.map() : undefined;
  const config = inner ? parseHttpClientConfig(inner) : global.http;
  inner?.done("config.HTTPClientConfig");
  return { sendResolved: map.get("send_resolved")?.boolean() ?? sendResolved, http: config };
}

function secret(node: YamlNode | undefined): Secret | undefined {
  return node && !node.isNull && node.string() !== "" ? new Secret(node.string()) : undefined;
}

function checkUrl(node: YamlNode | undefined): void {
  // The text may hold a secret: it is not repeated.
  if (
    node &&
    !node.isNull &&
    node.string() !== "" &&
    (!URL.canParse(node.string()) || !/^https?:$/.test(new URL(node.string()).protocol))
  ) {
    throw node.error("unsupported scheme for URL, or not a URL", {
      code: "alertmanager.config",
      fix: "Give an http or https URL",
    });
  }
}

function readWebhook(node: YamlNode, global: GlobalSettings): WebhookConfig {
  const map = node.map();
  const url = map.get("url");
  checkUrl(url);
  const config: WebhookConfig = {
    type: "webhook",
    ...common(map, global, true),
    url: secret(url),
    urlFile: map.get("url_file")?.string() ?? "",
    maxAlerts: map.get("max_alerts")?.integer() ?? 0,
    timeout: map.get("timeout")?.duration() ?? 0,
  };
  map.done("config.plain");
  if (!config.url && config.urlFile === "")
    throw node.error("one of url or url_file must be configured", { code: "alertmanager.config" });
  if (config.url && config.urlFile !== "")
    throw node.error("at most one of url & url_file must be configured", { code: "alertmanager.config" });
  return config;
}

function readSlack(node: YamlNode, global: GlobalSettings): SlackConfig {
  const map = node.map();
  const apiUrl = map.get("api_url");
  checkUrl(apiUrl);
  const texts = Object.fromEntries(
    Object.entries(SLACK_TEXTS).map(([name, fallback]) => [name, map.get(name)?.string() ?? fallback]),
  ) as Record<SlackText, string>;
  const config: SlackConfig = {
    type: "slack",
    ...common(map, global, false),
    apiUrl: secret(apiUrl),
    apiUrlFile: map.get("api_url_file")?.string() ?? "",
    texts,
    fields: (map.get("fields")?.items() ?? []).map((item) => {
      const inner = item.map();
      const field = {
        title: inner.get("title")?.string() ?? "",
        value: inner.get("value")?.string() ?? "",
        short: inner.get("short")?.boolean(),
      };
      inner.done("config.plain");
      if (field.title === "" || field.value === "")
        throw item.error(`missing ${field.title === "" ? "title" : "value"} in Slack field configuration`, {
          code: "alertmanager.config",
        });
      return field;
    }),
    actions: (map.get("actions")?.items() ?? []).map((item) => {
      const inner = item.map();
      const get = (name: string): string => inner.get(name)?.string() ?? "";
      const confirm = inner.get("confirm")?.map();
      const action: SlackAction = {
        type: get("type"), text: get("text"), url: get("url"), style: get("style"), name: get("name"), value: get("value"),
        confirm: confirm && { text: confirm.get("text")?.string() ?? "", title: confirm.get("title")?.string() ?? "", ok_text: confirm.get("ok_text")?.string() ?? "", dismiss_text: confirm.get("dismiss_text")?.string() ?? "" },
      }; // biome-ignore format: a table
      confirm?.done("config.plain");
      inner.done("config.plain");
      if (action.type === "" || action.text === "")
        throw item.error(`missing ${action.type === "" ? "type" : "text"} in Slack action configuration`, {
          code: "alertmanager.config",
        });
      return action;
    }),
    shortFields: map.get("short_fields")?.boolean() ?? false,
    linkNames: map.get("link_names")?.boolean() ?? false,
    mrkdwnIn: map.get("mrkdwn_in")?.strings() ?? ["fallback", "pretext", "text"],
    timeout: map.get("timeout")?.duration() ?? 0,
  };
  map.done("config.plain");
  config.apiUrl ??= config.apiUrlFile === "" ? global.slackApiUrl : undefined;
  if (config.apiUrlFile === "" && !config.apiUrl) config.apiUrlFile = global.slackApiUrlFile;
  if (!config.apiUrl && config.apiUrlFile === "")
    throw node.error("no Slack API URL nor Token set either inline or in a file", {
      code: "alertmanager.config",
      fix: "Set api_url here or slack_api_url in global",
    });
  return config;
}

/** Keys a custom field may not take: they are the message's own. */
const VICTOROPS_RESERVED = new Set([
  "routing_key",
  "message_type",
  "state_message",
  "entity_display_name",
  "monitoring_tool",
  "entity_id",
  "entity_state",
]);

function readVictorOps(node: YamlNode, global: GlobalSettings): VictorOpsConfig {
  const map = node.map();
  checkUrl(map.get("api_url"));
  const text = (name: string, fallback: string): string => map.get(name)?.string() ?? fallback;
  const config: VictorOpsConfig = {
    type: "victorops",
    ...common(map, global, true),
    apiKey: secret(map.get("api_key")),
    apiKeyFile: text("api_key_file", ""),
    apiUrl: text("api_url", "") || global.victorOpsApiUrl,
    routingKey: text("routing_key", ""),
    messageType: text("message_type", "CRITICAL"),
    stateMessage: text("state_message", '{{ template "victorops.default.state_message" . }}'),
    entityDisplayName: text("entity_display_name", '{{ template "victorops.default.entity_display_name" . }}'),
    monitoringTool: text("monitoring_tool", '{{ template "victorops.default.monitoring_tool" . }}'),
    customFields: map.get("custom_fields")?.stringMap() ?? {},
  };
  map.done("config.plain");
  if (config.routingKey === "")
    throw node.error("missing Routing key in VictorOps config", { code: "alertmanager.config" });
  const reserved = Object.keys(config.customFields).find((name) => VICTOROPS_RESERVED.has(name));
  if (reserved)
    throw node.error(
      `victorOps config contains custom field ${reserved} which cannot be used as it conflicts with the fixed/static fields`,
      { code: "alertmanager.config" },
    );
  config.apiKey ??= config.apiKeyFile === "" ? global.victorOpsApiKey : undefined;
  if (!config.apiKey && config.apiKeyFile === "") config.apiKeyFile = global.victorOpsApiKeyFile;
  if (!config.apiKey && config.apiKeyFile === "")
    throw node.error("no VictorOps API Key set", {
      code: "alertmanager.config",
      fix: "Set api_key here or victorops_api_key in global",
    });
  return config;
}

const READERS: Record<string, (node: YamlNode, global: GlobalSettings) => IntegrationConfig> = {
  webhook_configs: readWebhook,
  slack_configs: readSlack,
  victorops_configs: readVictorOps,
};

export function readReceiver(node: YamlNode, global: GlobalSettings): Receiver {
  const map = node.map();
  const name = map.get("name")?.string() ?? "";
  if (name === "") throw node.error("missing name in receiver", { code: "alertmanager.config" });
  const integrations: IntegrationConfig[] = [];
  for (const [key, read] of Object.entries(READERS)) {
    for (const item of map.get(key)?.items() ?? [])
      integrations.push(read(item.isNull ? parseYaml("{}") : item, global));
  }
  for (const unsupported of UNSUPPORTED) {
    const list = map.get(`${unsupported}_configs`);
    if (list && !list.isNull && list.items().length > 0) {
      throw list.error(`${unsupported} receivers are not supported by this version of Pharos`, {
        code: "alertmanager.unsupported",
        fix: "Use webhook, slack or victorops",
      });
    }
  }
  map.done("config.plain");
  return { name, integrations };
}
