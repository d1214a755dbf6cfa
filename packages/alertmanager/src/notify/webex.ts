/** Webex messages. */
import { text, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration } from "./integration.ts";
import { given } from "./json.ts";
import { truncateBytes } from "./truncate.ts";

/** Webex' limit, in bytes. */
const MAX_MESSAGE = 7439;

export const webex = defineIntegration({
  name: "webex",
  goType: "config.plain",
  sendResolved: true,
  fields: { api_url: url(), message: text('{{ template "webex.default.message" . }}'), room_id: text() },
  check({ room_id, http }, fail) {
    if (room_id === "") throw fail("missing room_id on webex_config");
    if (!http?.authorization) throw fail("missing webex_configs.http_config.authorization");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.webex_api_url;
    if (!settings.api_url) throw fail("no global Webex URL set");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ text, signal }) {
        const markdown = truncateBytes(text(settings.message), MAX_MESSAGE);
        const body = { markdown, ...given({ roomId: text(settings.room_id) }) };
        const answer = await client.request(settings.api_url!, { body, signal });
        checkStatus(answer);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
