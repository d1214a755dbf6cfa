import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, findOnce, metricValue, sectionsOf, testServer, watch } from "./test-server.ts";

test("a failure keeps what was found, is counted, and is told; success takes it back", async () => {
  let instances: unknown = {
    instances: [
      { id: "a", main_ip: "1.1.1.1" },
      { id: "b", main_ip: "2.2.2.2" },
    ],
  };
  let status = 200;
  await using server = await testServer(() => ({ status, body: JSON.stringify(instances) }));
  await using watched = watch(sectionsOf("vultr_sd_configs: [{refresh_interval: 20ms}]", { endpoint: server.url }));
  const addresses = () => watched.targets()?.map(({ __address__ }) => __address__);
  await eventually(() => expect(addresses()).toEqual(["1.1.1.1:80", "2.2.2.2:80"]));
  status = 500;
  await eventually(() => expect(watched.reason()).toContain("vultr: cannot ask"));
  expect(watched.reason()).toContain("HTTP status 500");
  expect(addresses()).toHaveLength(2);
  const labels = ["mechanism", "vultr", "config", "job"];
  expect(metricValue(watched.registry, "prometheus_sd_refresh_failures_total", labels)).toBeGreaterThan(0);
  expect(metricValue(watched.registry, "prometheus_sd_refresh_duration_seconds", labels)).toBeGreaterThan(1);
  status = 200;
  instances = { instances: [] };
  await eventually(() => expect(addresses()).toEqual([]));
  expect(watched.reason()).toBe(`vultr: ${server.url} lists no instances`);
  expect(
    metricValue(watched.registry, "prometheus_sd_refresh_duration_histogram_seconds", ["mechanism", "vultr"]),
  ).toBeGreaterThan(2);
});

test("says how many things there are when none can be a target", async () => {
  await using server = await testServer(() => ({ items: [{ id: "s" }] }));
  await using watched = watch(sectionsOf("ionos_sd_configs: [{datacenter_id: d}]", { endpoint: server.url }));
  await eventually(() =>
    expect(watched.reason()).toBe(`ionos: ${server.url} (data center d) lists 1 servers, none of which is a target`),
  );
});

test("a user in a URL is sent, and the password is not told", async () => {
  await using server = await testServer(() => ({ apps: [] }));
  const address = server.url.replace("http://", "http://me:se%40cret@");
  await using watched = watch(sectionsOf(`marathon_sd_configs: [{servers: ['${address}']}]`));
  await eventually(() => expect(watched.reason()).toContain("lists no apps"));
  expect(server.asked[0].headers.authorization).toBe(`Basic ${btoa("me:se@cret")}`);
  expect(watched.reason()).toContain("http://me:<secret>@127.0.0.1");
});

test("a file that is not there yet is waited for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-ca-"));
  const file = join(folder, "ca.pem");
  await using server = await testServer(() => ({ instances: [{ main_ip: "1.1.1.1" }] }));
  await using watched = watch(
    sectionsOf(`vultr_sd_configs: [{refresh_interval: 20ms, tls_config: {ca_file: '${file}'}}]`, {
      endpoint: server.url,
    }),
  );
  await eventually(() => expect(watched.reason()).toContain("ENOENT"));
  writeFileSync(file, "");
  await eventually(() => expect(watched.targets()).toHaveLength(1));
  rmSync(folder, { recursive: true });
});

test("groups that are gone are taken away", async () => {
  let apps = ["a", "b"];
  await using server = await testServer(() => ({
    apps: apps.map((id) => ({ id: `/${id}`, tasks: [{ id: `${id}1`, host: id, ports: [1] }] })),
  }));
  await using watched = watch(
    sectionsOf(`marathon_sd_configs: [{servers: ['${server.url}'], refresh_interval: 20ms}]`),
  );
  await eventually(() => expect(watched.targets()).toHaveLength(2));
  apps = ["b"];
  await eventually(() => expect(watched.targets()?.map(({ __address__ }) => __address__)).toEqual(["b:1"]));
});

test("options of the HTTP client reach the request", async () => {
  await using server = await testServer(() => []);
  const options = "authorization: {type: X, credentials: y}, http_headers: {a: {values: [b]}}";
  await using _watched = watch(sectionsOf(`nomad_sd_configs: [{server: '${server.url}', ${options}}]`));
  await eventually(() => expect(server.asked).toHaveLength(1));
  expect(server.asked[0].headers).toMatchObject({ authorization: "X y", a: "b", "user-agent": "Prometheus/3.14.0" });
});

test("Docker over a socket: the version both know, filters as Docker writes them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pharos-docker-"));
  const socket = join(folder, "s");
  {
    await using server = await testServer(({ path }) => {
      if (path === "/_ping") return { headers: { "api-version": "1.44" }, body: "OK" };
      return path.endsWith("/networks")
        ? [{ Id: "n", Name: "net", Scope: "local", Internal: false, Ingress: false, Labels: { "a.b": "c" } }]
        : [
            {
              Id: "1",
              Names: ["/one"],
              Image: "i",
              HostConfig: { NetworkMode: "bridge" },
              NetworkSettings: { Networks: { bridge: { IPAddress: "172.17.0.2", NetworkID: "n" } } },
              Ports: [
                { PrivatePort: 80, PublicPort: 8080, IP: "0.0.0.0", Type: "tcp" },
                { PrivatePort: 53, Type: "udp" },
              ],
            },
            {
              Id: "2",
              Names: ["/two"],
              HostConfig: { NetworkMode: "container:1" },
              NetworkSettings: { Networks: {} },
            },
            { Id: "3", Names: ["/loop"], HostConfig: { NetworkMode: "container:3" }, NetworkSettings: {} },
            {
              Id: "4",
              Names: ["/host"],
              HostConfig: { NetworkMode: "host" },
              NetworkSettings: { Networks: { host: { NetworkID: "h" } } },
            },
          ];
    }, socket);
    const targets = await findOnce(
      `docker_sd_configs: [{host: 'unix://${socket}', port: 9, filters: [{name: b, values: [y, x]}, {name: a, values: [z]}]}]`,
    );
    const common = {
      __meta_docker_container_id: "1",
      __meta_docker_container_name: "/one",
      __meta_docker_container_network_mode: "bridge",
      __meta_docker_container_image: "i",
      __meta_docker_network_id: "n",
      __meta_docker_network_name: "net",
      __meta_docker_network_scope: "local",
      __meta_docker_network_internal: "false",
      __meta_docker_network_ingress: "false",
      __meta_docker_network_label_a_b: "c",
      __meta_docker_network_ip: "172.17.0.2",
    };
    expect(targets.map(({ __address__ }) => __address__)).toEqual(["172.17.0.2:80", "172.17.0.2:9", "localhost"]);
    expect(targets[0]).toEqual({
      ...common,
      __address__: "172.17.0.2:80",
      __meta_docker_port_private: "80",
      __meta_docker_port_public: "8080",
      __meta_docker_port_public_ip: "0.0.0.0",
    });
    const list = server.asked.find(({ path }) => path === "/v1.44/containers/json");
    expect(list?.query.get("filters")).toBe('{"a":{"z":true},"b":{"x":true,"y":true}}');
  }
  rmSync(folder, { recursive: true });
});
