import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Alertmanager, createAlertmanager } from "@pharos/alertmanager";
import { HttpRecorder } from "@pharos/alertmanager/testing";
import { silentLogger } from "@pharos/kit";
import { UserError } from "@pharos/model";
import { afterEach, beforeEach, expect, test } from "vitest";
import { amHelp, runAm } from "./cli.ts";

let folder: string;
let recorder: HttpRecorder;
let server: Alertmanager;
let configFile: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "pharos-am-"));
  recorder = await HttpRecorder.start(({ url }) => ({ status: url === "/bad" ? 400 : 200, body: "said" }));
  configFile = join(folder, "config.yml");
  writeFileSync(
    configFile,
    `route:
  receiver: good
  group_by: [alertname]
  group_wait: 50ms
  routes: [{receiver: bad, matchers: [team="x"]}]
receivers:
- {name: good, webhook_configs: [{url: '${recorder.url}/good'}]}
- {name: bad, webhook_configs: [{url: '${recorder.url}/bad'}]}
`,
  );
  server = await createAlertmanager({
    configFile,
    storageDir: join(folder, "data"),
    listen: { host: "127.0.0.1", port: 0 },
    recurringSilences: true,
    log: silentLogger,
  });
});
afterEach(async () => {
  await server.close();
  await recorder[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const code = await runAm([...argv, `--alertmanager.url=${server.url}`, "--no-version-check"], {
    write: (text) => (out += text),
    warn: () => {},
  });
  return { code, out };
}

test("flags may stand anywhere, before and after the command's words", async () => {
  await run("alert", "add", "one", "team=y");
  const { out } = await run("-o", "json", "alert", "--active", "query", "one");
  expect(JSON.parse(out)).toMatchObject([{ labels: { alertname: "one", team: "y" } }]);
});

test("history says who was told what and why", async () => {
  await run("alert", "add", "fine");
  await run("alert", "add", "refused", "team=x");
  await expect
    .poll(async () => (await run("history", "--kind=notification")).out.split("\n").length)
    .toBeGreaterThan(3);
  const { out } = await run("history", "--kind=notification");
  expect(out).toMatch(/ sent +good\/webhook\[0\] \{alertname="fine"\} 1 firing, 0 resolved +first notification/);
  expect(out).toMatch(/ failed +bad\/webhook\[0\] \{alertname="refused"\} .*400/);
  const { out: json } = await run("history", "refused", "--kind=alert", "-o", "json");
  expect(JSON.parse(json)).toMatchObject([{ kind: "alert", state: "firing", labels: { alertname: "refused" } }]);
});

test("a recurring silence is added, shown, skipped and ended", async () => {
  const add = ["silence", "add", "Backup", "--comment=nightly", "--author=me"];
  const { out } = await run(...add, "--recurrence=sat,sun 22:00-06:00 Europe/Berlin", "--end=2099-01-01T00:00:00Z");
  const id = out.trim();
  const list = async () => (await run("silence", "recurring")).out;
  expect(await list()).toMatch(
    new RegExp(
      `^${id} .*alertname="Backup" +sat,sun 22:00-06:00 Europe/Berlin until 2099-01-01T00:00:00.000Z .* nightly`,
      "m",
    ),
  );
  expect((await run("silence", "recurring", "skip", id)).code).toBe(0);
  const { out: json } = await run("silence", "recurring", "-o", "json");
  expect(JSON.parse(json)).toMatchObject([{ id, windows: [{ skipped: true }, { skipped: false }, {}, {}, {}] }]);
  await run("silence", "recurring", "end", id);
  expect(await list()).not.toContain(id);
  // Without a time zone: this machine's.
  await run(...add, "--recurrence=daily 22:00-06:00");
  expect(await list()).toContain(`daily 22:00-06:00 ${Intl.DateTimeFormat().resolvedOptions().timeZone}`);
  await expect(run(...add, "--recurrence=sometimes")).rejects.toThrow("not a recurrence");
  await expect(run("silence", "recurring", "skip")).rejects.toThrow("no IDs");
});

test("a test of a receiver shows what it says, and fails with it", async () => {
  const good = await run("receiver", "test", "good", "--label=team=y");
  expect(good).toMatchObject({ code: 0, out: expect.stringMatching(/webhook\[0\] +ok/) });
  expect(recorder.json).toMatchObject({ alerts: [{ labels: { alertname: "TestNotification", team: "y" } }] });
  const bad = await run("receiver", "test", "bad");
  expect(bad).toMatchObject({ code: 1, out: expect.stringMatching(/webhook\[0\] +FAILED .*400/) });
  await expect(run("receiver", "test", "nobody")).rejects.toThrow('there is no receiver "nobody"');
});

test("what cannot be done is said, with what to do", async () => {
  const warn = () => {};
  const write = () => {};
  await expect(runAm([], { write, warn })).rejects.toThrow("no command is given");
  await expect(runAm(["fly"], { write, warn })).rejects.toThrow('there is no command "fly"');
  await expect(runAm(["alert"], { write, warn })).rejects.toThrow("--alertmanager.url");
  await expect(runAm(["alert", "--alertmanager.url=http://127.0.0.1:1"], { write, warn })).rejects.toBeInstanceOf(
    UserError,
  );
  for (const path of ["alert query", "silence import", "config routes test", "template render", "receiver test"])
    expect(amHelp()).toContain(path);
});
