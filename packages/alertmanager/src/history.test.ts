import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AlertEvent, History, type HistoryEvent, type NotificationEvent } from "./history.ts";
import { createAlertmanager } from "./server.ts";
import { HttpRecorder } from "./testing/index.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 0, 10, 12);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pharos-am-history-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(options: { retention?: number; maxBytes?: number } = {}): History {
  const { retention = 5 * DAY, maxBytes = 1e9 } = options;
  return new History({ folder, retention, maxBytes, now: () => NOW, log: silentLogger });
}

function fired(time: number, alertname: string): AlertEvent {
  const labels = { alertname };
  return {
    kind: "alert", time, state: "firing", fingerprint: `f${alertname}`, labels, annotations: {}, startsAt: time, endsAt: 0,
  }; // biome-ignore format: a table
}

function sent(time: number, receiver: string): NotificationEvent {
  return {
    kind: "notification", time, outcome: "sent", receiver, integration: "webhook[0]", groupKey: "k", groupLabels: { team: "x" },
    firing: ["fA"], resolved: [], reason: "first notification",
  }; // biome-ignore format: a table
}

test("events come back, the newest first, as they are asked for", async () => {
  using history = open();
  const events: HistoryEvent[] = [fired(NOW - DAY, "A"), fired(NOW - 2, "B"), sent(NOW - 1, "r"), sent(NOW, "s")];
  for (const event of events) history.record(event);
  expect(await history.query({ limit: 10 })).toEqual(events.toReversed());
  expect(await history.query({ limit: 2 })).toEqual([events[3], events[2]]);
  expect(await history.query({ limit: 10, kind: "alert" })).toEqual([events[1], events[0]]);
  expect(await history.query({ limit: 10, outcome: "firing", from: NOW - 10 })).toEqual([events[1]]);
  expect(await history.query({ limit: 10, to: NOW - DAY })).toEqual([events[0]]);
  expect(await history.query({ limit: 10, receiver: "r" })).toEqual([events[2]]);
  expect(await history.query({ limit: 10, fingerprint: "fA" })).toEqual([events[3], events[2], events[0]]);
  expect(await history.query({ limit: 10, labels: ({ team }) => team === "x" })).toHaveLength(2);
});

test("what was written before a restart is there, but for a line that a crash cut", async () => {
  {
    using history = open();
    history.record(fired(NOW, "A"));
  }
  appendFileSync(join(folder, "2026-01-10.jsonl"), '{"kind":"alert","ti');
  using history = open();
  expect(await history.query({ limit: 10 })).toEqual([fired(NOW, "A")]);
});

test("days that are too old, and the oldest of too much, are forgotten", async () => {
  mkdirSync(folder, { recursive: true });
  for (const day of ["01", "04", "05", "09", "10"])
    writeFileSync(join(folder, `2026-01-${day}.jsonl`), "x".repeat(100));
  open({ maxBytes: 1e9 }).collect();
  expect(readdirSync(folder).sort()).toEqual(["2026-01-05.jsonl", "2026-01-09.jsonl", "2026-01-10.jsonl"]);
  open({ maxBytes: 150 }).collect();
  expect(readdirSync(folder)).toEqual(["2026-01-10.jsonl"]);
});

