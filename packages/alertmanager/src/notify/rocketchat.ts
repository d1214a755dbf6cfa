/** Rocket.Chat: a message with one attachment through the REST API. */
import { flag, list, optionalFlag, readBlock, secret, text, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { given } from "./json.ts";
import { truncateRunes } from "./truncate.ts";

const MAX_TITLE = 1024;

/** Upstream's types have no YAML names: the keys are the Go names in lower case. */
const FIELD = { short: optionalFlag(), title: text(), value: text() };
const ACTION = {
  type: text(), text: text(), url: text(), imageurl: text(), iswebview: flag(), webviewheightratio: text(), msg: text(), msginchatwindow: flag(),
  msgprocessingtype: text(),
}; // biome-ignore format: a table

/** Rocket.Chat answers errors with 200 and success: false. */
function checkBody(body: string, channel: string): void {
  let answer: { success?: boolean; error?: string };
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch (error) {
    throw new NotifyError(
      `channel ${channel}: could not unmarshal JSON response ${JSON.stringify(body.slice(0, 200))}`,
      {
        retry: true,
        reason: "clientError",
        cause: error,
      },
    );
  }
  if (!answer.success)
    throw new NotifyError(`channel ${channel}: error response from Rocketchat: ${answer.error ?? ""}`, {
      reason: "clientError",
    });
}

export const rocketchat = defineIntegration({
  name: "rocketchat",
  sendResolved: false,
  fields: {
    api_url: url(),
    token_id: secret(),
    token_id_file: text(),
    token: secret(),
    token_file: text(),
    channel: text(),
    color: text('{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'),
    title: text('{{ template "rocketchat.default.title" . }}'),
    title_link: text('{{ template "rocketchat.default.titlelink" . }}'),
    text: text('{{ template "rocketchat.default.text" . }}'),
    fields: list((node) => readBlock(node, FIELD, "rocketchat.RocketchatAttachmentField")),
    short_fields: flag(),
    emoji: text('{{ template "rocketchat.default.emoji" . }}'),
    icon_url: text('{{ template "rocketchat.default.iconurl" . }}'),
    image_url: text(),
    thumb_url: text(),
    link_names: flag(),
    actions: list((node) => readBlock(node, ACTION, "rocketchat.RocketchatAttachmentAction")),
  },
  check({ token, token_file, token_id, token_id_file }, fail) {
    if (token && token_file !== "") throw fail("at most one of token & token_file must be configured");
    if (token_id && token_id_file !== "") throw fail("at most one of token_id & token_id_file must be configured");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.rocketchat_api_url;
    settings.token_id ??= global.rocketchat_token_id;
    settings.token_id_file ||= global.rocketchat_token_id_file;
    if (!settings.token_id && settings.token_id_file === "")
      throw fail("no global Rocketchat TokenID set either inline or in a file");
    settings.token ??= global.rocketchat_token;
    settings.token_file ||= global.rocketchat_token_file;
    if (!settings.token && settings.token_file === "")
      throw fail("no global Rocketchat Token set either inline or in a file");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const target = `${settings.api_url!.replace(/\/+$/, "")}/api/v1/chat.postMessage`;
    return {
      async send({ text, signal }) {
        const attachment = given({
          title: truncateRunes(text(settings.title), MAX_TITLE),
          title_link: text(settings.title_link),
          text: text(settings.text),
          image_url: text(settings.image_url),
          thumb_url: text(settings.thumb_url),
          color: text(settings.color),
          fields: settings.fields.map(({ short, title, value }) => ({
            short: short ?? settings.short_fields,
            ...given({ title: text(title), value: text(value) }),
          })),
          actions: settings.actions.map((action) => ({
            type: "button",
            ...given({ text: text(action.text), url: text(action.url) }),
            is_webview: false,
            ...given({ msg: text(action.msg) }),
            msg_in_chat_window: false,
          })),
        });
        const channel = text(settings.channel);
        const body = {
          ...given({ channel, emoji: text(settings.emoji), avatar: text(settings.icon_url) }),
          attachments: [attachment],
        };
        // A file wins over a value, as upstream has it.
        const token = revealSecret(
          settings.token_file === "" ? settings.token : undefined,
          settings.token_file,
          "token_file",
        );
        const id = revealSecret(
          settings.token_id_file === "" ? settings.token_id : undefined,
          settings.token_id_file,
          "token_id_file",
        );
        const headers = { "x-auth-token": token ?? "", "x-user-id": id ?? "" };
        const answer = await client.request(target, { body, signal, headers });
        checkStatus(answer, {}, `channel ${JSON.stringify(channel)}: `);
        checkBody(answer.body, JSON.stringify(channel));
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
