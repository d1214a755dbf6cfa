/** The `global` block: what integrations take when they do not say it themselves. */
import { type HttpClientConfig, parseHttpClientConfig, parseYaml, type YamlNode } from "@pharos/kit";
import {
  configError,
  duration,
  flag,
  hostPort,
  optionalFlag,
  readFields,
  secret,
  secretUrl,
  text,
  tls,
  url,
  type ValuesOf,
} from "./fields.ts";

const FIELDS = {
  resolve_timeout: duration(300_000),
  jira_api_url: url(),
  smtp_from: text(),
  smtp_hello: text("localhost"),
  smtp_smarthost: hostPort(),
  smtp_auth_username: text(),
  smtp_auth_password: secret(),
  smtp_auth_password_file: text(),
  smtp_auth_secret: secret(),
  smtp_auth_secret_file: text(),
  smtp_auth_identity: text(),
  smtp_require_tls: flag(true),
  smtp_tls_config: tls(),
  smtp_force_implicit_tls: optionalFlag(),
  slack_api_url: secretUrl(),
  slack_api_url_file: text(),
  slack_app_token: secret(),
  slack_app_token_file: text(),
  slack_app_url: url("https://slack.com/api/chat.postMessage"),
  pagerduty_url: url("https://events.pagerduty.com/v2/enqueue"),
  opsgenie_api_url: url("https://api.opsgenie.com/"),
  opsgenie_api_key: secret(),
  opsgenie_api_key_file: text(),
  wechat_api_url: url("https://qyapi.weixin.qq.com/cgi-bin/"),
  wechat_api_secret: secret(),
  wechat_api_secret_file: text(),
  wechat_api_corp_id: text(),
  victorops_api_url: url("https://alert.victorops.com/integrations/generic/20131114/alert/"),
  victorops_api_key: secret(),
  victorops_api_key_file: text(),
  telegram_api_url: url("https://api.telegram.org"),
  telegram_bot_token: secret(),
  telegram_bot_token_file: text(),
  webex_api_url: url("https://webexapis.com/v1/messages"),
  rocketchat_api_url: url("https://open.rocket.chat/"),
  rocketchat_token: secret(),
  rocketchat_token_file: text(),
  rocketchat_token_id: secret(),
  rocketchat_token_id_file: text(),
  mattermost_webhook_url: secretUrl(),
  mattermost_webhook_url_file: text(),
} as const;

export type GlobalSettings = ValuesOf<typeof FIELDS> & { http: HttpClientConfig };

/** Pairs of which at most one may be given. */
const EXCLUSIVE: readonly (keyof typeof FIELDS)[] = [
  "slack_app_token", "slack_api_url", "opsgenie_api_key", "victorops_api_key", "telegram_bot_token", "smtp_auth_password", "rocketchat_token",
  "rocketchat_token_id", "smtp_auth_secret", "wechat_api_secret", "mattermost_webhook_url",
]; // biome-ignore format: a list

export function readGlobal(node: YamlNode | undefined): GlobalSettings {
  const source = node && !node.isNull ? node : parseYaml("{}");
  const map = source.map();
  const httpNode = map.get("http_config");
  const httpMap = (httpNode && !httpNode.isNull ? httpNode : parseYaml("{}")).map();
  const http = parseHttpClientConfig(httpMap);
  httpMap.done("config.HTTPClientConfig");
  const settings = { ...readFields(map, FIELDS), http };
  map.done("config.plain");
  return settings;
}

/** The rules between fields; upstream looks at them when the whole file has been read. */
export function checkGlobal(settings: GlobalSettings, node: YamlNode): void {
  const isGiven = (value: unknown): boolean => value !== undefined && value !== "";
  for (const name of EXCLUSIVE) {
    const file = `${name}_file` as keyof typeof FIELDS;
    if (isGiven(settings[name]) && isGiven(settings[file]))
      throw configError(node, `at most one of ${name} & ${file} must be configured`);
    if (name !== "slack_api_url") continue;
    const { slack_app_token, slack_app_token_file, slack_api_url, slack_api_url_file, slack_app_url } = settings;
    const hasToken = isGiven(slack_app_token) || isGiven(slack_app_token_file);
    const hasUrl = isGiven(slack_api_url) || isGiven(slack_api_url_file);
    // An API URL beside a token is allowed when it is the one that takes tokens.
    if (hasToken && hasUrl && slack_api_url?.reveal() !== slack_app_url)
      throw configError(
        node,
        "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured",
      );
  }
}
