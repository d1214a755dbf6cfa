/** What each version of Alertmanager knows, as data: fields of the global section and of every receiver. */
import type { Yaml } from "../prometheus/http-client.ts";
import { atLeast } from "../version.ts";

export interface Rules {
  /** The version that brought the whole thing: before it, it is refused. */
  since?: string;
  /** Fields by the version that brought them: before it they are left out. */
  fields?: Record<string, string>;
  /** Pairs of which the first wins. */
  exclusive?: readonly (readonly [winner: string, loser: string])[];
  /** Says why it must be refused; undefined when it need not. */
  check?(config: Yaml, version: string): string | undefined;
  /** Values Alertmanager writes out when they are not set. */
  writtenOut?: Yaml;
}

const SLACK_POST = "https://slack.com/api/chat.postMessage";
const JIRA_TYPES = ["auto", "cloud", "datacenter"];

function missing(config: Yaml, ...fields: string[]): boolean {
  return fields.every((field) => config[field] === undefined || config[field] === null || config[field] === "");
}

export const GLOBAL: Rules = {
  fields: {
    smtp_tls_config: "0.28.0",
    slack_api_url_file: "0.22.0",
    slack_app_token: "0.30.0",
    slack_app_token_file: "0.30.0",
    slack_app_url: "0.30.0",
    opsgenie_api_key_file: "0.24.0",
    smtp_auth_password_file: "0.25.0",
    victorops_api_key_file: "0.25.0",
    wechat_api_secret_file: "0.31.0",
    telegram_bot_token: "0.31.0",
    telegram_bot_token_file: "0.31.0",
    smtp_auth_secret_file: "0.31.0",
    smtp_force_implicit_tls: "0.31.0",
    mattermost_webhook_url: "0.32.0",
    mattermost_webhook_url_file: "0.32.0",
  },
  exclusive: [
    ["slack_api_url", "slack_api_url_file"],
    ["slack_app_token", "slack_app_token_file"],
    ["smtp_auth_password", "smtp_auth_password_file"],
    ["victorops_api_key", "victorops_api_key_file"],
    ["wechat_api_secret", "wechat_api_secret_file"],
    ["telegram_bot_token", "telegram_bot_token_file"],
    ["smtp_auth_secret", "smtp_auth_secret_file"],
    ["mattermost_webhook_url", "mattermost_webhook_url_file"],
  ],
  check: (config) => {
    if (missing(config, "slack_app_token", "slack_app_token_file")) return undefined;
    const { slack_api_url: api, slack_app_url: app } = config;
    return api && app && api !== app
      ? "slack_app_token and slack_api_url exclude each other, unless slack_api_url is slack_app_url"
      : undefined;
  },
};

/** Fields of a Mattermost message that newer versions take without an attachment around them. */
const MATTERMOST_TOP_LEVEL = [
  "fallback",
  "color",
  "pretext",
  "author_name",
  "author_link",
  "author_icon",
  "title",
  "title_link",
  "thumb_url",
  "footer",
  "footer_icon",
  "image_url",
  "fields",
];

