/** Pushover messages: everything is in the query of the URL. */
import { flag, goDuration, secret, text } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, revealSecret } from "./integration.ts";
import { truncateRunes } from "./truncate.ts";

const API = "https://api.pushover.net/1/messages.json";
/** Pushover's limits, in characters. */
const MAX_TITLE = 250;
const MAX_MESSAGE = 1024;
const MAX_URL = 512;

export const pushover = defineIntegration({
  name: "pushover",
  sendResolved: true,
  fields: {
    user_key: secret(),
    user_key_file: text(),
    token: secret(),
    token_file: text(),
    title: text('{{ template "pushover.default.title" . }}'),
    message: text('{{ template "pushover.default.message" . }}'),
    url: text('{{ template "pushover.default.url" . }}'),
    url_title: text(),
    device: text(),
    sound: text(),
    // Emergency while it fires.
    priority: text('{{ if eq .Status "firing" }}2{{ else }}0{{ end }}'),
    retry: goDuration(60_000),
    expire: goDuration(3_600_000),
    ttl: goDuration(),
    html: flag(),
    monospace: flag(),
  },
  check({ user_key, user_key_file, token, token_file, html, monospace }, fail) {
    if (!user_key && user_key_file === "") throw fail("one of user_key or user_key_file must be configured");
    if (user_key && user_key_file !== "") throw fail("at most one of user_key & user_key_file must be configured");
    if (!token && token_file === "") throw fail("one of token or token_file must be configured");
    if (token && token_file !== "") throw fail("at most one of token & token_file must be configured");
    if (html && monospace) throw fail("at most one of monospace & html must be configured");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ text, html, signal }) {
        const query = new URLSearchParams();
        query.set("token", text(revealSecret(settings.token, settings.token_file, "token_file") ?? ""));
        query.set("user", text(revealSecret(settings.user_key, settings.user_key_file, "user_key_file") ?? ""));
        query.set("title", truncateRunes(text(settings.title), MAX_TITLE));
        if (settings.html) query.set("html", "1");
        if (settings.monospace) query.set("monospace", "1");
        const message = truncateRunes((settings.html ? html : text)(settings.message), MAX_MESSAGE).trim();
        // An empty message is refused.
        query.set("message", message === "" ? "(no details)" : message);
        query.set("url", truncateRunes(text(settings.url), MAX_URL));
        query.set("url_title", text(settings.url_title));
        query.set("priority", text(settings.priority));
        query.set("retry", String(Math.trunc(settings.retry / 1000)));
        query.set("expire", String(Math.trunc(settings.expire / 1000)));
        query.set("device", text(settings.device));
        query.set("sound", text(settings.sound));
        const ttl = Math.trunc(settings.ttl / 1000);
        if (ttl > 0) query.set("ttl", String(ttl));
        query.sort();
        const answer = await client.request(`${API}?${query}`, { contentType: "text/plain", signal });
        checkStatus(answer);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
