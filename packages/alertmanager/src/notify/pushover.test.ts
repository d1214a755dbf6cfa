import { expect, test } from "vitest";
import { ConnectProxy, deliver, HttpRecorder, TEST_CERTIFICATE, TEST_KEY } from "../testing/index.ts";

test("everything is in the query, at Pushover's own address; errors do not repeat it", async () => {
  await using server = await HttpRecorder.start(undefined, { cert: TEST_CERTIFICATE, key: TEST_KEY });
  await using proxy = await ConnectProxy.start(server.port);
  const config = (more: string): string =>
    `{user_key: us3r, token: t0ken, http_config: {proxy_url: "${proxy.url}", tls_config: {insecure_skip_verify: true}}, ${more}}`;
  await deliver(
    "pushover",
    config(
      `message: "{{ .Status }}${"x".repeat(2000)}", title: "${"t".repeat(300)}", ttl: 90s, expire: 2h, monospace: true`,
    ),
  );
  expect(proxy.targets).toEqual(["api.pushover.net:443"]);
  const { searchParams, pathname } = new URL(server.requests[0].url, "https://x");
  expect(pathname).toBe("/1/messages.json");
  const query = Object.fromEntries(searchParams);
  expect(query).toMatchObject({
    user: "us3r",
    token: "t0ken",
    priority: "2",
    retry: "60",
    expire: "7200",
    ttl: "90",
    monospace: "1",
  });
  expect([query.message.length, query.title.length]).toEqual([1024, 250]);
  await deliver("pushover", config("message: '{{ if false }}x{{ end }}', html: true"), {
    alerts: [{ resolved: true }],
  });
  expect(Object.fromEntries(new URL(server.requests[1].url, "https://x").searchParams)).toMatchObject({
    message: "(no details)",
    priority: "0",
    html: "1",
  });
  await deliver("pushover", config("message: '<b>{{ .CommonLabels.a }}</b>', html: true"), {
    alerts: [{ labels: { a: "<i>" } }],
  });
  expect(new URL(server.requests[2].url, "https://x").searchParams.get("message")).toBe("<b>&lt;i&gt;</b>");
  server.answer = () => ({ hangs: true });
  const error = await deliver("pushover", config("message: m"), { timeoutMs: 100 }).catch((caught: Error) => caught);
  expect(error).toMatchObject({ retry: true, message: expect.not.stringContaining("t0ken") });
});
