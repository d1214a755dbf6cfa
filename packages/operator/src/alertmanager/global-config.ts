/** spec.alertmanagerConfiguration.global → the global section. */
import { UserError } from "@pharos/model";
import type { Yaml } from "../prometheus/http-client.ts";
import type { AlertmanagerGlobalConfig } from "../resources/alertmanager.ts";
import type { SecretKeyRef } from "../resources/common.ts";
import { atLeast } from "../version.ts";
import { httpConfig, receiverTls } from "./http-config.ts";
import type { AlertmanagerScope } from "./scope.ts";

/** Parts that an older Alertmanager would refuse: said here, in the words of the resource. */
const SINCE: [keyof AlertmanagerGlobalConfig, string][] = [
  ["telegram", "0.24.0"],
  ["jira", "0.28.0"],
  ["rocketChat", "0.28.0"],
  ["webex", "0.25.0"],
  ["mattermost", "0.32.0"],
];

function refuse(field: string, since: string, version: string): UserError {
  return new UserError("operator.invalid", `${field} needs Alertmanager ${since}, this is ${version}`, {
    where: { field: `spec.alertmanagerConfiguration.global.${field}` },
    fix: "Raise spec.version or remove the field",
  });
}

function checkVersions(config: AlertmanagerGlobalConfig, version: string): void {
  for (const [field, since] of SINCE) {
    if (config[field] !== undefined && !atLeast(version, since)) throw refuse(field, since, version);
  }
  if (config.smtp?.forceImplicitTLS !== undefined && !atLeast(version, "0.31.0")) {
    throw refuse("smtp.forceImplicitTLS", "0.31.0", version);
  }
}

function smtpSection(smtp: AlertmanagerGlobalConfig["smtp"], namespace: string, scope: AlertmanagerScope): Yaml {
  if (!smtp) return {};
  const out: Yaml = {};
  const text = (key: string, value: string | undefined): void => {
    if (value) out[`smtp_${key}`] = value;
  };
  text("from", smtp.from);
  text("hello", smtp.hello);
  if (smtp.smartHost) out.smtp_smarthost = `${smtp.smartHost.host}:${smtp.smartHost.port}`;
  text("auth_username", smtp.authUsername);
  text("auth_password", smtp.authPassword && scope.assets.secret(namespace, smtp.authPassword));
  text("auth_secret", smtp.authSecret && scope.assets.secret(namespace, smtp.authSecret));
  text("auth_identity", smtp.authIdentity);
  if (smtp.requireTLS !== undefined) out.smtp_require_tls = smtp.requireTLS;
  if (smtp.forceImplicitTLS !== undefined) out.smtp_force_implicit_tls = smtp.forceImplicitTLS;
  if (smtp.tlsConfig) out.smtp_tls_config = receiverTls(smtp.tlsConfig, namespace, scope);
  return out;
}

/** References are read in the namespace of the AlertmanagerConfig that is the base. */
export function globalSection(config: AlertmanagerGlobalConfig, namespace: string, scope: AlertmanagerScope): Yaml {
  checkVersions(config, scope.gate.version);
  const out: Yaml = smtpSection(config.smtp, namespace, scope);
  const text = (key: string, value: string | undefined): void => {
    if (value) out[key] = value;
  };
  const secret = (key: string, reference: SecretKeyRef | undefined): void =>
    text(key, reference && scope.assets.secret(namespace, reference).trim());
  if (config.httpConfig) out.http_config = httpConfig(config.httpConfig, namespace, scope);
  text("resolve_timeout", config.resolveTimeout);
  secret("slack_api_url", config.slackApiUrl);
  secret("opsgenie_api_url", config.opsGenieApiUrl);
  secret("opsgenie_api_key", config.opsGenieApiKey);
  text("pagerduty_url", config.pagerdutyUrl);
  text("telegram_api_url", config.telegram?.apiURL);
  text("jira_api_url", config.jira?.apiURL);
  text("rocketchat_api_url", config.rocketChat?.apiURL);
  secret("rocketchat_token", config.rocketChat?.token);
  secret("rocketchat_token_id", config.rocketChat?.tokenID);
  text("webex_api_url", config.webex?.apiURL);
  text("wechat_api_url", config.wechat?.apiURL);
  secret("wechat_api_secret", config.wechat?.apiSecret);
  text("wechat_api_corp_id", config.wechat?.apiCorpID);
  text("victorops_api_url", config.victorops?.apiURL);
  secret("victorops_api_key", config.victorops?.apiKey);
  secret("mattermost_webhook_url", config.mattermost?.webhookURL);
  return out;
}
