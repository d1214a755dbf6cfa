/**
 * Receivers of an AlertmanagerConfig → receivers of alertmanager.yml. The CRD's fields are Alertmanager's own in camel
 * case, with secrets by reference and maps as lists of {key, value}; the exceptions are data below.
 */
import { UserError } from "@pharos/model";
import type { Yaml } from "../prometheus/http-client.ts";
import type { SecretKeyRef, Sigv4, TlsConfig } from "../resources/common.ts";
import { httpConfig, receiverTls } from "./http-config.ts";
import type { AlertmanagerScope } from "./scope.ts";

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
  pagerDutyImageConfigs: "images",
  pagerDutyLinkConfigs: "links",
  useAWSHTTPClient: "use_aws_http_client",
  "discord_configs.apiURL": "webhook_url",
  // The CRD's name for the text of a link is that of an image's.
  "pagerduty_configs.pager_duty_link_configs.alt": "text",
};

/** Lists of {key, value} that Alertmanager wants as maps. */
const KEY_VALUE_LISTS = new Set(["details", "headers", "customFields"]);
/** Maps whose keys are the user's and stay as they are. */
const OPEN_MAPS = new Set(["attributes"]);
/** Texts that say something even when they are empty: they replace a default template. */
const MEANINGFUL_WHEN_EMPTY = new Set(["email_configs.html", "email_configs.text", "webhook_configs.payload"]);
/** Switches that Alertmanager does not tell from absent when they are off. */
const OFF_IS_ABSENT = new Set(["shortFields", "linkNames", "disableNotifications", "useAWSHTTPClient", "continue"]);
/** What Alertmanager writes out even when it was not set. */
const WRITTEN_OUT: Record<string, Yaml> = {
  rocketchat_configs: { short_fields: false, link_names: false },
  "rocketchat_configs.actions": { is_webview: false, msg_in_chat_window: false },
  "rocketchat_configs.fields": { short: null },
};

/** Words of VictorOps' own messages. */
const VICTOROPS_RESERVED = new Set([
  "routing_key",
  "message_type",
  "state_message",
  "entity_display_name",
  "monitoring_tool",
  "entity_id",
  "entity_state",
]);

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

interface Context {
  /** Path of the surrounding list in alertmanager.yml, as `slack_configs.actions`. */
  list: string;
  namespace: string;
  scope: AlertmanagerScope;
}

/** Forms that follow no rule: by the CRD's field name. */
const SPECIAL: Record<string, (value: unknown, context: Context) => unknown> = {
  httpConfig: (value, { namespace, scope }) => httpConfig(value as Parameters<typeof httpConfig>[0], namespace, scope),
  tlsConfig: (value, { namespace, scope }) => receiverTls(value as TlsConfig, namespace, scope),
  sigv4: (value, { namespace, scope }) => snsSigv4(value as Sigv4, namespace, scope),
  threading: (value) => {
    const date = (value as { threadByDate?: string }).threadByDate;
    return { enabled: true, ...(date ? { thread_by_date: date.toLowerCase() } : {}) };
  },
};

function snsSigv4(config: Sigv4, namespace: string, { assets }: AlertmanagerScope): Yaml {
  const out: Yaml = {};
  if (config.region) out.region = config.region;
  if (config.accessKey && config.secretKey) {
    out.access_key = assets.secret(namespace, config.accessKey);
    out.secret_key = assets.secret(namespace, config.secretKey);
  }
  if (config.profile) out.profile = config.profile;
  if (config.roleArn) out.role_arn = config.roleArn;
  if (config.externalId) out.external_id = config.externalId;
  return out;
}

/** Undefined leaves the field out. */
function convert(field: string, value: unknown, context: Context): unknown {
  const { list, namespace, scope } = context;
  if (value === null || value === undefined) return undefined;
  if (value === "" && !MEANINGFUL_WHEN_EMPTY.has(`${list}.${field}`)) return undefined;
  if (value === false && OFF_IS_ABSENT.has(field)) return undefined;
  if (value === 0 && field !== "") return undefined;
  if (typeof value !== "object") return value;
  if (SPECIAL[field]) return SPECIAL[field](value, context);
  if (KEY_VALUE_LISTS.has(field) && Array.isArray(value)) return keyValueMap(field, value, list);
  if (OPEN_MAPS.has(field)) return value;
  if (isSecretRef(value)) return scope.assets.secret(namespace, value).trim();
  if (Array.isArray(value)) {
    if (value.length === 0) return undefined;
    return value.map((item) => convert("", item, { ...context, list: `${list}.${snakeCase(field)}` }));
  }
  return convertFields(value as Record<string, unknown>, context);
}

function keyValueMap(field: string, pairs: readonly { key: string; value: string }[], list: string): unknown {
  if (pairs.length === 0) return undefined;
  const reserved = list === "victorops_configs" ? pairs.find(({ key }) => VICTOROPS_RESERVED.has(key)) : undefined;
  if (reserved) {
    throw new UserError("operator.invalid", `custom field ${reserved.key} is one of VictorOps' own`, {
      where: { field: `victoropsConfigs.${field}` },
      fix: "Choose another name for it",
    });
  }
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

function convertFields(fields: Record<string, unknown>, context: Context): Yaml {
  const { list } = context;
  const out: Yaml = { ...WRITTEN_OUT[list] };
  for (const [field, value] of Object.entries(fields)) {
    // A secret URL wins over a plain one, whichever comes first.
    if (field === "url" && fields.urlSecret) continue;
    const converted = convert(field, value, context);
    if (converted !== undefined) out[RENAMED[`${list}.${field}`] ?? RENAMED[field] ?? snakeCase(field)] = converted;
  }
  return out;
}

/** `name` is the receiver's full name. */
export function convertReceiver(
  receiver: Record<string, unknown>,
  name: string,
  namespace: string,
  scope: AlertmanagerScope,
): Yaml {
  const out: Yaml = { name };
  for (const [field, list] of Object.entries(LISTS)) {
    const configs = receiver[field] as Record<string, unknown>[] | undefined;
    if (configs?.length) out[list] = configs.map((config) => convertFields(config, { list, namespace, scope }));
  }
  return out;
}
