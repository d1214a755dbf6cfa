/** The running configuration as the API may show it. */
import { redactYaml } from "@pharos/kit";

/** Keys whose value is a secret wherever they stand (their `_file` variants are paths and stay). */
const SECRET_KEYS = new Set([
  "password",
  "bearer_token",
  "credentials",
  "client_secret",
  "secrets",
  "key",
  "token",
  "api_key",
  "slack_api_url",
  "slack_app_token",
  "victorops_api_key",
  "smtp_auth_password",
  "smtp_auth_secret",
  "opsgenie_api_key",
  "wechat_api_secret",
  "telegram_bot_token",
  "rocketchat_token",
  "rocketchat_token_id",
  "mattermost_webhook_url",
]);

/** URLs that are the credential themselves, by the list they stand in. */
const SECRET_URLS: Record<string, string> = { webhook_configs: "url", slack_configs: "api_url" };

export function redactConfig(text: string): string {
  return redactYaml(text, (key, parent) => SECRET_KEYS.has(key) || SECRET_URLS[parent] === key);
}