export const RECEIVERS: Record<string, Rules> = {
  email_configs: {
    fields: {
      auth_password_file: "0.25.0",
      force_implicit_tls: "0.31.0",
      auth_secret_file: "0.31.0",
      threading: "0.30.0",
    },
    exclusive: [
      ["auth_password", "auth_password_file"],
      ["auth_secret", "auth_secret_file"],
    ],
    check: ({ threading }) => {
      const date = (threading as Yaml | undefined)?.thread_by_date;
      return threading && date !== "daily" && date !== "none" ? "thread_by_date must be daily or none" : undefined;
    },
  },
  opsgenie_configs: {
    fields: { actions: "0.24.0", entity: "0.24.0", update_alerts: "0.24.0", api_key_file: "0.24.0" },
    exclusive: [["api_key", "api_key_file"]],
    check: ({ responders }, version) => {
      const teams = Array.isArray(responders) && responders.some((entry: Yaml) => entry?.type === "teams");
      return teams && !atLeast(version, "0.24.0") ? "responders of type teams need Alertmanager 0.24.0" : undefined;
    },
  },
  pagerduty_configs: {
    fields: { source: "0.25.0", routing_key_file: "0.25.0", service_key_file: "0.25.0", timeout: "0.30.0" },
    exclusive: [
      ["service_key", "service_key_file"],
      ["routing_key", "routing_key_file"],
    ],
    check: ({ details }, version) => {
      const structured = Object.values((details as Yaml | undefined) ?? {}).some((value) => typeof value !== "string");
      return structured && !atLeast(version, "0.30.0")
        ? "details that are not text need Alertmanager 0.30.0"
        : undefined;
    },
  },
  pushover_configs: {
    fields: { user_key_file: "0.26.0", token_file: "0.26.0", ttl: "0.27.0", device: "0.26.0" },
    exclusive: [
      ["user_key", "user_key_file"],
      ["token", "token_file"],
    ],
    check: (config, version) => {
      if (missing(config, "user_key", "user_key_file")) return "user_key or user_key_file is missing";
      if (missing(config, "token", "token_file")) return "token or token_file is missing";
      if (config.monospace === true && !atLeast(version, "0.29.0")) config.monospace = false;
      return config.html === true && config.monospace === true ? "html and monospace exclude each other" : undefined;
    },
  },
  slack_configs: {
    fields: {
      timeout: "0.30.0",
      app_token: "0.30.0",
      app_token_file: "0.30.0",
      app_url: "0.30.0",
      message_text: "0.31.0",
      update_message: "0.32.0",
      api_url_file: "0.22.0",
    },
    exclusive: [
      ["app_token", "app_token_file"],
      ["api_url", "api_url_file"],
    ],
    check: (config) => {
      if (config.update_message === true && config.api_url && config.api_url !== SLACK_POST) {
        return `update_message needs a bot token: api_url must be ${SLACK_POST}`;
      }
      const app = !missing(config, "app_token", "app_token_file");
      return app && !missing(config, "api_url", "api_url_file")
        ? "app_token and api_url exclude each other"
        : undefined;
    },
  },
  victorops_configs: { fields: { api_key_file: "0.25.0" }, exclusive: [["api_key", "api_key_file"]] },
  webhook_configs: {
    fields: { url_file: "0.26.0", timeout: "0.28.0", payload: "0.32.0" },
    exclusive: [["url", "url_file"]],
  },
  msteams_configs: {
    since: "0.26.0",
    fields: { summary: "0.27.0" },
    check: (config) => (missing(config, "webhook_url") ? "webhook_url is missing" : undefined),
  },
  msteamsv2_configs: {
    since: "0.28.0",
    check: (config) => {
      if (missing(config, "webhook_url", "webhook_url_file")) return "webhook_url or webhook_url_file is missing";
      return missing(config, "webhook_url") || missing(config, "webhook_url_file")
        ? undefined
        : "webhook_url and webhook_url_file exclude each other";
    },
  },
  wechat_configs: { fields: { api_secret_file: "0.31.0" }, exclusive: [["api_secret", "api_secret_file"]] },
  sns_configs: {
    fields: { use_aws_http_client: "0.33.0" },
    check: ({ sigv4 }, version) => {
      const settings = sigv4 as Yaml | undefined;
      if (!settings?.external_id) return undefined;
      if (!settings.role_arn) return "external_id needs role_arn";
      if (!atLeast(version, "0.33.0")) delete settings.external_id;
      return undefined;
    },
  },
  telegram_configs: {
    since: "0.24.0",
    fields: { chat_id_file: "0.31.0", bot_token_file: "0.26.0", message_thread_id: "0.26.0" },
    exclusive: [
      ["chat_id", "chat_id_file"],
      ["bot_token", "bot_token_file"],
    ],
    check: (config, version) => {
      if (missing(config, "chat_id", "chat_id_file") || config.chat_id === 0)
        return "chat_id or chat_id_file is missing";
      return missing(config, "bot_token", "bot_token_file") && !atLeast(version, "0.31.0")
        ? "bot_token or bot_token_file is missing"
        : undefined;
    },
  },
  discord_configs: {
    since: "0.25.0",
    fields: { content: "0.28.0", username: "0.28.0", avatar_url: "0.28.0" },
  },
  webex_configs: {
    since: "0.25.0",
    check: (config) => (missing(config, "room_id") ? "room_id is missing" : undefined),
  },
  jira_configs: {
    since: "0.28.0",
    fields: { api_type: "0.29.0" },
    check: (config) => {
      if (missing(config, "project")) return "project is missing";
      if (missing(config, "issue_type")) return "issue_type is missing";
      return !missing(config, "api_type") && !JIRA_TYPES.includes(String(config.api_type))
        ? `api_type must be one of ${JIRA_TYPES.join(", ")}`
        : undefined;
    },
  },
  rocketchat_configs: {
    since: "0.28.0",
    check: (config) => {
      if (config.token !== undefined && !missing(config, "token_file"))
        return "token and token_file exclude each other";
      return config.token_id !== undefined && !missing(config, "token_id_file")
        ? "token_id and token_id_file exclude each other"
        : undefined;
    },
    writtenOut: { short_fields: false, link_names: false },
  },
  mattermost_configs: {
    since: "0.30.0",
    fields: Object.fromEntries(MATTERMOST_TOP_LEVEL.map((field) => [field, "0.32.0"])),
    exclusive: [["webhook_url", "webhook_url_file"]],
    check: (config, version) =>
      missing(config, "webhook_url", "webhook_url_file") && !atLeast(version, "0.32.0")
        ? "webhook_url or webhook_url_file is missing"
        : undefined,
  },
  incidentio_configs: {
    since: "0.29.0",
    check: (config) => {
      if (missing(config, "url", "url_file")) return "url or url_file is missing";
      if (!missing(config, "url") && !missing(config, "url_file")) return "url and url_file exclude each other";
      const token = !missing(config, "alert_source_token");
      const tokenFile = !missing(config, "alert_source_token_file");
      if (token && tokenFile) return "alert_source_token and alert_source_token_file exclude each other";
      const authorized = Boolean((config.http_config as Yaml | undefined)?.authorization);
      if (authorized && (token || tokenFile))
        return "alert_source_token and http_config.authorization exclude each other";
      return authorized || token || tokenFile ? undefined : "alert_source_token is missing";
    },
  },
};
