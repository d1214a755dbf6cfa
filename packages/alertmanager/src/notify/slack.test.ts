import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConnectProxy, deliver, HttpRecorder, TEST_CERTIFICATE, TEST_KEY } from "../testing/index.ts";
import type { NotifyError } from "./integration.ts";

let slack: HttpRecorder;
beforeEach(async () => {
  slack = await HttpRecorder.start(() => ({ body: "ok" }));
});
afterEach(() => slack[Symbol.asyncDispose]());

const failure = (promise: Promise<unknown>): Promise<NotifyError> =>
  promise.then(
    () => Promise.reject(new Error("it was sent")),
    (error) => error as NotifyError,
  );

test("the message as upstream sends it, empty settings left out", async () => {
  await deliver("slack", `{api_url: "${slack.url}/hook", channel: "#ops"}`, { alerts: [{ labels: { a: "<b>" } }] });
  expect(slack.requests[0]).toMatchObject({
    method: "POST",
    url: "/hook",
    headers: { "content-type": "application/json", "user-agent": "Alertmanager/test" },
  });
  expect(slack.requests[0].body).toContain("\\u003cb\\u003e");
  expect(slack.json).toEqual({
    channel: "#ops",
    username: "Alertmanager",
    attachments: [
      {
        title: "[FIRING:1] Test (<b>)",
        title_link: "http://alertmanager/#/alerts?receiver=team%5C.x",
        text: "",
        fallback: "[FIRING:1] Test (<b>) | http://alertmanager/#/alerts?receiver=team%5C.x",
        callback_id: "",
        footer: "",
        color: "danger",
        mrkdwn_in: ["fallback", "pretext", "text"],
      },
    ],
  });
});

test("titles are cut to 1024 characters, not halves of them", async () => {
  await deliver("slack", `{api_url: "${slack.url}", title: "{{ .GroupLabels.alertname }}${"😀".repeat(1024)}"}`);
  const [{ title }] = slack.json.attachments as { title: string }[];
  expect([...title]).toHaveLength(1024);
  expect(title.endsWith("😀…")).toBe(true);
});

test.each([
  [{ body: "no_text" }, /received an error response from Slack: no_text/, false, "clientError"],
  [
    { contentType: "application/json", body: '{"ok":false,"error":"channel_not_found"}' },
    /error response from Slack: channel_not_found/,
    false,
    "clientError",
  ],
  [{ contentType: "application/json", body: "<html>" }, /could not unmarshal JSON response/, true, "clientError"],
  [{ status: 503, body: "later" }, /unexpected status code 503: later/, true, "serverError"],
  [{ status: 429, body: "" }, /unexpected status code 429/, false, "rateLimited"],
  [{ status: 403, body: "" }, /unexpected status code 403/, false, "authError"],
])("answer %j", async (answer, message, retry, reason) => {
  slack.answer = () => answer;
  const error = await failure(deliver("slack", `{api_url: "${slack.url}/secret-path", channel: c}`));
  expect(error.message).toMatch(message);
  expect(error.message).toContain('channel "c"');
  expect(error.message).not.toContain("secret-path");
  expect(error).toMatchObject({ retry, reason });
});

test("an app token, from a file that is read at each use", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-slack-"));
  const file = join(folder, "token");
  try {
    for (const token of ["one", "two"]) {
      writeFileSync(file, `${token}\n`);
      await deliver("slack", `{app_token_file: ${file}, app_url: "${slack.url}/api", channel: c}`);
    }
    await deliver("slack", "{channel: c}", { global: `{slack_app_token: three, slack_app_url: "${slack.url}/api"}` });
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(slack.requests.map(({ headers }) => headers.authorization)).toEqual([
    "Bearer one",
    "Bearer two",
    "Bearer three",
  ]);
});

test("replies in the thread of the first message", async () => {
  slack.answer = () => ({ contentType: "application/json", body: '{"ok":true,"ts":"1.5","channel":"C9"}' });
  const store = new Map();
  const config = `{app_token: t, app_url: "${slack.url}/chat.postMessage", channel: "#ops", thread_replies: true}`;
  await deliver("slack", config, { store });
  slack.answer = () => ({ contentType: "application/json", body: '{"ok":true,"ts":"2.5","channel":"C9"}' });
  await deliver("slack", config, { store });
  await deliver("slack", config, { store });
  expect(
    slack.requests.map(({ body }) => JSON.parse(body)).map(({ channel, thread_ts: thread }) => [channel, thread]),
  ).toEqual([
    ["#ops", undefined],
    ["C9", "1.5"],
    ["C9", "1.5"],
  ]);
});

test("a message is updated in place, at Slack's own address, through a proxy and TLS", async () => {
  await using secure = await HttpRecorder.start(
    () => ({ contentType: "application/json", body: '{"ok":true,"ts":"7.1","channel":"C1"}' }),
    { cert: TEST_CERTIFICATE, key: TEST_KEY },
  );
  await using proxy = await ConnectProxy.start(secure.port);
  const config = `
api_url: https://slack.com/api/chat.postMessage
channel: "#ops"
update_message: true
http_config: {proxy_url: "${proxy.url}", authorization: {credentials: xoxb}, tls_config: {insecure_skip_verify: true}}`;
  const store = new Map();
  await deliver("slack", config, { store });
  await deliver("slack", config, { store });
  expect(proxy.targets).toEqual(["slack.com:443", "slack.com:443"]);
  expect(
    secure.requests.map(({ url, headers, body }) => [
      url,
      headers.authorization,
      JSON.parse(body).ts,
      JSON.parse(body).channel,
    ]),
  ).toEqual([
    ["/api/chat.postMessage", "Bearer xoxb", undefined, "#ops"],
    ["/api/chat.update", "Bearer xoxb", "7.1", "C1"],
  ]);
});
