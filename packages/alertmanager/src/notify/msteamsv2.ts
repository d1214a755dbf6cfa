/** Microsoft Teams through Power Automate: an adaptive card. */
import { secretUrl, text } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, revealSecret } from "./integration.ts";

const COLORS = { firing: "Attention", resolved: "Good" };

export const msteamsv2 = defineIntegration({
  name: "msteamsv2",
  sendResolved: true,
  fields: {
    webhook_url: secretUrl(),
    webhook_url_file: text(),
    title: text('{{ template "msteamsv2.default.title" . }}'),
    text: text('{{ template "msteamsv2.default.text" . }}'),
  },
  check({ webhook_url, webhook_url_file }, fail) {
    if (!webhook_url && webhook_url_file === "")
      throw fail("one of webhook_url or webhook_url_file must be configured");
    if (webhook_url && webhook_url_file !== "")
      throw fail("at most one of webhook_url & webhook_url_file must be configured");
  },
  complete(settings, global) {
    // Alone among the integrations it takes the global proxy into an http_config of its own.
    if (settings.http && settings.http.proxyUrl === undefined)
      settings.http = { ...settings.http, proxyUrl: global.http.proxyUrl };
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ data, text, signal }) {
        const title = text(settings.title);
        const color = COLORS[data.status];
        const body = {
          type: "message",
          attachments: [
            {
              contentType: "application/vnd.microsoft.card.adaptive",
              contentUrl: null,
              content: {
                $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
                type: "AdaptiveCard",
                version: "1.2",
                body: [
                  {
                    type: "TextBlock",
                    text: title,
                    weight: "Bolder",
                    size: "Medium",
                    wrap: true,
                    style: "heading",
                    color,
                  },
                  { type: "TextBlock", text: text(settings.text), wrap: true },
                ],
                msteams: { width: "full" },
              },
            },
          ],
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
