/** Telegram bots. */
import { digits, flag, secret, text, url, whole } from "../config/fields.ts";
import { NotifyClient, reasonOf } from "./http.ts";
import { defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { truncateRunes } from "./truncate.ts";

/** Telegram's limit, in characters. */
const MAX_MESSAGE = 4096;
/** A cut HTML message may be no HTML any more: this goes out in its place. */
const TOO_LONG = `Alertmanager notification could not be sent: message length exceeds Telegram limits.
			Please check the template used for producing the message content.`;

export const telegram = defineIntegration({
  name: "telegram",
  sendResolved: true,
  fields: {
    api_url: url(),
    bot_token: secret(),
    bot_token_file: text(),
    chat_id: digits(),
    chat_id_file: text(),
    message_thread_id: whole(),
    message: text('{{ template "telegram.default.message" . }}'),
    disable_notifications: flag(),
    parse_mode: text("HTML"),
  },
  check({ bot_token, bot_token_file, chat_id, chat_id_file, parse_mode }, fail) {
    if (bot_token && bot_token_file !== "") throw fail("at most one of bot_token & bot_token_file must be configured");
    if (chat_id === "0" && chat_id_file === "") throw fail("missing chat_id or chat_id_file on telegram_config");
    if (chat_id !== "0" && chat_id_file !== "") throw fail("at most one of chat_id & chat_id_file must be configured");
    if (!["", "Markdown", "MarkdownV2", "HTML"].includes(parse_mode))
      throw fail("unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.telegram_api_url;
    if (settings.bot_token || settings.bot_token_file !== "") return;
    if (!global.telegram_bot_token && global.telegram_bot_token_file === "")
      throw fail("missing bot_token or bot_token_file on telegram_config");
    settings.bot_token = global.telegram_bot_token;
    settings.bot_token_file = global.telegram_bot_token_file;
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);

    function message(render: { text(template: string): string; html(template: string): string }): string {
      if (settings.parse_mode !== "HTML") return truncateRunes(render.text(settings.message), MAX_MESSAGE);
      const rendered = render.html(settings.message);
      return [...rendered].length > MAX_MESSAGE ? TOO_LONG : rendered;
    }

    return {
      async send({ text, html, signal }) {
        const body = message({ text, html });
        const token = revealSecret(settings.bot_token, settings.bot_token_file, "bot_token_file") ?? "";
        const chat =
          settings.chat_id === "0" ? revealSecret(undefined, settings.chat_id_file, "chat_id_file") : settings.chat_id;
        if (!chat || !/^-?\d+$/.test(chat))
          throw new NotifyError(`could not parse chat_id from ${settings.chat_id_file}`, { retry: true });
        const answer = await client.request(`${settings.api_url!.replace(/\/+$/, "")}/bot${token}/sendMessage`, {
          signal,
          body: {
            chat_id: chat,
            ...(settings.disable_notifications ? { disable_notification: "true" } : {}),
            disable_web_page_preview: "true",
            ...(settings.message_thread_id === 0 ? {} : { message_thread_id: String(settings.message_thread_id) }),
            ...(settings.parse_mode === "" ? {} : { parse_mode: settings.parse_mode }),
            text: body,
          },
        });
        const { ok, code, problem } = parseAnswer(answer.body, answer.status);
        // Whatever went wrong may be over at the next try.
        if (!ok) throw new NotifyError(`telegram: ${problem} (${code})`, { retry: true, reason: reasonOf(code) });
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});

function parseAnswer(body: string, status: number): { ok: boolean; code: number; problem: string } {
  try {
    const {
      ok,
      error_code: code,
      description,
    } = JSON.parse(body) as {
      ok?: boolean;
      error_code?: number;
      description?: string;
    };
    return { ok: ok === true, code: code ?? status, problem: description ?? "unknown error" };
  } catch {
    return { ok: false, code: status, problem: `the answer is not JSON: ${body.slice(0, 200)}` };
  }
}
