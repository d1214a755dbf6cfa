/** Mattermost incoming webhooks, with attachments as Slack has them. */
import {
  block,
  configError,
  flag,
  list,
  optionalBlock,
  optionalFlag,
  readBlock,
  secretUrl,
  text,
} from "../config/fields.ts";
import { checkStatus, NotifyClient } from "./http.ts";
import { defineIntegration, NotifyError, revealSecret } from "./integration.ts";
import { given } from "./json.ts";
import { truncateRunes } from "./truncate.ts";

/** Mattermost's limit, in characters. */
const MAX_TEXT = 16_383;

const FIELD = { title: text(), value: text(), short: optionalFlag() };
const fields = list((node) => {
  const field = readBlock(node, FIELD, "mattermost.plain");
  if (field.title === "") throw configError(node, "missing title in Mattermost field configuration");
  if (field.value === "") throw configError(node, "missing value in Mattermost field configuration");
  return field;
});

const ATTACHMENT_TEXTS = [
  "fallback", "color", "pretext", "text", "author_name", "author_link", "author_icon", "title", "title_link", "thumb_url", "footer",
  "footer_icon", "image_url",
] as const; // biome-ignore format: a list
type AttachmentText = (typeof ATTACHMENT_TEXTS)[number];
type Attachment = Record<AttachmentText, string> & {
  fields: { title: string; value: string; short: boolean | undefined }[];
};

const ATTACHMENT = {
  ...(Object.fromEntries(ATTACHMENT_TEXTS.map((name) => [name, text()])) as Record<
    AttachmentText,
    ReturnType<typeof text>
  >),
  fields,
};

const PRIORITIES = ["urgent", "important", "standard"];

export const mattermost = defineIntegration({
  name: "mattermost",
  sendResolved: true,
  fields: {
    webhook_url: secretUrl(),
    webhook_url_file: text(),
    channel: text(),
    username: text('{{ template "mattermost.default.username" . }}'),
    icon_url: text(),
    icon_emoji: text(),
    type: text(),
    ...ATTACHMENT,
    text: text('{{ template "mattermost.default.text" . }}'),
    color: text('{{ template "mattermost.default.color" . }}'),
    title: text('{{ template "mattermost.default.title" . }}'),
    title_link: text('{{ template "mattermost.default.titlelink" . }}'),
    fallback: text('{{ template "mattermost.default.fallback" . }}'),
    attachments: list((node) => readBlock(node, ATTACHMENT, "mattermost.MattermostAttachment")),
    props: block({ card: text() }, "mattermost.MattermostProps"),
    priority: optionalBlock(
      { priority: text(), requested_ack: flag(), persistent_notifications: flag() },
      "mattermost.MattermostPriority",
    ),
  },
  check({ webhook_url, webhook_url_file }, fail) {
    if (webhook_url && webhook_url_file !== "")
      throw fail("at most one of webhook_url & webhook_url_file must be configured");
  },
  complete(settings, global, fail) {
    if (settings.webhook_url || settings.webhook_url_file !== "") return;
    if (!global.mattermost_webhook_url && global.mattermost_webhook_url_file === "")
      throw fail("missing webhook_url or webhook_url_file on mattermost_config");
    settings.webhook_url = global.mattermost_webhook_url;
    settings.webhook_url_file = global.mattermost_webhook_url_file;
  },
  create(settings, { http, version }) {
    const client = new NotifyClient(http, version);
    return {
      async send({ text, signal }) {
        const attachment = (source: Attachment): Record<string, unknown> => {
          const entries = ATTACHMENT_TEXTS.map((name) => [name, text(source[name])] as const);
          return given({
            ...Object.fromEntries(entries),
            fields: source.fields.map(({ title, value, short }) => ({
              ...given({ title: text(title), value: text(value) }),
              ...(short === undefined ? {} : { short }),
            })),
          });
        };
        const own = settings.attachments.length > 0;
        // With attachments of the user's own the text stands beside them, else in the one attachment.
        const message = own ? truncateRunes(text(settings.text), MAX_TEXT) : "";
        const channel = text(settings.channel);
        const body = {
          ...given({
            text: message,
            channel,
            username: text(settings.username),
            icon_url: text(settings.icon_url),
            icon_emoji: text(settings.icon_emoji),
          }),
          attachments: own ? settings.attachments.map(attachment) : [attachment(settings)],
          ...given({ type: text(settings.type) }),
          ...(settings.props.card === "" ? {} : { props: { card: text(settings.props.card) } }),
          ...priorityOf(settings.priority, text),
        };
        const url = revealSecret(settings.webhook_url, settings.webhook_url_file, "webhook_url_file");
        if (!url) throw new NotifyError("webhook url missing");
        const answer = await client.request(url, { body, signal });
        checkStatus(answer, {}, `channel ${JSON.stringify(channel)}: `);
        return answer.body;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
});

interface Priority {
  priority: string;
  requested_ack: boolean;
  persistent_notifications: boolean;
}

/** Mattermost refuses acknowledgements of standard messages, and persistent ones that are not urgent. */
function priorityOf(settings: Priority | undefined, text: (template: string) => string): { priority?: unknown } {
  if (!settings || settings.priority === "") return {};
  const wanted = text(settings.priority).toLowerCase();
  const priority = PRIORITIES.includes(wanted) ? wanted : "standard";
  return {
    priority: {
      priority,
      ...given({
        requested_ack: settings.requested_ack && priority !== "standard",
        persistent_notifications: settings.persistent_notifications && priority === "urgent",
      }),
    },
  };
}
