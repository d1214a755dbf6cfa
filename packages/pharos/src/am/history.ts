/** `history` and `receiver test`: what amtool does not have. */
import type { HistoryEvent } from "@pharos/alertmanager";
import { ApiClient, query } from "./client.ts";
import { failed, listOf, type Subcommand, textOf } from "./context.ts";
import { table } from "./format.ts";
import { parsePairs, syntaxOf, withAlertName } from "./matchers.ts";

function pairs(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
}

/** What happened, to whom, and why, in three cells. */
function describe(event: HistoryEvent): [what: string, whom: string, why: string] {
  switch (event.kind) {
    case "alert":
      return [event.state, pairs(event.labels), ""];
    case "notification": {
      const {
        outcome,
        receiver,
        integration,
        groupLabels,
        firing,
        resolved,
        reason,
        response = "",
        by,
        attempts,
      } = event;
      const counts = `${firing.length} firing, ${resolved.length} resolved`;
      const causes = by ? ` by ${[...new Set(Object.values(by).flat())].join(", ")}` : "";
      const tries = attempts && attempts > 1 ? ` after ${attempts} attempts` : "";
      const said = response.trim() === "" ? "" : `: ${response.trim().replace(/\s+/g, " ")}`;
      const target = integration === "" ? receiver : `${receiver}/${integration}`;
      return [outcome, `${target} {${pairs(groupLabels)}} ${counts}`, `${reason}${causes}${tries}${said}`];
    }
    case "silence":
      return [
        `silence ${event.action}`,
        event.matchers.join(" "),
        `${event.createdBy}: ${event.comment}${event.recurrence ? ` (${event.recurrence})` : ""}`,
      ];
    case "config":
      return [`configuration ${event.outcome}`, "", event.message];
  }
}

const history: Subcommand = {
  path: "history",
  summary: "What happened and why: alerts, notifications, silences; the newest first.",
  remote: true,
  flags: {
    kind: {
      type: "string",
      default: "",
      choices: ["", "alert", "notification", "silence", "config"],
      help: "Only these events.",
    },
    outcome: {
      type: "string",
      default: "",
      help: "Only these: firing, resolved, sent, failed, suppressed, created, expired, …",
    },
    receiver: { type: "string", default: "", short: "r", help: "Only notifications of this receiver." },
    fingerprint: { type: "string", default: "", help: "Only what concerns this alert." },
    since: { type: "string", default: "", help: "From this time on: RFC3339, Unix seconds, or a duration back (2h)." },
    until: { type: "string", default: "", help: "Up to this time." },
    limit: { type: "number", default: "100", help: "Most events." },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    await using client = await ApiClient.open(invocation);
    const wanted = {
      kind: textOf(values, "kind"),
      outcome: textOf(values, "outcome"),
      receiver: textOf(values, "receiver"),
      fingerprint: textOf(values, "fingerprint"),
      from: textOf(values, "since"),
      to: textOf(values, "until"),
      limit: String(values.limit),
      filter: withAlertName(args, syntaxOf(values)),
    };
    const { events } = await client.call<{ events: HistoryEvent[] }>("GET", `/api/v1/pharos/history${query(wanted)}`);
    if (textOf(values, "output") === "json") write(`${JSON.stringify(events)}\n`);
    else
      write(
        table([
          ["Time", "What", "Alert or receiver", "Why"],
          ...events.map((event) => [new Date(event.time).toISOString(), ...describe(event)]),
        ]),
      );
    return 0;
  },
};

interface TestAnswer {
  results: { integration: string; ok: boolean; response: string; durationMs: number }[];
}

const testReceiver: Subcommand = {
  path: "receiver test",
  summary: "Send a marked notification to a receiver and show what it says.",
  remote: true,
  flags: {
    label: { type: "string", multiple: true, help: "A label of the alert that is sent." },
    annotation: { type: "string", multiple: true, help: "An annotation of the alert that is sent." },
    resolved: { type: "boolean", help: "Send the alert as resolved." },
  },
  async run(invocation) {
    const { values, args, write } = invocation;
    const [name] = args;
    if (name === undefined) throw failed("no receiver specified");
    const syntax = syntaxOf(values);
    const body = {
      labels: parsePairs(listOf(values, "label"), syntax, "labels"),
      annotations: parsePairs(listOf(values, "annotation"), syntax, "annotations"),
      status: values.resolved ? "resolved" : "firing",
    };
    await using client = await ApiClient.open(invocation);
    const answer = await client.call<TestAnswer>(
      "POST",
      `/api/v1/pharos/receivers/${encodeURIComponent(name)}/test`,
      body,
    );
    if (textOf(values, "output") === "json") write(`${JSON.stringify(answer)}\n`);
    else {
      const rows = answer.results.map(({ integration, ok, response, durationMs }) => [
        integration,
        ok ? "ok" : "FAILED",
        `${durationMs} ms`,
        response.trim().replace(/\s+/g, " "),
      ]);
      write(table([["Integration", "Result", "Took", "Answer"], ...rows]));
    }
    return answer.results.every(({ ok }) => ok) ? 0 : 1;
  },
};

export const extraCommands: readonly Subcommand[] = [history, testReceiver];
