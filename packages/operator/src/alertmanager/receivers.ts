/**
 * Receivers of an AlertmanagerConfig → receivers of alertmanager.yml. The CRD's fields are Alertmanager's own in camel
 * case, with secrets by reference and maps as lists of {key, value}; the exceptions are data below.
 */
import type { AssetStore } from "../assets.ts";
import type { Yaml } from "../prometheus/http-client.ts";
import { tlsConfig } from "../prometheus/http-client.ts";
import type { SecretKeyRef, TlsConfig } from "../resources/types.ts";
import { DEFAULT_PROMETHEUS_VERSION, VersionGate } from "../version.ts";
import { httpConfig } from "./http-config.ts";

/** Receiver lists by field of the CRD. */
const LISTS: Record<string, string> = {
  opsgenieConfigs: "opsgenie_configs",
  pagerdutyConfigs: "pagerduty_configs",
  discordConfigs: "discord_configs",
  slackConfigs: "slack_configs",
  webhookConfigs: "webhook_configs",
  wechatConfigs: "wechat_configs",
  emailConfigs: "email_configs",
  victoropsConfigs: "victorops_configs",
  pushoverConfigs: "pushover_configs",
  snsConfigs: "sns_configs",
  telegramConfigs: "telegram_configs",
  webexConfigs: "webex_configs",
  msteamsConfigs: "msteams_configs",
  msteamsv2Configs: "msteamsv2_configs",
  rocketchatConfigs: "rocketchat_configs",
};

/** Fields whose Alertmanager name is not the snake case of the CRD's. */
const RENAMED: Record<string, string> = {
  urlSecret: "url",
  confirmField: "confirm",
  "victorops_configs.customFields": "custom_fields",
  "telegram_configs.chatID": "chat_id",
  "telegram_configs.disableNotifications": "disable_notifications",
  "wechat_configs.apiURL": "api_url",
  pagerDutyImageConfigs: "images",
  pagerDutyLinkConfigs: "links",
  "pagerduty_configs.pagerDutyImageConfigs": "images",
  "pagerduty_configs.pagerDutyLinkConfigs": "links",
  "email_configs.tlsConfig": "tls_config",
};

/** Lists of {key, value} that Alertmanager wants as maps. */
const KEY_VALUE_LISTS = new Set(["details", "headers", "customFields"]);
/** Maps whose keys are the user's and stay as they are. */
const OPEN_MAPS = new Set(["attributes", "endpointParams"]);

export function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z]+)/g, (_all, before: string, upper: string) => `${before}_${upper.toLowerCase()}`)
    .toLowerCase();
}

function isSecretRef(value: unknown): value is SecretKeyRef {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.includes("key") && keys.every((key) => key === "key" || key === "name" || key === "optional");
}

function convert(field: string, value: unknown, list: string, namespace: string, assets: AssetStore): unknown {
  if (value === null || typeof value !== "object") return value;
  if (field === "httpConfig") return httpConfig(value, namespace, assets);
  if (field === "tlsConfig")
    return tlsConfig(value as TlsConfig, { namespace, assets, gate: new VersionGate(DEFAULT_PROMETHEUS_VERSION) })
      .tls_config;
  if (KEY_VALUE_LISTS.has(field) && Array.isArray(value)) {
    return Object.fromEntries((value as { key: string; value: string }[]).map(({ key, value: text }) => [key, text]));
  }
  if (OPEN_MAPS.has(field)) return value;
  if (isSecretRef(value)) return assets.secret(namespace, value).trim();
  if (Array.isArray(value)) return value.map((item) => convert("", item, list, namespace, assets));
  return convertFields(value as Record<string, unknown>, list, namespace, assets);
}

function convertFields(fields: Record<string, unknown>, list: string, namespace: string, assets: AssetStore): Yaml {
  const out: Yaml = {};
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const name = RENAMED[`${list}.${field}`] ?? RENAMED[field] ?? snakeCase(field);
    const converted = convert(field, value, list, namespace, assets);
    // urlSecret wins over url, whichever comes first.
    if (name === "url" && field === "url" && fields.urlSecret) continue;
    out[name] = converted;
  }
  return out;
}

export function convertReceiver(
  receiver: Record<string, unknown>,
  name: string,
  namespace: string,
  assets: AssetStore,
): Yaml {
  const out: Yaml = { name };
  for (const [field, list] of Object.entries(LISTS)) {
    const configs = receiver[field] as Record<string, unknown>[] | undefined;
    if (configs?.length) out[list] = configs.map((config) => convertFields(config, list, namespace, assets));
  }
  return out;
}
