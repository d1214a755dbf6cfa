/** Microsoft Teams, connectors of the older kind: a message card. */
import { secretUrl, text } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, revealSecret } from "./integration.ts";

const COLORS = { firing: "8C1A1A", resolved: "2DC72D" };

export const msteams = defineIntegration({
  name: "msteams",
  sendResolved: true,
  fields: {
    webhook_url: secretUrl(),
    webhook_url_file: text(),
    title: text('{{ template "msteams.default.title" . }}'),
    summary: text('{{ template "msteams.default.summary" . }}'),
    text: text('{{ template "msteams.default.text" . }}'),
  },
  check({ webhook_url, webhook_url_file }, fail) {
    if (!webhook_url && webhook_url_file === "")
      throw fail("one of webhook_url or webhook_url_file must be configured");
    if (webhook_url && webhook_url_file !== "")
      throw fail("at most one of webhook_url & webhook_url_file must be configured");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ data, text, signal }) {
        const body = {
          "@context": "http://schema.org/extensions",
          type: "MessageCard",
          title: text(settings.title),
          summary: text(settings.summary),
          text: text(settings.text),
          themeColor: COLORS[data.status],
        };
        const url = revealSecret(settings.webhook_url, settings.webhook_url_file, "webhook_url_file") ?? "";
        const answer = await client.request(url, { body, signal });
        checkStatus(answer);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
