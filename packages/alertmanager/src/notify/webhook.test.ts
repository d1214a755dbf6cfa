import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deliver, HttpRecorder, TEST_GROUP } from "../testing/index.ts";

let server: HttpRecorder;
beforeEach(async () => {
  server = await HttpRecorder.start();
});
afterEach(() => server[Symbol.asyncDispose]());

test("payload version 4, key by key", async () => {
  await deliver("webhook", `{url: "${server.url}/h"}`, {
    alerts: [
      { labels: { z: "1" }, annotations: { s: "x" } },
      { labels: { z: "2" }, annotations: { s: "x" }, resolved: true },
    ],
  });
  expect(server.requests[0].body).toBe(
    `${JSON.stringify({
      receiver: "team\\.x",
      status: "firing",
      alerts: [
        {
          status: "firing",
          labels: { alertname: "Test", z: "1" },
          annotations: { s: "x" },
          startsAt: "2026-01-02T03:04:05.6Z",
          endsAt: "0001-01-01T00:00:00Z",
          generatorURL: "http://prometheus/graph",
          fingerprint: "5e2dd8c1d4c5f21d",
        },
        {
          status: "resolved",
          labels: { alertname: "Test", z: "2" },
          annotations: { s: "x" },
          startsAt: "2026-01-02T03:04:05.6Z",
          endsAt: "2026-01-02T03:05:05.6Z",
          generatorURL: "http://prometheus/graph",
          fingerprint: "5e2dd8c1d4c5f21d",
        },
      ],
      notification_reason: "first notification",
      groupLabels: { alertname: "Test" },
      commonLabels: { alertname: "Test" },
      commonAnnotations: { s: "x" },
      routeLabels: {},
      externalURL: "http://alertmanager",
      version: "4",
      groupKey: TEST_GROUP,
      truncatedAlerts: 0,
    }).replaceAll(
      '"5e2dd8c1d4c5f21d"',
      (() => {
        let i = 0;
        const prints = (server.json.alerts as { fingerprint: string }[]).map(({ fingerprint }) =>
          JSON.stringify(fingerprint),
        );
        return () => prints[i++];
      })(),
    )}\n`,
  );
});

test("at most so many alerts; what is common is common to those", async () => {
  await deliver("webhook", `{url: "${server.url}", max_alerts: 1}`, {
    alerts: [{ labels: { z: "1" }, resolved: true }, { labels: { z: "2" } }],
  });
  expect(server.json).toMatchObject({
    truncatedAlerts: 1,
    status: "resolved",
    commonLabels: { alertname: "Test", z: "1" },
  });
});

test("a payload of the user's own; a URL that is a template", async () => {
  await deliver(
    "webhook",
    `url: "${server.url}/{{ .GroupLabels.alertname }}"
payload:
  n: "{{ len .Alerts }}"
  text: "{{ .Status }}: x"
  "{{ .Status }}": [true, "{{ .CommonLabels | toJson }}"]`,
  );
  expect(server.requests[0].url).toBe("/Test");
  expect(server.json).toEqual({ n: 1, text: { firing: "x" }, firing: [true, { alertname: "Test" }] });
});

test("what goes wrong carries neither the URL nor its secrets", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-webhook-"));
  const file = join(folder, "url");
  try {
    await expect(deliver("webhook", `{url_file: ${file}}`)).rejects.toMatchObject({
      message: "read url_file: ENOENT",
      retry: false,
    });
    writeFileSync(file, "http://127.0.0.1:1/s3cret");
    const refused = deliver("webhook", `{url_file: ${file}}`).catch((error: Error) => error);
    expect(await refused).toMatchObject({ retry: true, message: expect.not.stringContaining("s3cret") });
    writeFileSync(file, "not a url s3cret");
    const invalid = deliver("webhook", `{url_file: ${file}}`).catch((error: Error) => error);
    expect(await invalid).toMatchObject({ retry: false, message: "cannot reach the receiver: the URL is not valid" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a receiver that hangs is given up after its timeout, or the flush's", async () => {
  server.answer = () => ({ hangs: true });
  await expect(deliver("webhook", `{url: "${server.url}", timeout: 50ms}`)).rejects.toMatchObject({
    retry: true,
    message: "configured webhook timeout reached (50 ms)",
  });
  await expect(deliver("webhook", `{url: "${server.url}"}`, { timeoutMs: 50 })).rejects.toMatchObject({
    reason: "contextDeadlineExceeded",
  });
});

test("http_config: users, headers, OAuth 2, redirects", async () => {
  await deliver(
    "webhook",
    `{url: "${server.url}", http_config: {basic_auth: {username: u, password: p}, http_headers: {X-Team: {values: [a]}}}}`,
  );
  expect(server.requests[0].headers).toMatchObject({ authorization: "Basic dTpw", "x-team": "a" });
  server.answer = ({ url }) =>
    url === "/token" ? { contentType: "application/json", body: '{"access_token":"tok"}' } : {};
  await deliver(
    "webhook",
    `{url: "${server.url}", http_config: {oauth2: {client_id: i, client_secret: s, token_url: "${server.url}/token"}}}`,
  );
  expect(server.requests.at(-1)!.headers.authorization).toBe("Bearer tok");
  const redirect = createServer((_request, response) =>
    response.writeHead(307, { location: `${server.url}/after` }).end(),
  );
  await new Promise<void>((resolve) => redirect.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(redirect.address() as AddressInfo).port}`;
    await deliver("webhook", `{url: "${url}"}`);
    expect(server.requests.at(-1)).toMatchObject({ url: "/after", method: "POST" });
    await expect(deliver("webhook", `{url: "${url}", http_config: {follow_redirects: false}}`)).rejects.toThrow(
      "unexpected status code 307",
    );
  } finally {
    redirect.closeAllConnections();
    redirect.close();
  }
});
