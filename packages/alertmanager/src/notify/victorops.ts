/** VictorOps (Splunk On-Call), generic REST endpoint. */
import { secret, text, textMap, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, revealSecret } from "./integration.ts";
import { sortedMap } from "./json.ts";
import { truncateRunes } from "./truncate.ts";

/** VictorOps' limit, in characters. */
const MAX_STATE_MESSAGE = 20_480;
const FIRING_TYPES: ReadonlySet<string> = new Set(["INFO", "WARNING", "CRITICAL"]);
/** Keys a custom field may not take: they are the message's own. */
const RESERVED = [
  "routing_key",
  "message_type",
  "state_message",
  "entity_display_name",
  "monitoring_tool",
  "entity_id",
  "entity_state",
];

export const victorops = defineIntegration({
  name: "victorops",
  goType: "config.plain",
  sendResolved: true,
  fields: {
    api_key: secret(),
    api_key_file: text(),
    api_url: url(),
    routing_key: text(),
    message_type: text("CRITICAL"),
    state_message: text('{{ template "victorops.default.state_message" . }}'),
    entity_display_name: text('{{ template "victorops.default.entity_display_name" . }}'),
    monitoring_tool: text('{{ template "victorops.default.monitoring_tool" . }}'),
    custom_fields: textMap(),
  },
  check({ routing_key, api_key, api_key_file, custom_fields }, fail) {
    if (routing_key === "") throw fail("missing Routing key in VictorOps config");
    if (api_key && api_key_file !== "") throw fail("at most one of api_key & api_key_file must be configured");
    const reserved = RESERVED.find((name) => name in custom_fields);
    if (reserved)
      throw fail(
        `victorOps config contains custom field ${reserved} which cannot be used as it conflicts with the fixed/static fields`,
      );
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.victorops_api_url;
    if (!settings.api_url) throw fail("no global VictorOps URL set");
    settings.api_key ??= global.victorops_api_key;
    settings.api_key_file ||= global.victorops_api_key_file;
    if (!settings.api_key && settings.api_key_file === "") throw fail("no global VictorOps API Key set");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ data, text, signal, log }) {
        const wanted = text(settings.message_type);
        const firing = FIRING_TYPES.has(wanted) ? wanted : "CRITICAL";
        const state = text(settings.state_message);
        const message = truncateRunes(state, MAX_STATE_MESSAGE);
        if (message !== state) log.warn("Truncated state_message", { max_runes: MAX_STATE_MESSAGE });
        const body = sortedMap([
          ["message_type", data.status === "resolved" ? "RECOVERY" : firing],
          ["entity_id", data.groupKeyHash],
          ["entity_display_name", text(settings.entity_display_name)],
          ["state_message", message],
          ["monitoring_tool", text(settings.monitoring_tool)],
          ...Object.entries(settings.custom_fields).map(([name, value]) => [name, text(value)] as const),
        ]);
        const target = new URL(settings.api_url!);
        const key = revealSecret(settings.api_key, settings.api_key_file, "api_key_file") ?? "";
        target.pathname = `${target.pathname.replace(/\/*$/, "/")}${encodePath(key)}/${encodePath(text(settings.routing_key))}`;
        const answer = await client.request(String(target), { body, signal });
        checkStatus(answer);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});

/** As Go writes paths: a routing key may hold slashes, and what need not be escaped is not. */
function encodePath(text: string): string {
  return encodeURI(text).replace(/[?#!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
