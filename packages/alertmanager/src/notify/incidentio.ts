/** incident.io alert sources: upstream's webhook payload with version 1. */
import type { HttpClientConfig } from "@pharos/kit";
import { goDuration, secret, text, url, whole } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { goJson } from "./json.ts";
import { limitAlerts, payloadOf } from "./payload.ts";

/** What incident.io takes, in bytes. */
const MAX_PAYLOAD = 512 * 1024;

function details(_status: number, body: string): string {
  try {
    const { message, error, errors } = JSON.parse(body) as { message?: string; error?: string; errors?: string[] };
    return [message, error, errors?.join(", ")].filter(Boolean).join(": ");
  } catch {
    return "";
  }
}

export const incidentio = defineIntegration({
  name: "incidentio",
  sendResolved: true,
  fields: {
    url: url(),
    url_file: text(),
    alert_source_token: secret(),
    alert_source_token_file: text(),
    max_alerts: whole({ min: 0 }),
    timeout: goDuration(),
  },
  check({ url: address, url_file, alert_source_token: token, alert_source_token_file: tokenFile, http }, fail) {
    if (!address && url_file === "") throw fail("one of url or url_file must be configured");
    if (address && url_file !== "") throw fail("at most one of url & url_file must be configured");
    if (token && tokenFile !== "")
      throw fail("at most one of alert_source_token & alert_source_token_file must be configured");
    const hasToken = token !== undefined || tokenFile !== "";
    if (http?.authorization && hasToken)
      throw fail("cannot specify alert_source_token or alert_source_token_file when using http_config.authorization");
    if (http && !http.authorization && !hasToken)
      throw fail(
        "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured",
      );
  },
  create(settings, { http, version }) {
    const { alert_source_token: token, alert_source_token_file: file } = settings;
    const credentials = token ? { value: token } : file === "" ? undefined : { file };
    const config: HttpClientConfig = credentials ? { ...http, authorization: { type: "Bearer", credentials } } : http;
    const client = new NotifyClient(config, version);
    return {
      async send({ data, signal, log }) {
        const limited = limitAlerts(data, settings.max_alerts);
        const message = {
          ...payloadOf(limited),
          version: "1",
          groupKey: data.groupKey,
          truncatedAlerts: limited.truncatedAlerts,
        };
        let body = goJson(message);
        const size = Buffer.byteLength(body);
        if (size > MAX_PAYLOAD) {
          // The group becomes one alert over there anyhow: one of its alerts is better than none.
          body = goJson({ ...message, alerts: message.alerts.slice(0, 1) });
          log.warn("Truncated alert content due to incident.io payload size limit", { original_size: size });
        }
        const target = settings.url ?? revealSecret(undefined, settings.url_file, "url_file");
        if (!target) throw new NotifyError("the URL is empty");
        const answer = await client.request(target, {
          body,
          signal,
          timeout: settings.timeout,
          integration: "incident.io",
        });
        checkStatus(answer, { retryCodes: [429], details });
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
