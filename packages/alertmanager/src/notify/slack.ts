/** Slack: incoming webhooks and the web API with an app token; one message with one attachment, updated in place where asked for. */
import type { HttpClientConfig } from "@pharos/kit";
import {
  configError,
  flag,
  goDuration,
  list,
  optionalBlock,
  optionalFlag,
  readBlock,
  secret,
  secretUrl,
  text,
  texts,
  url,
} from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { type Delivery, defineIntegration, NotifyError, type ReceiverData, revealSecret } from "./integration.ts";
import { given } from "./json.ts";
import { truncateRunes } from "./truncate.ts";

/** Slack cuts longer titles without saying so. */
const MAX_TITLE = 1024;
const POST_MESSAGE = "https://slack.com/api/chat.postMessage";
const MARKDOWN_IN = ["fallback", "pretext", "text"];

/** Attachment texts, in the order of upstream's payload. */
const LEADING = ["title_link", "pretext"] as const;

const FIELD = { title: text(), value: text(), short: optionalFlag() };
const CONFIRM = { text: text(), title: text(), ok_text: text(), dismiss_text: text() };
const ACTION = {
  type: text(), text: text(), url: text(), style: text(), name: text(), value: text(), confirm: optionalBlock(CONFIRM, "config.plain"),
}; // biome-ignore format: a table

/** Slack answers `ok` as text, or JSON with ok: true; anything else is a refusal. What it says of the message is kept. */
function checkAnswer(body: string, contentType: string, channel: string, store: ReceiverData | undefined): void {
  const prefix = `channel ${JSON.stringify(channel)}: `;
  if (!contentType.startsWith("application/json")) {
    if (body !== "ok")
      throw new NotifyError(`${prefix}received an error response from Slack: ${body.slice(0, 500)}`, {
        reason: "clientError",
      });
    return;
  }
  let answer: { ok?: boolean; error?: string; channel?: string; ts?: string };
  try {
    answer = JSON.parse(body) as typeof answer;
  } catch (error) {
    throw new NotifyError(`${prefix}could not unmarshal JSON response ${JSON.stringify(body.slice(0, 500))}`, {
      retry: true,
      reason: "clientError",
      cause: error,
    });
  }
  if (!answer.ok)
    throw new NotifyError(`${prefix}error response from Slack: ${answer.error ?? ""}`, { reason: "clientError" });
  if (!store || !answer.ts || !answer.channel) return;
  store.set("threadTs", answer.ts);
  store.set("channelId", answer.channel);
}

