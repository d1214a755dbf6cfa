import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = ""): string => `{url: "${server.url}/in", alert_source_token: tok${more}}`;

test("the webhook's payload, version 1, with the source's token", async () => {
  await deliver("incidentio", config(), { alerts: [{}, { labels: { a: "1" } }] });
  expect(server.requests[0].headers.authorization).toBe("Bearer tok");
  expect(server.json).toMatchObject({ version: "1", status: "firing", truncatedAlerts: 0, alerts: [{}, {}] });
});

test("what is too large is told by its first alert", async () => {
  const annotations = { text: "x".repeat(300_000) };
  await deliver("incidentio", config(), { alerts: [{ annotations }, { annotations, labels: { a: "1" } }] });
  expect(server.json.alerts).toHaveLength(1);
});

test("errors in its words; rate limits are worth another try", async () => {
  server.answer = () => ({ status: 429, body: '{"message":"slow","errors":["a","b"]}' });
  await expect(deliver("incidentio", config())).rejects.toMatchObject({
    retry: true,
    message: "unexpected status code 429: slow: a, b",
  });
});
