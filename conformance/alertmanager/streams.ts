/**
 * Random configurations and streams of alerts and silences, given to a real Alertmanager and to Pharos at the same moments. Posts
 * are made at whole seconds and flushes fall on halves, so that neither the machine's load nor a race decides what is told when.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAlertmanager } from "@pharos/alertmanager";
import { HttpRecorder, type RecordedRequest } from "@pharos/alertmanager/testing";
import { silentLogger } from "@pharos/kit";
import type { SuiteResult } from "../suite.ts";
import { randomOf } from "./random.ts";
import { RealAlertmanager } from "./real.ts";

const PARALLEL = 8;
const SECONDS = 5;

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Seconds of the stream. */
  startsAt: number;
  endsAt?: number;
}

interface Step {
  alerts: Alert[];
  silence?: { matchers: { name: string; value: string; isRegex: boolean; isEqual: boolean }[]; seconds: number };
  /** Ends the silence that was made first. */
  expires: boolean;
}

interface Stream {
  /** `{{URL}}` is the recorder. */
  config: string;
  steps: Step[];
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  alertname: ["A", "B", "C"],
  team: ["x", "y"],
  severity: ["critical", "warning"],
  instance: ["1", "2", "3"],
};

function makeStream(seed: number): Stream {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const chance = (share: number): boolean => random() < share;
  const names = Object.keys(VALUES);
  const matcher = (): string => {
    const name = pick(names);
    const value = pick(VALUES[name]);
    return pick([
      `${name}="${value}"`,
      `${name}!="${value}"`,
      `${name}=~"${value}|${pick(VALUES[name])}"`,
      `${name}!~"${value}.*"`,
    ]);
  };
  const receivers = ["r0", "r1", "r2"];
  const groupBy = (): string => (chance(0.15) ? "['...']" : JSON.stringify(names.filter(() => chance(0.4))));
  const route = (depth: number): Record<string, unknown> => ({
    receiver: pick(receivers),
    ...(chance(0.6) ? { group_by: groupBy() } : {}),
    ...(chance(0.3) ? { continue: true } : {}),
    matchers: `[${Array.from({ length: 1 + Math.floor(random() * 2) }, () => `'${matcher()}'`).join(", ")}]`,
    ...(chance(0.2) ? { repeat_interval: "1500ms" } : {}),
    ...(depth < 2 && chance(0.5)
      ? { routes: Array.from({ length: 1 + Math.floor(random() * 2) }, () => route(depth + 1)) }
      : {}),
  });
  const shown = (tree: Record<string, unknown>): string =>
    `{${Object.entries(tree)
      .map(
        ([key, value]) =>
          `${key}: ${Array.isArray(value) ? `[${value.map((child) => shown(child)).join(", ")}]` : value}`,
      )
      .join(", ")}}`;
  const root = {
    receiver: "r0", group_by: groupBy(), group_wait: "500ms", group_interval: "1s", repeat_interval: "1h",
    routes: Array.from({ length: Math.floor(random() * 4) }, () => route(1)),
  }; // biome-ignore format: a table
  const inhibit = Array.from({ length: Math.floor(random() * 3) }, () => {
    // One source for each set of equal labels: of several upstream looks at one only.
    const equal = ["team", "instance", ...(chance(0.5) ? ["alertname"] : [])];
    return `{source_matchers: ['severity="critical"', 'alertname="${pick(VALUES.alertname)}"'], target_matchers: ['severity="warning"'], equal: ${JSON.stringify(equal)}}`;
  });
  const config = `route: ${shown(root)}
inhibit_rules: [${inhibit.join(", ")}]
receivers:
${receivers.map((name, i) => `- name: ${name}\n  webhook_configs: [{url: '{{URL}}/${name}', send_resolved: ${chance(0.7)}, max_alerts: ${i === 2 ? 2 : 0}}]`).join("\n")}
`;
  const known: Alert[] = [];
  const steps = Array.from({ length: SECONDS - 1 }, (_, second): Step => {
    const fresh = Array.from(
      { length: Math.floor(random() * 4) },
      (): Alert => ({
        labels: Object.fromEntries(
          names.filter((name) => name === "alertname" || chance(0.8)).map((name) => [name, pick(VALUES[name])]),
        ),
        annotations: chance(0.5) ? { summary: `s${Math.floor(random() * 3)}` } : {},
        startsAt: second,
        // Ends by itself at a whole second.
        ...(chance(0.2) ? { endsAt: second + 1 + Math.floor(random() * 2) } : {}),
      }),
    );
    const over = known.filter(() => chance(0.25)).map((alert) => ({ ...alert, endsAt: second }));
    known.push(...fresh);
    // Of the same labels only the last statement, since two in one post race in the real one.
    const byLabels = new Map(
      [...over, ...fresh].map((alert) => [JSON.stringify(Object.entries(alert.labels).sort()), alert]),
    );
    const name = pick(names);
    return {
      alerts: [...byLabels.values()].filter(({ startsAt, endsAt }) => endsAt === undefined || endsAt > startsAt),
      ...(chance(0.25)
        ? {
            silence: {
              matchers: [{ name, value: pick(VALUES[name]), isRegex: chance(0.3), isEqual: chance(0.8) }],
              seconds: 1 + Math.floor(random() * 3),
            },
          }
        : {}),
      expires: chance(0.15),
    };
  });
  return { config, steps };
}

interface Observed {
  /** By receiver and group: what was told, in order. */
  told: Record<string, string[]>;
  api: string;
}

