import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder, TEST_GROUP_HASH } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = ""): string => `{api_url: "${server.url}/og", api_key: k${more}}`;

test("an alert is created, updated where asked for, and closed", async () => {
  const more = `, update_alerts: true, message: "{{ .Status }}${"é".repeat(200)}", responders: [{name: 'a,b', type: teams}, {username: "{{ .CommonLabels.none }}", type: ""}]`;
  await expect(deliver("opsgenie", config(more))).rejects.toThrow("type does not match valid options");
  await deliver("opsgenie", config(more.replace('type: ""', 'type: "{{ .CommonLabels.none }}"')), {
    alerts: [{ labels: { a: "1" } }],
  });
  expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST /og/v2/alerts",
    `PUT /og/v2/alerts/${TEST_GROUP_HASH}/message?identifierType=alias`,
    `PUT /og/v2/alerts/${TEST_GROUP_HASH}/description?identifierType=alias`,
  ]);
  const created = JSON.parse(server.requests[0].body) as { message: string };
  expect([...created.message]).toHaveLength(130);
  expect(created).toMatchObject({
    alias: TEST_GROUP_HASH,
    details: { a: "1", alertname: "Test" },
    responders: [
      { name: "a", type: "team" },
      { name: "b", type: "team" },
    ],
  });
  await deliver("opsgenie", config(), { alerts: [{ resolved: true }] });
  expect(server.requests.at(-1)).toMatchObject({
    method: "POST",
    url: `/og/v2/alerts/${TEST_GROUP_HASH}/close?identifierType=alias`,
    headers: { authorization: "GenieKey k" },
  });
});

test("rate limits and faults are worth another try", async () => {
  for (const [status, retry] of [
    [429, true],
    [502, true],
    [422, false],
  ] as const) {
    server.answer = () => ({ status });
    await expect(deliver("opsgenie", config())).rejects.toMatchObject({ retry });
  }
});
