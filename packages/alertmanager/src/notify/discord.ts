/** Discord webhooks: one embed. */
import { secretUrl, text } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, revealSecret } from "./integration.ts";
import { given } from "./json.ts";
import { truncateRunes } from "./truncate.ts";

/** Discord's limits, in characters. */
const MAX_TITLE = 256;
const MAX_DESCRIPTION = 4096;
const MAX_CONTENT = 2000;
const COLORS = { firing: 0x992d22, resolved: 0x2ecc71 };

export const discord = defineIntegration({
  name: "discord",
  sendResolved: true,
  fields: {
    webhook_url: secretUrl(),
    webhook_url_file: text(),
    content: text(),
    title: text('{{ template "discord.default.title" . }}'),
    message: text('{{ template "discord.default.message" . }}'),
    username: text(),
    avatar_url: text(),
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
        const { username, avatar_url: avatar } = settings;
        const title = truncateRunes(text(settings.title), MAX_TITLE);
        const description = truncateRunes(text(settings.message), MAX_DESCRIPTION);
        const content = truncateRunes(text(settings.content), MAX_CONTENT);
        const body = {
          content,
          embeds: [{ title, description, color: COLORS[data.status] }],
          ...given({ username, avatar_url: URL.canParse(avatar) ? avatar : "" }),
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
