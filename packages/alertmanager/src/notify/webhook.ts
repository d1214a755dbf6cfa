/** Webhook: upstream's payload version 4, or one of the user's own. */
import { anything, goDuration, templateUrl, text, whole } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { limitAlerts, payloadOf } from "./payload.ts";
import { renderDeep } from "./render-deep.ts";
import { checkTemplate } from "./templates.ts";

export const webhook = defineIntegration({
  name: "webhook",
  sendResolved: true,
  fields: {
    url: templateUrl(checkTemplate),
    url_file: text(),
    max_alerts: whole({ min: 0 }),
    timeout: goDuration(),
    payload: anything(),
  },
  check({ url, url_file }, fail) {
    if (!url && url_file === "") throw fail("one of url or url_file must be configured");
    if (url && url_file !== "") throw fail("at most one of url & url_file must be configured");
  },
  create(settings, { http, version, templates }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ data, signal }) {
        const limited = limitAlerts(data, settings.max_alerts);
        const text = (template: string): string => templates.text(template, limited);
        const body =
          settings.payload === undefined
            ? { ...payloadOf(limited), version: "4", groupKey: data.groupKey, truncatedAlerts: limited.truncatedAlerts }
            : renderDeep(settings.payload, text);
        const url = text(revealSecret(settings.url, settings.url_file, "url_file") ?? "");
        if (url === "") throw new NotifyError("webhook URL is empty after templating");
        const { timeout } = settings;
        const answer = await client.request(url, { body, signal, timeout, integration: "webhook" });
        checkStatus(answer);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
