/** Silences that come back: `silence add --recurrence`, `silence recurring`, `… skip` and `… end`. */
import { formatRecurrence, parseRecurrence } from "@pharos/alertmanager";
import { ApiClient, type ApiMatcher } from "./client.ts";
import { failed, type Invocation, type Subcommand, textOf } from "./context.ts";
import { matcherOf, table } from "./format.ts";

const BASE = "/api/v1/pharos/recurring-silences";

interface ApiSeries {
  id: string;
  status: { state: string };
  recurrence: string;
  matchers: ApiMatcher[];
  createdBy: string;
  comment: string;
  windows: { startsAt: string; endsAt: string; skipped: boolean }[];
}

export async function addRecurringSilence(
  invocation: Invocation,
  given: {
    matchers: readonly ApiMatcher[];
    rule: string;
    since: string | undefined;
    until: string | undefined;
    createdBy: string;
    comment: string;
  },
): Promise<number> {
  const { rule, since, until, ...rest } = given;
  const words = rule.trim().split(/\s+/);
  // Days and times alone: where this machine stands.
  if (words.length === 2) words.push(Intl.DateTimeFormat().resolvedOptions().timeZone);
  const recurrence = parseRecurrence(
    [...words, ...(since ? ["since", since] : []), ...(until ? ["until", until] : [])].join(" "),
  );
  await using client = await ApiClient.open(invocation);
  const body = { ...rest, recurrence: formatRecurrence(recurrence) };
  invocation.write(`${(await client.call<{ id: string }>("POST", BASE, body)).id}\n`);
  return 0;
}

const list: Subcommand = {
  path: "silence recurring",
  summary: "Show recurring silences and their next windows.",
  remote: true,
  flags: { expired: { type: "boolean", help: "Show those that are over, too." } },
  async run(invocation) {
    const { values, write } = invocation;
    await using client = await ApiClient.open(invocation);
    const answer = await client.call<{ enabled: boolean; series: ApiSeries[] }>("GET", BASE);
    if (!answer.enabled) throw failed("recurring silences are not switched on", "Start with --silences.recurring");
    const series = answer.series.filter(({ status }) => values.expired || status.state !== "expired");
    if (textOf(values, "output") === "json") write(`${JSON.stringify(series)}\n`);
    else
      write(
        table([
          ["ID", "State", "Matchers", "Recurrence", "Next", "Created By", "Comment"],
          ...series.map(({ id, status, matchers, recurrence, windows, createdBy, comment }) => [
            id,
            status.state,
            matchers.map(matcherOf).join(" "),
            recurrence,
            windows.find(({ skipped }) => !skipped)?.startsAt ?? "",
            createdBy,
            comment,
          ]),
        ]),
      );
    return 0;
  },
};

function change(word: string, summary: string, run: (client: ApiClient, path: string) => Promise<unknown>): Subcommand {
  return {
    path: `silence recurring ${word}`,
    summary,
    remote: true,
    flags: {},
    async run(invocation) {
      if (invocation.args.length === 0) throw failed("no IDs of recurring silences specified");
      await using client = await ApiClient.open(invocation);
      for (const id of invocation.args) await run(client, `${BASE}/${encodeURIComponent(id)}`);
      return 0;
    },
  };
}

export const recurringCommands: readonly Subcommand[] = [
  list,
  change("skip", "End the window that holds, or leave the next one out.", (client, path) =>
    client.call("POST", `${path}/skip`),
  ),
  change("end", "End recurring silences for good.", (client, path) => client.call("DELETE", path)),
];
