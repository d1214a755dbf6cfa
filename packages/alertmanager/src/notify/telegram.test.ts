import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start(() => ({ contentType: "application/json", body: '{"ok":true,"result":{}}' }));
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = ""): string =>
  `{api_url: "${server.url}", bot_token: "1:secret", chat_id: -1001234567890123${more}}`;

test("a message in HTML, its values escaped", async () => {
  await deliver(
    "telegram",
    config(", message: '<b>{{ .CommonLabels.a }}</b>', message_thread_id: 5, disable_notifications: true"),
    {
      alerts: [{ labels: { a: "<i>" } }],
    },
  );
  expect(server.requests[0].url).toBe("/bot1:secret/sendMessage");
  expect(server.json).toEqual({
    chat_id: "-1001234567890123",
    disable_notification: "true",
    disable_web_page_preview: "true",
    message_thread_id: "5",
    parse_mode: "HTML",
    text: "<b>&lt;i&gt;</b>",
  });
});

test("HTML that is too long is replaced, text is cut", async () => {
  await deliver("telegram", config(`, message: "{{ .Status }}${"x".repeat(5000)}"`));
  expect(server.json.text).toContain("message length exceeds Telegram limits");
  await deliver("telegram", config(`, parse_mode: "", message: "{{ .Status }}${"x".repeat(5000)}"`));
  expect(server.json.text).toHaveLength(4096);
});

test.each([
  [{ status: 429, body: '{"ok":false,"error_code":429,"description":"Too Many Requests"}' }, "rateLimited"],
  [{ status: 401, body: '{"ok":false,"error_code":401,"description":"Unauthorized"}' }, "authError"],
  [{ status: 502, body: "<html>" }, "serverError"],
])("answer %j", async (answer, reason) => {
  server.answer = () => answer;
  const error = await deliver("telegram", config()).catch((caught: Error) => caught);
  expect(error).toMatchObject({ retry: true, reason, message: expect.not.stringContaining("secret") });
});
