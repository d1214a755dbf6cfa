/** State written by a real Alertmanager and opened by Pharos, and the other way: silences hold, and nothing is told twice. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { HttpRecorder } from "@pharos/alertmanager/testing";
import { silentLogger } from "@pharos/kit";
import type { SuiteResult } from "../suite.ts";
import { RealAlertmanager } from "./real.ts";

type Kind = "real" | "pharos";
type Server = AsyncDisposable & { url: string };

interface Silence {
  id: string;
  comment: string;
  createdBy: string;
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  matchers: unknown[];
  annotations?: unknown;
  status: { state: string };
}

const SECOND_MS = 1000;
const RECURRING = "/api/v1/pharos/recurring-silences";
const ALERTS = ["told", "silenced", "also told"].map((alertname) => ({ labels: { alertname, team: 'ä\n"x' } }));
const MATCHERS = [
  { name: "alertname", value: "silenced", isRegex: false, isEqual: true },
  { name: "team", value: "nobody", isRegex: false, isEqual: false },
  { name: "alertname", value: "s.*", isRegex: true, isEqual: true },
  { name: "missing", value: "x.+", isRegex: true, isEqual: false },
]; // biome-ignore format: a table

function start(kind: Kind, configFile: string, storageDir: string): Promise<Server> {
  return kind === "real"
    ? RealAlertmanager.start({ configFile, storageDir })
    : createAlertmanager({
        configFile,
        storageDir,
        listen: { host: "127.0.0.1", port: 0 },
        recurringSilences: true,
        log: silentLogger,
      });
}

async function post(url: string, body: unknown): Promise<Response> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function silencesOf(url: string): Promise<Silence[]> {
  const list = (await (await fetch(`${url}/api/v2/silences`)).json()) as Silence[];
  return list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function crossOver(writer: Kind, reader: Kind): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "pharos-am-files-"));
  const problems: string[] = [];
  try {
    await using recorder = await HttpRecorder.start();
    const configFile = join(folder, "config.yml");
    const storageDir = join(folder, "data");
    writeFileSync(
      configFile,
      `route: {receiver: r, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: r, webhook_configs: [{url: '${recorder.url}/hook'}]}]
`,
    );
    let before: Silence[] = [];
    {
      await using server = await start(writer, configFile, storageDir);
      const silence = {
        matchers: MATCHERS,
        createdBy: "ä",
        comment: "why\nso",
        startsAt: new Date(),
        endsAt: new Date(Date.now() + 3600 * SECOND_MS),
      };
      await post(`${server.url}/api/v2/silences`, silence);
      await post(`${server.url}/api/v2/silences`, {
        ...silence,
        startsAt: new Date(Date.now() + 60 * SECOND_MS),
        matchers: MATCHERS.slice(0, 1),
      });
      const { silenceID } = (await (
        await post(`${server.url}/api/v2/silences`, { ...silence, comment: "over" })
      ).json()) as {
        silenceID: string;
      };
      await fetch(`${server.url}/api/v2/silence/${silenceID}`, { method: "DELETE" });
      // To the reader, silences like any other.
      if (writer === "pharos")
        await post(`${server.url}${RECURRING}`, {
          matchers: [{ name: "alertname", value: "nightly", isRegex: false, isEqual: true }],
          createdBy: "me",
          comment: "again and again",
          recurrence: "daily 00:00-24:00 Europe/Berlin",
        });
      await post(`${server.url}/api/v2/alerts`, ALERTS);
      await sleep(2 * SECOND_MS);
      before = await silencesOf(server.url);
    }
    const told = recorder.requests.length;
    if (told !== 2) problems.push(`${writer} told ${told} groups, not 2`);
    {
      await using server = await start(reader, configFile, storageDir);
      const after = await silencesOf(server.url);
      if (JSON.stringify(after) !== JSON.stringify(before))
        problems.push(`${reader} reads silences ${JSON.stringify(after)} instead of ${JSON.stringify(before)}`);
      await post(`${server.url}/api/v2/alerts`, ALERTS);
      await sleep(2.5 * SECOND_MS);
      if (recorder.requests.length !== told) problems.push(`${reader} told again what ${writer} had told`);
      // What the writer had told is resolved by the reader.
      await post(
        `${server.url}/api/v2/alerts`,
        ALERTS.map((alert) => ({ ...alert, startsAt: new Date(Date.now() - 1), endsAt: new Date() })),
      );
      await sleep(2.5 * SECOND_MS);
      const resolved = recorder.requests
        .slice(told)
        .map(({ body }) => (JSON.parse(body.toString()) as { status: string }).status);
      if (resolved.join() !== "resolved,resolved")
        problems.push(`${reader} told ${resolved.join()}, not both resolved`);
    }
    if (writer !== "pharos") return problems;
    await using again = await start("pharos", configFile, storageDir);
    const { series } = (await (await fetch(`${again.url}${RECURRING}`)).json()) as { series: { recurrence: string }[] };
    if (series.length !== 1) problems.push(`after ${reader} there are ${series.length} recurring silences, not 1`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return problems;
}

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ["real", "pharos"],
  ["pharos", "real"],
  ["pharos", "pharos"],
];

export async function compareFiles(): Promise<SuiteResult> {
  const results = await Promise.all(
    PAIRS.map(async ([writer, reader]) => {
      const problems = await crossOver(writer, reader);
      return problems.length > 0 ? [`${writer} then ${reader}: ${problems.join("; ")}`] : [];
    }),
  );
  const failures = results.flat();
  return { passed: PAIRS.length - failures.length, total: PAIRS.length, failures };
}