async function observe(
  stream: Stream,
  server: { url: string },
  recorder: HttpRecorder,
  start: number,
): Promise<Observed> {
  const moment = (seconds: number) => new Date(start + seconds * 1000).toISOString();
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(server.url + path, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const silences: string[] = [];
  for (const [second, { alerts, silence, expires }] of stream.steps.entries()) {
    await sleep(Math.max(0, start + second * 1000 - Date.now()));
    if (silence) {
      const { text } = await call("POST", "/api/v2/silences", {
        matchers: silence.matchers,
        startsAt: moment(second),
        endsAt: moment(second + silence.seconds),
        createdBy: "s",
        comment: "c",
      });
      const id = (JSON.parse(text) as { silenceID?: string }).silenceID;
      if (id) silences.push(id);
    }
    if (expires && silences.length > 0) await call("DELETE", `/api/v2/silence/${silences[0]}`);
    const body = alerts.map(({ labels, annotations, startsAt, endsAt }) => ({
      labels,
      annotations,
      startsAt: moment(startsAt),
      ...(endsAt === undefined ? {} : { endsAt: moment(endsAt) }),
    }));
    if (body.length > 0) await call("POST", "/api/v2/alerts", body);
  }
  await sleep(Math.max(0, start + (SECONDS - 0.8) * 1000 - Date.now()));
  const groups = JSON.parse((await call("GET", "/api/v2/alerts/groups")).text) as ApiGroup[];
  const api = JSON.stringify(groups.map((group) => shownGroup(group, silences)).sort());
  await sleep(Math.max(0, start + (SECONDS + 1.2) * 1000 - Date.now()));
  return { told: tell(recorder.requests), api };
}

interface ApiGroup {
  labels: Record<string, string>;
  receiver: { name: string };
  alerts: {
    labels: Record<string, string>;
    annotations: Record<string, string>;
    receivers: { name: string }[];
    status: { state: string; silencedBy: string[]; inhibitedBy: string[] };
  }[];
}

const sorted = (record: Record<string, string>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

function shownGroup({ labels, receiver, alerts }: ApiGroup, silences: readonly string[]): string {
  return JSON.stringify([
    sorted(labels),
    receiver.name,
    alerts
      .map(({ labels: own, annotations, receivers, status }) =>
        JSON.stringify([
          sorted(own),
          sorted(annotations),
          receivers.map(({ name }) => name).sort(),
          status.state,
          status.silencedBy.map((id) => silences.indexOf(id)).sort(),
          status.inhibitedBy.length,
        ]),
      )
      .sort(),
  ]);
}

function tell(requests: readonly RecordedRequest[]): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const { url, body } of requests) {
    const {
      groupKey,
      status,
      alerts,
      notification_reason: reason,
      commonLabels,
      truncatedAlerts,
    } = JSON.parse(body) as {
      groupKey: string;
      status: string;
      notification_reason: string;
      commonLabels: Record<string, string>;
      truncatedAlerts: number;
      alerts: { labels: Record<string, string>; annotations: Record<string, string>; status: string }[];
    };
    const list = alerts.map((alert) => JSON.stringify([alert.status, sorted(alert.labels), sorted(alert.annotations)]));
    const key = `${url} ${groupKey}`;
    told[key] = [...(told[key] ?? []), JSON.stringify([status, reason, list, sorted(commonLabels), truncatedAlerts])];
  }
  return Object.fromEntries(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** undefined: both said the same. */
async function compareStream(seed: number, count: (notifications: number) => void): Promise<string | undefined> {
  const stream = makeStream(seed);
  const folder = mkdtempSync(join(tmpdir(), "pharos-streams-"));
  try {
    await using realRecorder = await HttpRecorder.start();
    await using ownRecorder = await HttpRecorder.start();
    const file = (name: string, recorder: HttpRecorder): string => {
      const path = join(folder, `${name}.yml`);
      writeFileSync(path, stream.config.replaceAll("{{URL}}", recorder.url));
      return path;
    };
    await using real = await RealAlertmanager.start({
      configFile: file("real", realRecorder),
      storageDir: join(folder, "real"),
    });
    await using own = await createAlertmanager({
      configFile: file("own", ownRecorder),
      storageDir: join(folder, "own"),
      listen: { host: "127.0.0.1", port: 0 },
      log: silentLogger,
    });
    const start = Date.now() + 300;
    const [want, got] = await Promise.all([
      observe(stream, real, realRecorder, start),
      observe(stream, own, ownRecorder, start),
    ]);
    count(Object.values(want.told).flat().length);
    for (const key of new Set([...Object.keys(want.told), ...Object.keys(got.told)])) {
      const [a, b] = [JSON.stringify(got.told[key] ?? []), JSON.stringify(want.told[key] ?? [])];
      if (a !== b) return `stream ${seed}: ${key}\n    got  ${a}\n    want ${b}`;
    }
    return want.api === got.api ? undefined : `stream ${seed}: API\n    got  ${got.api}\n    want ${want.api}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function compareStreams(count: number, seed: number): Promise<SuiteResult> {
  const failures: string[] = [];
  const again: number[] = [];
  let next = 0;
  let told = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const own = seed + next++;
      if (await compareStream(own, (notifications) => (told += notifications))) again.push(own);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  // What differs only while many run side by side was the machine's doing: the clock decides what is told when.
  for (const own of again) {
    const problem = (await compareStream(own, () => {})) && (await compareStream(own, () => {}));
    if (problem) failures.push(problem);
  }
  // Streams in which nobody is told anything would prove nothing.
  if (told < count) failures.push(`only ${told} notifications in ${count} streams`);
  return { passed: count - failures.length, total: count, failures };
}