export const slack = defineIntegration({
  name: "slack",
  goType: "config.plain",
  sendResolved: false,
  fields: {
    api_url: secretUrl(),
    api_url_file: text(),
    app_token: secret(),
    app_token_file: text(),
    app_url: url(),
    channel: text(),
    username: text('{{ template "slack.default.username" . }}'),
    color: text('{{ template "slack.default.color" . }}'),
    title: text('{{ template "slack.default.title" . }}'),
    title_link: text('{{ template "slack.default.titlelink" . }}'),
    pretext: text('{{ template "slack.default.pretext" . }}'),
    text: text('{{ template "slack.default.text" . }}'),
    message_text: text(),
    fields: list((node) => {
      const field = readBlock(node, FIELD, "config.plain");
      if (field.title === "") throw configError(node, "missing title in Slack field configuration");
      if (field.value === "") throw configError(node, "missing value in Slack field configuration");
      return field;
    }),
    short_fields: flag(),
    footer: text('{{ template "slack.default.footer" . }}'),
    fallback: text('{{ template "slack.default.fallback" . }}'),
    callback_id: text('{{ template "slack.default.callbackid" . }}'),
    icon_emoji: text('{{ template "slack.default.iconemoji" . }}'),
    icon_url: text('{{ template "slack.default.iconurl" . }}'),
    image_url: text(),
    thumb_url: text(),
    link_names: flag(),
    mrkdwn_in: texts(),
    actions: list((node) => {
      const action = readBlock(node, ACTION, "config.plain");
      if (action.type === "") throw configError(node, "missing type in Slack action configuration");
      if (action.text === "") throw configError(node, "missing text in Slack action configuration");
      if (action.confirm && action.confirm.text === "")
        throw configError(node, "missing text in Slack confirmation configuration");
      if (action.url !== "") return { ...action, name: "", value: "", confirm: undefined };
      if (action.name === "") throw configError(node, "missing name or url in Slack action configuration");
      return action;
    }),
    update_message: flag(),
    /** Pharos' own: later notifications of a group answer the first one in its thread. */
    thread_replies: flag(),
    timeout: goDuration(),
  },
  check(settings, fail) {
    const { api_url, api_url_file, app_token, app_token_file } = settings;
    if (api_url && api_url_file !== "") throw fail("at most one of api_url & api_url_file must be configured");
    if (app_token && app_token_file !== "") throw fail("at most one of app_token & app_token_file must be configured");
    if ((api_url || api_url_file !== "") && (app_token || app_token_file !== ""))
      throw fail("at most one of api_url/api_url_file & app_token/app_token_file must be configured");
    if (settings.update_message && api_url?.reveal() !== POST_MESSAGE)
      throw fail(`update_message can only be used with bot tokens. api_url must be set to ${POST_MESSAGE}`);
    if (settings.update_message && settings.thread_replies)
      throw fail("at most one of update_message & thread_replies must be configured");
  },
  complete(settings, global, fail) {
    settings.app_url ??= global.slack_app_url;
    if (!settings.app_url) throw fail("no global Slack App URL set");
    const isSet = (value: unknown, file: string): boolean => value !== undefined || file !== "";
    if (!isSet(settings.app_token, settings.app_token_file) && !settings.http?.authorization && !settings.api_url) {
      settings.app_token = global.slack_app_token;
      settings.app_token_file = global.slack_app_token_file;
    }
    if (!isSet(settings.api_url, settings.api_url_file)) {
      settings.api_url = global.slack_api_url;
      settings.api_url_file = global.slack_api_url_file;
    }
    const hasToken = isSet(settings.app_token, settings.app_token_file);
    if (!isSet(settings.api_url, settings.api_url_file) && !hasToken)
      throw fail("no Slack API URL nor App token set either inline or in a file");
    if (hasToken && (settings.http ?? global.http).authorization)
      throw fail("http authorization can't be set when using Slack App tokens");
  },
  create(settings, { http, version }) {
    const { app_token: token, app_token_file: file } = settings;
    const hasToken = token !== undefined || file !== "";
    const config: HttpClientConfig = hasToken
      ? { ...http, authorization: { type: "Bearer", credentials: token ? { value: token } : { file } } }
      : http;
    const client = new NotifyClient(config, version);

    function attachmentOf({ text }: Delivery): Record<string, unknown> {
      const optional = (names: readonly (typeof LEADING)[number][]) =>
        given(Object.fromEntries(names.map((name) => [name, text(settings[name])])));
      return {
        ...given({ title: truncateRunes(text(settings.title), MAX_TITLE) }),
        ...optional(LEADING),
        text: text(settings.text),
        fallback: text(settings.fallback),
        callback_id: text(settings.callback_id),
        ...given({
          fields: settings.fields.map(({ title, value, short }) => ({
            ...given({ title: text(title), value: text(value) }),
            short: short ?? settings.short_fields,
          })),
          actions: settings.actions.map(({ confirm, ...action }) =>
            given({
              ...Object.fromEntries(Object.entries(action).map(([name, value]) => [name, text(value)])),
              confirm:
                confirm &&
                given(Object.fromEntries(Object.entries(confirm).map(([name, value]) => [name, text(value)]))),
            }),
          ),
          image_url: text(settings.image_url),
          thumb_url: text(settings.thumb_url),
        }),
        footer: text(settings.footer),
        ...given({ color: text(settings.color) }),
        mrkdwn_in: settings.mrkdwn_in.length > 0 ? settings.mrkdwn_in : MARKDOWN_IN,
      };
    }

    return {
      async send(delivery) {
        const { text, signal, store } = delivery;
        const attachments = [attachmentOf(delivery)];
        let target = hasToken
          ? settings.app_url!
          : revealSecret(settings.api_url, settings.api_url_file, "api_url_file");
        if (!target) throw new NotifyError("the Slack API URL is empty");
        let channel = text(settings.channel);
        let ts = "";
        let threadTs = "";
        const earlier = String(store.get("threadTs") ?? "");
        const earlierChannel = String(store.get("channelId") ?? "");
        if (earlier !== "" && earlierChannel !== "") {
          if (settings.update_message) {
            // The real one, or whatever stands in for it beside the URL that messages are posted to.
            target = target.replace(/chat\.postMessage$/, "chat.update");
            ts = earlier;
            channel = earlierChannel;
          } else if (settings.thread_replies) {
            threadTs = earlier;
            channel = earlierChannel;
          }
        }
        const body = {
          ...given({
            channel,
            ts,
            thread_ts: threadTs,
            username: text(settings.username),
            icon_emoji: text(settings.icon_emoji),
            icon_url: text(settings.icon_url),
            link_names: settings.link_names,
            text: text(settings.message_text),
          }),
          attachments,
        };
        const answer = await client.request(target, { body, signal, timeout: settings.timeout, integration: "slack" });
        checkStatus(answer, {}, `channel ${JSON.stringify(channel)}: `);
        const keeps = settings.update_message || (settings.thread_replies && threadTs === "");
        checkAnswer(answer.body, answer.contentType, channel, keeps ? store : undefined);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
