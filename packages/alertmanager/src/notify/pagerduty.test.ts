import { afterEach, beforeEach, expect, test } from "vitest";
import { ConnectProxy, deliver, HttpRecorder, TEST_CERTIFICATE, TEST_GROUP_HASH, TEST_KEY } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

const config = (more = ""): string => `{url: "${server.url}/v2", routing_key: "key-{{ .Status }}"${more}}`;

test("version 2: an event as upstream sends it", async () => {
  await deliver(
    "pagerduty",
    config(", images: [{src: 'http://i'}, {alt: no source}], links: [{href: 'http://l', text: t}], class: c"),
    {
      alerts: [{ labels: { severity: "page" } }],
    },
  );
  expect(server.json).toMatchObject({
    routing_key: "key-firing",
    dedup_key: TEST_GROUP_HASH,
    event_action: "trigger",
    client: "Alertmanager",
    client_url: "http://alertmanager/#/alerts?receiver=team%5C.x",
    images: [{ src: "http://i", alt: "", href: "" }],
    links: [{ href: "http://l", text: "t" }],
    payload: { summary: "[FIRING:1] Test (page)", source: "Alertmanager", severity: "error", class: "c" },
  });
  const { custom_details: details } = server.json.payload as { custom_details: Record<string, unknown> };
  expect(details).toMatchObject({ num_firing: 1, num_resolved: 0, resolved: [] });
  expect(details.firing).toMatchObject([{ labels: { severity: "page" }, status: "firing" }]);
});

test("what is over resolves the incident", async () => {
  await deliver("pagerduty", config(), { alerts: [{ resolved: true }] });
  expect(server.json).toMatchObject({
    event_action: "resolve",
    dedup_key: TEST_GROUP_HASH,
    routing_key: "key-resolved",
  });
});

test("details that are too large go, the event is sent", async () => {
  await deliver("pagerduty", config(`, details: {big: "{{ .Status }}${"x".repeat(600_000)}"}`));
  expect(server.json.payload).toMatchObject({
    custom_details: {
      error: "Custom details have been removed because the original event exceeds the maximum size of 512KB",
    },
  });
});

test("refusals in PagerDuty's words; rate limits are worth another try", async () => {
  server.answer = () => ({
    status: 400,
    body: '{"status":"invalid event","message":"Event object is invalid","errors":["Length of summary"]}',
  });
  await expect(deliver("pagerduty", config())).rejects.toMatchObject({
    retry: false,
    message: "unexpected status code 400: Event object is invalid: Length of summary",
  });
  server.answer = () => ({ status: 429 });
  await expect(deliver("pagerduty", config())).rejects.toMatchObject({ retry: true, reason: "rateLimited" });
  await expect(deliver("pagerduty", `{url: "${server.url}", routing_key: "{{ if false }}x{{ end }}"}`)).rejects.toThrow(
    "routing key cannot be empty",
  );
});

test("version 1, at PagerDuty's own address", async () => {
  await using secure = await HttpRecorder.start(undefined, { cert: TEST_CERTIFICATE, key: TEST_KEY });
  await using proxy = await ConnectProxy.start(secure.port);
  const http = `http_config: {proxy_url: "${proxy.url}", tls_config: {insecure_skip_verify: true}}`;
  await deliver("pagerduty", `{service_key: key, ${http}}`);
  await deliver("pagerduty", `{service_key: key, ${http}}`, { alerts: [{ resolved: true }] });
  expect(proxy.targets[0]).toBe("events.pagerduty.com:443");
  expect(secure.requests.map(({ url }) => url)).toEqual(new Array(2).fill("/generic/2010-04-15/create_event.json"));
  const [trigger, resolve] = secure.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  expect(trigger).toMatchObject({
    service_key: "key",
    incident_key: TEST_GROUP_HASH,
    event_type: "trigger",
    client: "Alertmanager",
  });
  expect(trigger.details).toMatchObject({ num_firing: 1 });
  expect(resolve).toMatchObject({ event_type: "resolve", description: "[RESOLVED] Test " });
  expect(resolve).not.toHaveProperty("client");
  secure.answer = () => ({ status: 403 });
  await expect(deliver("pagerduty", `{service_key: key, ${http}}`)).rejects.toMatchObject({ retry: true });
});
