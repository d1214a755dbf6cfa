/** The running configuration as the API may show it. */
import { redactYaml } from "@pharos/kit";

/** Keys whose value is a secret wherever they stand (their `_file` variants are paths and stay). */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  "password", "bearer_token", "credentials", "client_secret", "client_certificate_key", "secrets", "key", "token", "token_id", "api_key",
  "api_secret", "app_token", "bot_token", "user_key", "service_key", "secret_key", "auth_password", "auth_secret", "alert_source_token",
  "webhook_url", "slack_api_url", "slack_app_token", "victorops_api_key", "smtp_auth_password", "smtp_auth_secret", "opsgenie_api_key",
  "wechat_api_secret", "telegram_bot_token", "rocketchat_token", "rocketchat_token_id", "mattermost_webhook_url",
]); // biome-ignore format: a list

/** Keys that are secret only in the list they stand in. */
const SECRET_IN: Readonly<Record<string, string>> = {
  webhook_configs: "url",
  slack_configs: "api_url",
  pagerduty_configs: "routing_key",
};

export function redactConfig(text: string): string {
  return redactYaml(text, (key, parent) => SECRET_KEYS.has(key) || SECRET_IN[parent] === key);
}
