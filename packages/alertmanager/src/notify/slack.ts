/** Slack incoming webhooks: one message with one attachment. */
import { readFileSync } from "node:fs";
import type { SlackConfig, SlackText } from "../config/receivers.ts";
import type { NotificationData } from "./data.ts";
import type { OutgoingRequest } from "./integration.ts";
import type { Templates } from "./templates.ts";

/** Slack cuts longer titles without saying so. */
const MAX_TITLE = 1024;

function cut(text: string, runes: number): string {
  const characters = [...text];
  return characters.length <= runes ? text : `${characters.slice(0, runes - 1).join("")}…`;
}

/** Empty settings are left out, as Slack reads an empty one differently from none. */
function given(entries: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(entries).filter(([, value]) => value !== "" && value !== undefined && value !== false),
  );
}

/** Slack answers `ok` as text, or JSON with ok: true; anything else is a refusal. */
function checkAnswer(body: string, contentType: string): string | undefined {
  if (!contentType.startsWith("application/json"))
    return body === "ok" ? undefined : `received an error response from Slack: ${body.slice(0, 200)}`;
  try {
    const { ok, error } = JSON.parse(body) as { ok?: boolean; error?: string };
    return ok ? undefined : `error response from Slack: ${error ?? "unknown"}`;
  } catch {
    return "could not unmarshal JSON response from Slack";
  }
}

export function slackRequest(
  config: SlackConfig,
  data: NotificationData,
  templates: Templates,
  now: number,
): OutgoingRequest {
  const expand = (text: string): string => templates.expand(text, data, now);
  const text = (name: SlackText): string => expand(config.texts[name]);
  const attachment = {
    ...given({ title: cut(text("title"), MAX_TITLE), title_link: text("title_link"), pretext: text("pretext") }),
    text: text("text"),
    fallback: text("fallback"),
    callback_id: text("callback_id"),
    ...(config.fields.length > 0
      ? {
          fields: config.fields.map(({ title, value, short }) => ({
            title: expand(title),
            value: expand(value),
            short: short ?? config.shortFields,
          })),
        }
      : {}),
    ...(config.actions.length > 0
      ? {
          actions: config.actions.map(({ confirm, ...action }) => ({
            ...given(Object.fromEntries(Object.entries(action).map(([name, value]) => [name, expand(value)]))),
            ...(confirm
              ? {
                  confirm: given(
                    Object.fromEntries(Object.entries(confirm).map(([name, value]) => [name, expand(value)])),
                  ),
                }
              : {}),
          })),
        }
      : {}),
    ...given({ image_url: text("image_url"), thumb_url: text("thumb_url") }),
    footer: text("footer"),
    ...given({ color: text("color") }),
    mrkdwn_in: config.mrkdwnIn,
  };
  return {
    url: config.apiUrl?.reveal() ?? readFileSync(config.apiUrlFile, "utf8").trim(),
    timeout: config.timeout,
    check: checkAnswer,
    body: {
      ...given({
        channel: text("channel"),
        username: text("username"),
        icon_emoji: text("icon_emoji"),
        icon_url: text("icon_url"),
        link_names: config.linkNames,
      }),
      attachments: [attachment],
    },
  };
}
