/** PagerDuty events, version 2 (routing key) and version 1 (service key). */
import { anyMap, goDuration, list, readBlock, secret, text, url } from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { type Delivery, defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { given, goJson, sortedMap } from "./json.ts";
import { renderDeep } from "./render-deep.ts";
import { truncateRunes } from "./truncate.ts";

/** PagerDuty's limits: bytes of an event, characters of its summary. */
const MAX_EVENT = 512_000;
const MAX_SUMMARY = 1024;
const API_V1 = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";
const TOO_LARGE = {
  error: "Custom details have been removed because the original event exceeds the maximum size of 512KB",
};

const DEFAULT_DETAILS = {
  firing: "{{ .Alerts.Firing | toJson }}",
  resolved: "{{ .Alerts.Resolved | toJson }}",
  num_firing: "{{ .Alerts.Firing | len }}",
  num_resolved: "{{ .Alerts.Resolved | len }}",
};

const IMAGE = { src: text(), alt: text(), href: text() };
const LINK = { href: text(), text: text() };

function details(status: number, body: string): string {
  if (status !== 400) return "";
  try {
    const { message = "", errors = [] } = JSON.parse(body) as { message?: string; errors?: string[] };
    return `${message}: ${errors.join(",")}`;
  } catch {
    return "";
  }
}

export const pagerduty = defineIntegration({
  name: "pagerduty",
  sendResolved: true,
  fields: {
    service_key: secret(),
    service_key_file: text(),
    routing_key: secret(),
    routing_key_file: text(),
    url: url(),
    client: text('{{ template "pagerduty.default.client" . }}'),
    client_url: text('{{ template "pagerduty.default.clientURL" . }}'),
    description: text('{{ template "pagerduty.default.description" .}}'),
    details: anyMap(),
    images: list((node) => readBlock(node, IMAGE, "pagerduty.PagerdutyImage")),
    links: list((node) => readBlock(node, LINK, "pagerduty.PagerdutyLink")),
    source: text(),
    severity: text(),
    class: text(),
    component: text(),
    group: text(),
    timeout: goDuration(),
  },
  check(settings, fail) {
    const { routing_key, routing_key_file, service_key, service_key_file } = settings;
    if (!routing_key && !service_key && routing_key_file === "" && service_key_file === "")
      throw fail("missing service or routing key in PagerDuty config");
    if (routing_key && routing_key_file !== "")
      throw fail("at most one of routing_key & routing_key_file must be configured");
    if (service_key && service_key_file !== "")
      throw fail("at most one of service_key & service_key_file must be configured");
    settings.source ||= settings.client;
    settings.severity ||= "error";
    settings.details = { ...DEFAULT_DETAILS, ...settings.details };
  },
  complete(settings, global, fail) {
    settings.url ??= global.pagerduty_url;
    if (!settings.url) throw fail("no global PagerDuty URL set");
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    const isV1 = settings.service_key !== undefined || settings.service_key_file !== "";

    function eventV1({ data, text }: Delivery, action: string, custom: unknown): Record<string, unknown> {
      const key = text(revealSecret(settings.service_key, settings.service_key_file, "service key from file") ?? "");
      if (key === "") throw new NotifyError("service key cannot be empty");
      const triggers = action === "trigger";
      return {
        service_key: key,
        incident_key: data.groupKeyHash,
        event_type: action,
        ...given({ description: truncateRunes(text(settings.description), MAX_SUMMARY) }),
        event_action: "",
        payload: null,
        ...(triggers ? given({ client: text(settings.client), client_url: text(settings.client_url) }) : {}),
        details: custom,
      };
    }

    function eventV2({ data, text }: Delivery, action: string, custom: unknown): Record<string, unknown> {
      const key = text(revealSecret(settings.routing_key, settings.routing_key_file, "routing key from file") ?? "");
      if (key === "") throw new NotifyError("routing key cannot be empty");
      const images = settings.images.map(({ src, alt, href }) => ({
        src: text(src),
        alt: text(alt),
        href: text(href),
      }));
      const links = settings.links.map((link) => ({ href: text(link.href), text: text(link.text) }));
      return {
        routing_key: key,
        dedup_key: data.groupKeyHash,
        event_action: action,
        payload: {
          summary: truncateRunes(text(settings.description), MAX_SUMMARY),
          source: text(settings.source),
          severity: text(settings.severity),
          ...given({ class: text(settings.class), component: text(settings.component), group: text(settings.group) }),
          custom_details: custom,
        },
        ...given({
          client: text(settings.client),
          client_url: text(settings.client_url),
          images: images.filter(({ src }) => src !== ""),
          links: links.filter(({ href }) => href !== ""),
        }),
      };
    }

    return {
      async send(delivery) {
        const { data, text, signal, log } = delivery;
        const custom = sortedMap(
          Object.entries(settings.details).map(([name, value]) => [name, renderDeep(value, text)] as const),
        );
        const action = data.status === "resolved" ? "resolve" : "trigger";
        const build = isV1 ? eventV1 : eventV2;
        let body = goJson(build(delivery, action, custom));
        if (Buffer.byteLength(body) > MAX_EVENT) {
          log.warn("Truncated Details because the message exceeds the limit", { bytes: Buffer.byteLength(body) });
          body = goJson(build(delivery, action, TOO_LARGE));
        }
        const { timeout } = settings;
        const answer = await client.request(isV1 ? API_V1 : settings.url!, {
          body,
          signal,
          timeout,
          integration: "pagerduty",
        });
        checkStatus(answer, { retryCodes: [isV1 ? 403 : 429], details });
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});
