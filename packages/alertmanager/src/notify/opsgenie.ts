/** Opsgenie alerts: created, updated where asked for, and closed by their alias. */
import { configError, flag, list, readBlock, secret, text, textMap, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { type Delivery, defineIntegration, revealSecret } from "./integration.ts";
import { given, sortedMap } from "./json.ts";
import { checkTemplate } from "./templates.ts";
import { truncateRunes } from "./truncate.ts";

/** Opsgenie's limit, in characters. */
const MAX_MESSAGE = 130;
const VALID_TYPES = "^(team|teams|user|escalation|schedule)$";
const TYPES: ReadonlySet<string> = new Set(["team", "teams", "user", "escalation", "schedule"]);

const RESPONDER = { id: text(), name: text(), username: text(), type: text() };

function split(list: string): string[] {
  return list
    .trim()
    .split(",")
    .filter((item) => item !== "");
}

interface Call {
  method: "POST" | "PUT";
  path: string;
  body: unknown;
}

export const opsgenie = defineIntegration({
  name: "opsgenie",
  sendResolved: true,
  fields: {
    api_key: secret(),
    api_key_file: text(),
    api_url: url(),
    message: text('{{ template "opsgenie.default.message" . }}'),
    description: text('{{ template "opsgenie.default.description" . }}'),
    source: text('{{ template "opsgenie.default.source" . }}'),
    details: textMap(),
    entity: text(),
    responders: list((node) => {
      const responder = readBlock(node, RESPONDER, "opsgenie.OpsGenieConfigResponder");
      const { id, name, username, type } = responder;
      const shown = `{${id} ${name} ${username} ${type}}`;
      if (id === "" && name === "" && username === "")
        throw configError(
          node,
          `opsGenieConfig responder ${shown} has to have at least one of id, username or name specified`,
        );
      if (type.includes("{{")) {
        try {
          checkTemplate(type);
        } catch (error) {
          const problem = (error as Error).message;
          throw configError(
            node,
            `opsGenieConfig responder ${shown} type contains invalid template syntax: ${problem}`,
            error,
          );
        }
      } else if (!TYPES.has(type.toLowerCase()))
        throw configError(
          node,
          `opsGenieConfig responder {${id} ${name} ${username} ${type.toLowerCase()}} type does not match valid options ${VALID_TYPES}`,
        );
      return responder;
    }),
    actions: text(),
    tags: text(),
    note: text(),
    priority: text(),
    update_alerts: flag(),
  },
  check({ api_key, api_key_file }, fail) {
    if (api_key && api_key_file !== "") throw fail("at most one of api_key & api_key_file must be configured");
  },
  complete(settings, global, fail) {
    settings.api_url ??= global.opsgenie_api_url;
    if (!settings.api_url) throw fail("no global OpsGenie URL set");
    settings.api_key ??= global.opsgenie_api_key;
    settings.api_key_file ||= global.opsgenie_api_key_file;
    if (!settings.api_key && settings.api_key_file === "")
      throw fail("no global OpsGenie API Key set either inline or in a file");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const base = new URL(settings.api_url!);
    if (!base.pathname.endsWith("/")) base.pathname += "/";

    function calls({ data, text }: Delivery): Call[] {
      const alias = data.groupKeyHash;
      if (data.status === "resolved")
        return [{ method: "POST", path: `v2/alerts/${alias}/close`, body: { source: text(settings.source) } }];
      const details = new Map<string, string>(data.commonLabels);
      for (const [name, value] of Object.entries(settings.details)) details.set(name, text(value));
      const responders = settings.responders.flatMap((given) => {
        const [id, name, username, type] = [given.id, given.name, given.username, given.type].map(text);
        if (id === "" && name === "" && username === "" && type === "") return [];
        if (type === "teams") return split(name).map((team) => ({ name: team, type: "team" }));
        const identity = Object.entries({ id, name, username }).filter(([, value]) => value !== "");
        return [{ ...Object.fromEntries(identity), type }];
      });
      const message = truncateRunes(text(settings.message), MAX_MESSAGE);
      const description = text(settings.description);
      const out: Call[] = [
        {
          method: "POST",
          path: "v2/alerts",
          body: {
            alias,
            message,
            ...given({ description }),
            details: sortedMap(details),
            source: text(settings.source),
            ...given({
              responders,
              tags: split(text(settings.tags)),
              note: text(settings.note),
              priority: text(settings.priority),
              entity: text(settings.entity),
              actions: split(text(settings.actions)),
            }),
          },
        },
      ];
      if (settings.update_alerts) {
        out.push({ method: "PUT", path: `v2/alerts/${alias}/message`, body: given({ message }) });
        out.push({ method: "PUT", path: `v2/alerts/${alias}/description`, body: given({ description }) });
      }
      return out;
    }

    return {
      async send(delivery) {
        const { text, signal } = delivery;
        const requests = calls(delivery);
        const key = text(revealSecret(settings.api_key, settings.api_key_file, "api_key_file") ?? "");
        const answers: string[] = [];
        for (const { method, path, body } of requests) {
          const target = new URL(path, base);
          if (path !== "v2/alerts") target.searchParams.set("identifierType", "alias");
          const headers = { authorization: `GenieKey ${key}` };
          const answer = await client.request(String(target), { method, body, signal, headers });
          checkStatus(answer, { retryCodes: [429] });
          answers.push(answer.body);
        }
        return answers.join("\n");
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