test("without retention nothing is kept", async () => {
  using history = open({ retention: 0 });
  history.record(fired(NOW, "A"));
  expect(await history.query({ limit: 10 })).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a server tells why somebody was told, and why not", async () => {
  await using recorder = await HttpRecorder.start(({ url }) => ({ status: url === "/bad" ? 400 : 200, body: "so" }));
  const configFile = join(folder, "config.yml");
  writeFileSync(
    configFile,
    `route:
  receiver: good
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 200ms
  routes: [{receiver: bad, matchers: ['alertname="Bad"']}]
inhibit_rules: [{source_matchers: ['alertname="Good"'], target_matchers: ['alertname="Inhibited"']}]
receivers:
- {name: good, webhook_configs: [{url: '${recorder.url}/good'}]}
- {name: bad, webhook_configs: [{url: '${recorder.url}/bad'}]}
`,
  );
  await using server = await createAlertmanager({
    configFile,
    storageDir: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLogger,
  });
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
    const text = await answer.text();
    return text === "" ? undefined : JSON.parse(text);
  };
  const history = async (query: string): Promise<HistoryEvent[]> => {
    const answer = await fetch(`${server.url}/api/v1/pharos/history?${query}`);
    return ((await answer.json()) as { events: HistoryEvent[] }).events;
  };
  const { silenceID } = (await post("/api/v2/silences", {
    matchers: [{ name: "alertname", value: "Silenced", isRegex: false }],
    startsAt: new Date(),
    endsAt: new Date(Date.now() + 60_000),
    createdBy: "me",
    comment: "why",
  })) as { silenceID: string };
  const names = ["Good", "Bad", "Silenced", "Inhibited"];
  await post(
    "/api/v2/alerts",
    names.map((alertname) => ({ labels: { alertname } })),
  );
  await expect.poll(async () => (await history("kind=notification")).length).toBe(4);
  const [good] = (await history("receiver=good&outcome=sent")) as NotificationEvent[];
  expect(good).toMatchObject({
    reason: "first notification",
    integration: "webhook[0]",
    attempts: 1,
    groupLabels: { alertname: "Good" },
  });
  const [bad] = (await history("outcome=failed")) as NotificationEvent[];
  expect(bad).toMatchObject({ receiver: "bad", attempts: 1, response: expect.stringContaining("400") });
  const suppressed = (await history("outcome=suppressed")) as NotificationEvent[];
  const silenced = suppressed.find(({ reason }) => reason === "silence")!;
  expect(Object.values(silenced.by!)).toEqual([[silenceID]]);
  const inhibited = suppressed.find(({ reason }) => reason === "inhibition")!;
  expect(Object.values(inhibited.by!)).toEqual([good.firing]);
  expect(
    (await history("kind=alert&outcome=firing")).map((event) => (event as AlertEvent).labels.alertname).sort(),
  ).toEqual(names.toSorted());
  expect(await history("kind=silence")).toMatchObject([{ action: "created", id: silenceID, comment: "why" }]);
  expect(await history(`filter=${encodeURIComponent('alertname="Bad"')}&kind=alert`)).toHaveLength(1);
  for (const query of ["limit=0", "kind=x", "from=yesterday", "filter=%7B"])
    expect((await fetch(`${server.url}/api/v1/pharos/history?${query}`)).status, query).toBe(400);
});

test("a test notification goes to one receiver, and its answer comes back", async () => {
  await using recorder = await HttpRecorder.start(({ url }) => ({ status: url === "/bad" ? 503 : 200, body: "so" }));
  const configFile = join(folder, "config.yml");
  writeFileSync(
    configFile,
    `route: {receiver: both}
receivers: [{name: both, webhook_configs: [{url: '${recorder.url}/good'}, {url: '${recorder.url}/bad'}]}]
`,
  );
  await using server = await createAlertmanager({
    configFile,
    storageDir: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLogger,
  });
  const send = (name: string, body?: unknown) =>
    fetch(`${server.url}/api/v1/pharos/receivers/${name}/test`, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
  expect(await (await send("both", { labels: { team: "x" } })).json()).toMatchObject({
    receiver: "both",
    results: [
      { integration: "webhook[0]", ok: true },
      { integration: "webhook[1]", ok: false, retry: true, response: expect.stringContaining("503") },
    ],
  });
  expect(recorder.requests).toHaveLength(2);
  expect(JSON.parse(recorder.requests[0].body)).toMatchObject({
    status: "firing",
    alerts: [{ labels: { alertname: "TestNotification", severity: "none", team: "x" } }],
  });
  expect((await send("nobody")).status).toBe(404);
  expect((await send("both", { labels: { team: 1 } })).status).toBe(400);
  expect((await send("both", { status: "on" })).status).toBe(400);
  expect((await send("both")).status).toBe(200);
});
