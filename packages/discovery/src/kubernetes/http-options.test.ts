import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, sectionsOf, testServer, watch } from "../test-server.ts";

const nodes = {
  kind: "NodeList",
  metadata: { resourceVersion: "1" },
  items: [
    {
      metadata: { name: "n", resourceVersion: "1" },
      status: {
        addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    },
  ],
};

/** An API server whose watches say nothing until it is closed. */
function apiServer() {
  return testServer(({ query }) => (query.has("watch") ? new Promise<never>(() => {}) : nodes));
}

test("basic authentication and headers of the section reach the API server", async () => {
  await using server = await apiServer();
  const options = "basic_auth: {username: u, password: p}, http_headers: {x-a: {values: [b]}}";
  await using watched = watch(
    sectionsOf(`kubernetes_sd_configs: [{role: node, api_server: '${server.url}', ${options}}]`),
  );
  await eventually(() => expect(watched.targets()?.[0]?.__address__).toBe("10.0.0.1:10250"));
  expect(server.asked[0]).toMatchObject({
    path: "/api/v1/nodes",
    headers: { authorization: `Basic ${btoa("u:p")}`, "x-a": "b" },
  });
});

test("through a proxy", async () => {
  await using proxy = await apiServer();
  await using watched = watch(
    sectionsOf(
      `kubernetes_sd_configs: [{role: node, api_server: 'http://k8s.example', proxy_url: '${proxy.url}', no_proxy: other}]`,
    ),
  );
  await eventually(() => expect(watched.targets()).toHaveLength(1));
  expect(proxy.asked[0].headers.host).toBe("k8s.example");
});

test("a token in a file is read anew at each request", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-token-"));
  const file = join(folder, "token");
  writeFileSync(file, "first");
  let expired = false;
  await using server = await testServer(({ query }) => {
    if (!query.has("watch")) return nodes;
    if (expired) return new Promise<never>(() => {});
    expired = true;
    writeFileSync(file, "second");
    return { status: 410, body: '{"code": 410, "reason": "Expired"}' };
  });
  await using watched = watch(
    sectionsOf(`kubernetes_sd_configs: [{role: node, api_server: '${server.url}', bearer_token_file: '${file}'}]`),
  );
  await eventually(() => expect(watched.targets()).toHaveLength(1));
  await eventually(() => expect(server.asked.length).toBeGreaterThan(2), 5000);
  const tokens = server.asked.map(({ headers }) => headers.authorization);
  expect(tokens[0]).toBe("Bearer first");
  expect(tokens.at(-1)).toBe("Bearer second");
  rmSync(folder, { recursive: true });
});
