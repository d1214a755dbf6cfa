import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder, TEST_GROUP_HASH } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = ""): string =>
  `{api_url: "${server.url}/alert", api_key: key, routing_key: "team {{ .GroupLabels.alertname }}"${more}}`;

test("the message as upstream sends it, to the key's own path", async () => {
  await deliver("victorops", config(", custom_fields: {severity: '{{ .CommonLabels.severity }}'}"), {
    alerts: [{ labels: { severity: "high" }, annotations: { summary: "disk full" } }],
  });
  expect(server.requests[0].url).toBe("/alert/key/team%20Test");
  expect(server.json).toEqual({
    entity_display_name: "[FIRING:1] Test (high)",
    entity_id: TEST_GROUP_HASH,
    message_type: "CRITICAL",
    monitoring_tool: "Alertmanager",
    severity: "high",
    state_message:
      "disk full\nAlerts Firing:\nLabels:\n - alertname = Test\n - severity = high\nAnnotations:\n - summary = disk full\nSource: http://prometheus/graph\n\n",
  });
});

test.each([
  ["WARNING", false, "WARNING"],
  ["{{ .Status }}", false, "CRITICAL"],
  ["INFO", true, "RECOVERY"],
])("type %s, over: %s", async (type, resolved, sent) => {
  await deliver("victorops", config(`, message_type: "${type}"`), { alerts: [{ resolved }] });
  expect(server.json.message_type).toBe(sent);
});

test("messages are cut, faults of the server are worth another try, refusals are not", async () => {
  await deliver("victorops", config(`, state_message: "${"ä".repeat(20_500)}"`));
  expect([...(server.json.state_message as string)]).toHaveLength(20_480);
  server.answer = () => ({ status: 500 });
  await expect(deliver("victorops", config())).rejects.toMatchObject({ retry: true, reason: "serverError" });
  server.answer = () => ({ status: 404, body: "no such key" });
  await expect(deliver("victorops", config())).rejects.toMatchObject({
    retry: false,
    message: "unexpected status code 404: no such key",
  });
});
