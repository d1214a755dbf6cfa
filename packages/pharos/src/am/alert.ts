/** `alert add` and `alert query`. */
import { type ApiAlert, ApiClient, query } from "./client.ts";
import { failed, listOf, type Subcommand, textOf } from "./context.ts";
import { writeAlerts } from "./format.ts";
import { parsePairs, syntaxOf, withAlertName } from "./matchers.ts";

/** RFC 3339; "" is none. */
export function parseMoment(text: string, flag: string): string | undefined {
  if (text === "") return undefined;
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(Date.parse(text)))
    throw failed(`--${flag} is not a date-time: ${JSON.stringify(text)}`, "Write it like 2006-01-02T15:04:05-07:00");
  return text;
}

const add: Subcommand = {
  path: "alert add",
  summary: "Add a new alert. A first argument without '=' is the alertname.",
  remote: true,
  flags: {
    "generator-url": { type: "string", default: "", help: "Set the URL of the source that generated the alert." },
    start: { type: "string", default: "", help: "Set when the alert should start. RFC3339 format." },
    end: { type: "string", default: "", help: "Set when the alert should end. RFC3339 format." },
    annotation: { type: "string", multiple: true, help: "Set an annotation to be included with the alert." },
  },
  async run(invocation) {
    const { values, args } = invocation;
    const syntax = syntaxOf(values);
    const startsAt = parseMoment(textOf(values, "start"), "start");
    const endsAt = parseMoment(textOf(values, "end"), "end");
    const alert = {
      labels: parsePairs(withAlertName(args, syntax), syntax, "labels"),
      annotations: parsePairs(listOf(values, "annotation"), syntax, "annotations"),
      generatorURL: textOf(values, "generator-url"),
      ...(startsAt ? { startsAt } : {}),
      ...(endsAt ? { endsAt } : {}),
    };
    await using client = await ApiClient.open(invocation);
    await client.call("POST", "/api/v2/alerts", [alert]);
    return 0;
  },
};

const queryAlerts: Subcommand = {
  path: "alert query",
  summary: "View and search through current alerts; active ones unless a state is asked for.",
  remote: true,
  flags: {
    inhibited: { type: "boolean", short: "i", help: "Show inhibited alerts." },
    silenced: { type: "boolean", short: "s", help: "Show silenced alerts." },
    active: { type: "boolean", short: "a", help: "Show active alerts." },
    unprocessed: { type: "boolean", short: "u", help: "Show unprocessed alerts." },
    receiver: {
      type: "string",
      default: "",
      short: "r",
      help: "Show alerts matching receiver (Supports regex syntax).",
    },
  },
  async run(invocation) {
    const { values, args } = invocation;
    const { inhibited, silenced, unprocessed } = values;
    const active = Boolean(values.active) || !(inhibited || silenced || unprocessed);
    await using client = await ApiClient.open(invocation);
    const filter = withAlertName(args, syntaxOf(values));
    const wanted = {
      active,
      inhibited: Boolean(inhibited),
      silenced: Boolean(silenced),
      unprocessed: Boolean(unprocessed),
      receiver: textOf(values, "receiver"),
      filter,
    };
    writeAlerts(invocation, await client.call<ApiAlert[]>("GET", `/api/v2/alerts${query(wanted)}`));
    return 0;
  },
};

export const alertCommands: readonly Subcommand[] = [queryAlerts, add];
