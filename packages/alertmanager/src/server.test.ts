import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger } from "@pharos/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Alertmanager, createAlertmanager } from "./server.ts";

interface Received {
  path: string;
  body: { status: string; groupKey: string; alerts: { status: string; labels: Record<string, string> }[] };
}

let dir: string;
let receiver: Server;
let base: string;
let running: Alertmanager | undefined;
/** Statuses the receiver answers with, one a request, then 200. */
let answers: number[];
const received: Received[] = [];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "pharos-alertmanager-"));
  received.length = 0;
  answers = [];
  receiver = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      response.statusCode = answers.shift() ?? 200;
      if (response.statusCode === 200) received.push({ path: request.url!, body: JSON.parse(text) });
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await running?.close();
  running = undefined;
  receiver.closeAllConnections();
  receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

const configFile = (): string => join(dir, "alertmanager.yml");

function configure(extra = "", hook = ""): void {
  writeFileSync(
    configFile(),
    `route: {receiver: hook, group_by: [alertname], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h}
receivers:
- name: hook
  webhook_configs: [{url: "${base}/hook"${hook}}]
${extra}`,
  );
}

async function start(
  options: { recurringSilences?: boolean; silenceReminderMs?: number; webConfigFile?: string } = {},
): Promise<Alertmanager> {
  running = await createAlertmanager({
    ...options,
    configFile: configFile(),
    storageDir: join(dir, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    log: silentLogger,
  });
  return running;
}

async function call(path: string, body?: unknown, method = body === undefined ? "GET" : "POST") {
  const answer = await fetch(running!.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const text = await answer.text();
  return { status: answer.status, data: text === "" ? undefined : JSON.parse(text) };
}

const post = (...alerts: Record<string, string>[]) =>
  call(
    "/api/v2/alerts",
    alerts.map((labels) => ({ labels })),
  );
const resolve = (labels: Record<string, string>) =>
  call("/api/v2/alerts", [{ labels, startsAt: new Date(Date.now() - 5000), endsAt: new Date() }]);
const names = ({ body }: Received): string[] => body.alerts.map(({ labels, status }) => `${labels.i} ${status}`).sort();
/** Longer than a few flushes. */
const settled = () => sleep(900);

test("alerts of a group come in one notification, once; what is new and what is over comes with the next", async () => {
  configure();
  await start();
  await post({ alertname: "A", i: "1" }, { alertname: "A", i: "2" }, { alertname: "B", i: "3" });
  await expect.poll(() => received.length).toBe(2);
  await settled();
  expect(received.map(names).sort()).toEqual([["1 firing", "2 firing"], ["3 firing"]]);
  received.length = 0;
  await post({ alertname: "A", i: "4" });
  await expect.poll(() => received.length).toBe(1);
  expect(names(received[0])).toEqual(["1 firing", "2 firing", "4 firing"]);
  received.length = 0;
  for (const i of ["1", "2", "4"]) await resolve({ alertname: "A", i });
  await expect.poll(() => received.some(({ body }) => body.status === "resolved")).toBe(true);
  await settled();
  expect((await call("/api/v2/alerts/groups")).data).toHaveLength(1);
});

test("a receiver that does not want to know of ends is not told", async () => {
  configure("", ", send_resolved: false");
  await start();
  await post({ alertname: "A", i: "1" });
  await expect.poll(() => received.length).toBe(1);
  await resolve({ alertname: "A", i: "1" });
  await settled();
  expect(received).toHaveLength(1);
});

test("an alert that was over before anybody was told is not told", async () => {
  configure();
  await start();
  await resolve({ alertname: "A", i: "1" });
  await settled();
  expect(received).toEqual([]);
});

test("a restart repeats nothing, and silences are there again", async () => {
  configure();
  await start();
  await post({ alertname: "A", i: "1" });
  await expect.poll(() => received.length).toBe(1);
  const now = Date.now();
  const { data } = await call("/api/v2/silences", {
    matchers: [{ name: "i", value: "9", isRegex: false }],
    startsAt: new Date(now),
    endsAt: new Date(now + 60_000),
    createdBy: "me",
    comment: "why",
  });
  await running!.close();
  await start();
  await post({ alertname: "A", i: "1" });
  await settled();
  expect(received).toHaveLength(1);
  expect((await call("/api/v2/silences")).data).toMatchObject([{ id: data.silenceID, status: { state: "active" } }]);
});

test("silenced and inhibited alerts are not sent, and say why", async () => {
  configure(
    `inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [node]}]`,
  );
  await start();
  const now = Date.now();
  const { data } = await call("/api/v2/silences", {
    matchers: [{ name: "alertname", value: "Quiet.*", isRegex: true }],
    startsAt: new Date(now),
    endsAt: new Date(now + 60_000),
    createdBy: "me",
    comment: "why",
  });
  await post(
    { alertname: "Loud", i: "1", severity: "critical", node: "a" },
    { alertname: "Less", i: "2", severity: "warning", node: "a" },
    { alertname: "Less", i: "3", severity: "warning", node: "b" },
    { alertname: "QuietOne", i: "4" },
  );
  await expect.poll(() => received.length).toBe(2);
  await settled();
  expect(received.map(names).sort()).toEqual([["1 firing"], ["3 firing"]]);
  const alerts = (await call("/api/v2/alerts?active=false")).data as {
    labels: { i: string };
    status: { inhibitedBy: string[]; silencedBy: string[] };
  }[];
  const byName = new Map(alerts.map(({ labels, status }) => [labels.i, status]));
  expect([...byName.keys()].sort()).toEqual(["2", "4"]);
  expect(byName.get("2")!.inhibitedBy).toHaveLength(1);
  expect(byName.get("4")!.silencedBy).toEqual([data.silenceID]);
  await call(`/api/v2/silence/${data.silenceID}`, undefined, "DELETE");
  await expect.poll(() => received.length).toBe(3);
  expect(names(received[2])).toEqual(["4 firing"]);
});

test("a fault of the receiver is tried again, a refusal is not until the next flush", async () => {
  configure();
  await start();
  answers = [503, 500];
  await post({ alertname: "A", i: "1" });
  await expect.poll(() => received.length, { timeout: 5000 }).toBe(1);
  expect(running!.status().receivers[0].integrations[0]).toMatchObject({ sent: 1, failed: 0, lastError: "" });
  answers = [400];
  await post({ alertname: "B", i: "2" });
  await expect.poll(() => running!.status().receivers[0].integrations[0].failed).toBe(1);
  await expect.poll(() => received.length).toBe(2);
});

test("a bad configuration is refused with its line and the running one stays", async () => {
  configure();
  await start();
  writeFileSync(configFile(), "route: {receiver: nobody}\nreceivers:\n- name: hook\n");
  await expect(running!.reload()).rejects.toThrow(/undefined receiver "nobody"/);
  expect(running!.status().reload.successful).toBe(false);
  await post({ alertname: "A", i: "1" });
  await expect.poll(() => received.length).toBe(1);
  configure("", ", max_alerts: 1");
  await running!.reload();
  expect(running!.status().reload).toEqual({ successful: true, message: "" });
});

test("bad alerts are named and cost the good ones nothing; bad silences are refused with a reason", async () => {
  configure();
  await start();
  const answer = await call("/api/v2/alerts", [
    { labels: {} },
    { labels: { alertname: "A", i: "1" } },
    { labels: { alertname: "B" }, startsAt: "2020-01-02T00:00:00Z", endsAt: "2020-01-01T00:00:00Z" },
  ]);
  expect(answer).toMatchObject({ status: 400, data: expect.stringMatching(/at least one label pair.*start time/s) });
  await expect.poll(() => received.length).toBe(1);
  const silence = { startsAt: new Date(), endsAt: new Date(0), createdBy: "me", comment: "", matchers: [] };
  expect((await call("/api/v2/silences", silence)).status).toBe(422);
  expect((await call("/api/v2/silence/00000000-0000-0000-0000-000000000000")).status).toBe(404);
});

test("the running configuration is shown without its secrets", async () => {
  configure(`time_intervals: []`);
  await start();
  const { data } = await call("/api/v2/status");
  expect(data.config.original).toContain("receiver: hook");
  expect(data.config.original).not.toContain(base);
});

const silenceFor = (ms: number, value = "A") =>
  call("/api/v2/silences", {
    matchers: [{ name: "alertname", value, isRegex: false }],
    startsAt: new Date(),
    endsAt: new Date(Date.now() + ms),
    createdBy: "me",
    comment: "why",
  });

test("before a silence ends whom it concerns is reminded, once, and told when it is over", async () => {
  configure();
  await start({ silenceReminderMs: 1000 });
  await silenceFor(1500);
  await silenceFor(1500, "Nothing");
  await post({ alertname: "A", i: "1" });
  await sleep(300);
  expect(received).toEqual([]);
  await expect.poll(() => received.length, { timeout: 3000 }).toBe(1);
  expect(received[0].body).toMatchObject({
    status: "firing",
    alerts: [{ labels: { alertname: "SilenceExpires", receiver: "hook" } }],
  });
  await expect.poll(() => received.length, { timeout: 3000 }).toBe(3);
  await settled();
  expect(received).toHaveLength(3);
  const states = received.slice(1).map(({ body }) => `${body.alerts[0].labels.alertname} ${body.status}`);
  expect(states.sort()).toEqual(["A firing", "SilenceExpires resolved"]);
});

test("a receiver that always wants to know of ends hears of one under a silence", async () => {
  writeFileSync(
    configFile(),
    `route:
  receiver: hook
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 300ms
  routes: [{receiver: plain, matchers: ['alertname="B"']}]
receivers:
- {name: hook, always_resolve: true, webhook_configs: [{url: "${base}/hook"}]}
- {name: plain, webhook_configs: [{url: "${base}/plain"}]}
`,
  );
  await start();
  await post({ alertname: "A", i: "1" }, { alertname: "B", i: "1" });
  await expect.poll(() => received.length).toBe(2);
  for (const name of ["A", "B"]) await silenceFor(60_000, name);
  for (const alertname of ["A", "B"]) await resolve({ alertname, i: "1" });
  await expect.poll(() => received.length).toBe(3);
  await settled();
  expect(received.slice(2).map(({ path, body }) => `${path} ${body.status}`)).toEqual(["/hook resolved"]);
});

test("a web configuration asks for a user", async () => {
  configure();
  // The password is "secret".
  const hash = "$2b$04$XSKwo6.f3keFmpBzJCUkIOgSxoCTNzi3d8w9f6sSa1CMNAZ0wgmqC";
  const webConfigFile = join(dir, "web.yml");
  writeFileSync(webConfigFile, `basic_auth_users: {me: ${hash}}\n`);
  const { url } = await start({ webConfigFile });
  expect((await fetch(`${url}/api/v2/status`)).status).toBe(401);
  const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
  expect((await fetch(`${url}/api/v2/status`, { headers: { authorization } })).status).toBe(200);
});

test("recurring silences are refused unless switched on", async () => {
  configure();
  await start();
  expect((await call("/api/v1/pharos/recurring-silences")).data).toEqual({ enabled: false, series: [] });
  const answer = await call("/api/v1/pharos/recurring-silences", { matchers: [] });
  expect(answer).toMatchObject({ status: 400, data: expect.stringContaining("--silences.recurring") });
});

test("a recurring silence is made, mutes, skips its window, and leaves its story", async () => {
  configure();
  await start({ recurringSilences: true });
  const path = "/api/v1/pharos/recurring-silences";
  const body = {
    matchers: [{ name: "alertname", value: "A", isRegex: false }],
    recurrence: "daily 00:00-24:00 UTC",
    createdBy: "me",
    comment: "always",
  };
  const { id } = (await call(path, body)).data;
  expect((await call(path)).data).toMatchObject({
    enabled: true,
    series: [{ id, status: { state: "active" }, recurrence: "daily 00:00-24:00 UTC", comment: "always" }],
  });
  const plain = (await call("/api/v2/silences")).data as { status: { state: string } }[];
  expect(plain.map(({ status }) => status.state)).toEqual(["active", "pending"]);
  await post({ alertname: "A", i: "1" });
  await settled();
  expect(received).toEqual([]);
  expect((await call(`${path}/${id}/skip`, {})).status).toBe(200);
  await expect.poll(() => received.length).toBe(1);
  // Another rule takes its place.
  const parts = { days: ["sat", "sunday"], from: "22:00", to: "06:00", timeZone: "Europe/Berlin" };
  const changed = (await call(path, { ...body, id, recurrence: parts })).data.id;
  const states = ((await call(path)).data.series as { id: string; status: { state: string } }[]).map((one) => [
    one.id === changed,
    one.status.state === "expired",
  ]);
  expect(states).toEqual([
    [false, true],
    [true, false],
  ]);
  expect((await call(`${path}/${changed}`, undefined, "DELETE")).status).toBe(200);
  expect((await call(`${path}/${changed}`)).data).toMatchObject({ status: { state: "expired" }, windows: [] });
  const { events } = (await call("/api/v1/pharos/history?kind=silence&limit=1000")).data as {
    events: { action: string; recurrence: string; series: string }[];
  };
  const first = events.filter(({ series }) => series === id);
  expect(first.map(({ action }) => action).sort()).toEqual(["created", "created", "expired", "skipped"]);
  expect(first[0].recurrence).toBe("daily 00:00-24:00 UTC");
  for (const [change, message] of [
    [{ recurrence: "now and then" }, "not a recurrence"],
    [{ recurrence: { ...parts, days: "sat" } }, "must be a list"],
    [{ recurrence: { ...parts, timeZone: "Nowhere" } }, "unknown time zone"],
    [{ recurrence: `${body.recurrence} until 2020-01-01T00:00:00Z` }, "no window to come"],
    [{ matchers: [{ name: "a", value: "", isRegex: false }] }, "must not match the empty string"],
  ] as const)
    expect(await call(path, { ...body, ...change })).toMatchObject({
      status: 400,
      data: expect.stringContaining(message),
    });
  expect((await call(`${path}/nobody/skip`, {})).status).toBe(404);
  expect((await call(path, { ...body, id: "nobody" })).status).toBe(404);
});

test("the routing tree shows the way that labels take", async () => {
  writeFileSync(
    configFile(),
    `route:
  receiver: hook
  group_by: [alertname]
  routes:
  - {receiver: a, matchers: [team="x"], continue: true, mute_time_intervals: [always]}
  - {receiver: b, matchers: [severity=~"page|warn"], group_by: ['...']}
  - {receiver: c, matchers: [severity="page"]}
time_intervals: [{name: always, time_intervals: [{}]}]
receivers: [{name: hook}, {name: a}, {name: b}, {name: c}]
`,
  );
  await start();
  const tree = (await call("/api/v1/pharos/routes")).data;
  expect(tree).toMatchObject({ route: { receiver: "hook", groupBy: ["alertname"], routes: [{}, {}, {}] } });
  expect(tree.receivers).toBeUndefined();
  const labels = new URLSearchParams([
    ["label", 'team="x"'],
    ["label", "severity=page"],
  ]);
  expect((await call(`/api/v1/pharos/routes?${labels}`)).data).toMatchObject({
    receivers: ["a", "b"],
    route: {
      reached: false,
      passed: true,
      routes: [
        { receiver: "a", matchers: ['team="x"'], continue: true, reached: true, mutedBy: ["always"] },
        { receiver: "b", groupBy: null, reached: true, mutedBy: [] },
        { receiver: "c", reached: false, passed: false },
      ],
    },
  });
  expect((await call("/api/v1/pharos/routes?label=a=~b")).status).toBe(400);
});
