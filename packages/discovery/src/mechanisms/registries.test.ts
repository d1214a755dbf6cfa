/** Mechanisms that ask a registry of services: whole label sets from small recorded answers. */
import { describe, expect, test } from "vitest";
import { Json } from "../api/json.ts";
import { type Asked, eventually, findOnce, metricValue, sectionsOf, testServer, watch } from "../test-server.ts";
import { aggregatedStatus } from "./consul.ts";
import { assignmentTargets } from "./kuma.ts";
import { appGroup } from "./marathon.ts";

describe("Consul", () => {
  const entry = (id: string, address = "") => ({
    Node: { Node: "n", Address: "10.0.0.1", Meta: { "rack-1": "r" }, TaggedAddresses: { lan: "10.0.0.1" } },
    Service: {
      ID: id,
      Address: address,
      Port: 80,
      Tags: ["a", "b"],
      Meta: { v: "1" },
      Namespace: "ns",
      Partition: "p",
    },
    Checks: [{ CheckID: "c", Status: "passing" }],
  });

  /** A Consul with a catalog and instances; blocking queries wait until `change` is called. */
  function consul() {
    const state = { index: 1, services: { web: ["a", "b"], db: [] } as Record<string, string[]>, failing: false };
    const waiting: (() => void)[] = [];
    const answer = async ({ path, query }: Asked) => {
      if (state.failing) return { status: 500, body: "no leader" };
      if (path === "/pre/v1/agent/self") return { Config: { Datacenter: "dc1" } };
      if (Number(query.get("index") ?? 0) >= state.index) await new Promise<void>((resolve) => waiting.push(resolve));
      const headers = { "x-consul-index": String(state.index) };
      if (path === "/pre/v1/catalog/services") return { headers, body: JSON.stringify(state.services) };
      const name = decodeURIComponent(path.split("/").at(-1) ?? "");
      return { headers, body: JSON.stringify(state.services[name] ? [entry(name)] : []) };
    };
    const change = (): void => {
      state.index++;
      for (const wake of waiting.splice(0)) wake();
    };
    return { state, answer, change };
  }

  test("follows the catalog and each service; services come and go", async () => {
    const { state, answer, change } = consul();
    await using server = await testServer(answer);
    const host = server.url.replace("http://", "");
    await using watched = watch(
      sectionsOf(
        `consul_sd_configs: [{server: '${host}', path_prefix: /pre, token: tok, tags: [a], node_meta: {k: v}, filter: F, health_filter: H, namespace: ns, partition: p, refresh_interval: 10ms, username: u, password: w}]`,
      ),
    );
    await eventually(() => expect(watched.targets()).toHaveLength(1));
    expect(watched.targets()).toEqual([
      {
        __address__: "10.0.0.1:80",
        __meta_consul_address: "10.0.0.1",
        __meta_consul_node: "n",
        __meta_consul_namespace: "ns",
        __meta_consul_partition: "p",
        __meta_consul_tags: ",a,b,",
        __meta_consul_service: "web",
        __meta_consul_service_address: "",
        __meta_consul_service_port: "80",
        __meta_consul_service_id: "web",
        __meta_consul_health: "passing",
        __meta_consul_dc: "dc1",
        __meta_consul_metadata_rack_1: "r",
        __meta_consul_service_metadata_v: "1",
        __meta_consul_tagged_address_lan: "10.0.0.1",
      },
    ]);
    const [self, catalog, health] = server.asked;
    expect(self.headers).toMatchObject({ "x-consul-token": "tok", authorization: `Basic ${btoa("u:w")}` });
    expect(Object.fromEntries(catalog.query)).toEqual({
      dc: "dc1",
      ns: "ns",
      partition: "p",
      stale: "",
      wait: "120000ms",
      "node-meta": "k:v",
      filter: "F",
    });
    expect(health.path).toBe("/pre/v1/health/service/web");
    expect(health.query.getAll("tag")).toEqual(["a"]);
    expect(health.query.get("filter")).toBe("H");
    state.services = { "new one": ["a"] };
    await eventually(() => expect(server.asked.some(({ query }) => query.get("index") === "1")).toBe(true));
    change();
    await eventually(() => expect(watched.targets()?.map((t) => t.__meta_consul_service)).toEqual(["new one"]));
    state.services = {};
    change();
    await eventually(() => expect(watched.targets()).toEqual([]));
    expect(watched.reason()).toContain("lists no service that is wanted");
    expect(metricValue(watched.registry, "prometheus_sd_consul_rpc_failures_total")).toBe(0);
  });

  test("named services need no catalog; a failure is told and counted, what was found stays", async () => {
    const { state, answer, change } = consul();
    await using server = await testServer(answer);
    await using watched = watch(
      sectionsOf(
        `consul_sd_configs: [{server: '${server.url}', path_prefix: /pre, datacenter: dc2, services: [web, db], refresh_interval: 10ms}]`,
      ),
    );
    await eventually(() => expect(watched.targets()).toHaveLength(2));
    expect(server.asked.some(({ path }) => path.includes("catalog") || path.includes("agent"))).toBe(false);
    expect(watched.targets()?.[0].__meta_consul_dc).toBe("dc2");
    state.failing = true;
    change();
    await eventually(() => expect(watched.reason()).toContain("service web: "));
    expect(watched.reason()).toContain("HTTP status 500: no leader");
    expect(watched.targets()).toHaveLength(2);
    expect(metricValue(watched.registry, "prometheus_sd_consul_rpc_failures_total")).toBeGreaterThan(0);
  });

  test("the worst check counts; maintenance is worse than all", () => {
    const checks = (...statuses: string[]) => statuses.map((Status) => new Json({ CheckID: "x", Status }));
    expect(aggregatedStatus([])).toBe("passing");
    expect(aggregatedStatus(checks("passing", "critical", "warning"))).toBe("critical");
    expect(aggregatedStatus(checks("passing", "warning"))).toBe("warning");
    expect(aggregatedStatus([...checks("critical"), new Json({ CheckID: "_node_maintenance" })])).toBe("maintenance");
    expect(aggregatedStatus([new Json({ CheckID: "_service_maintenance:x", Status: "critical" })])).toBe("maintenance");
    expect(aggregatedStatus(checks("something"))).toBe("");
  });
});

describe("Kuma", () => {
  const TYPE = "type.googleapis.com/kuma.observability.v1.MonitoringAssignment";
  const assignment = {
    "@type": TYPE,
    mesh: "default",
    service: "web",
    labels: { "kuma.io/zone": "z", team: "infra" },
    targets: [
      { name: "web-1", scheme: "http", address: "10.0.0.1:9090", metricsPath: "/m", labels: { team: "own", c: "d" } },
      { name: "web-2", scheme: "https", address: "10.0.0.2:9090", metrics_path: "/n" },
    ],
  };

  test("assignments as labels; a group's label wins over a target's", () => {
    const targets = assignmentTargets(new Json({ typeUrl: TYPE, resources: [assignment] }));
    expect(targets[0]).toEqual({
      __address__: "10.0.0.1:9090",
      __scheme__: "http",
      __metrics_path__: "/m",
      instance: "web-1",
      __meta_kuma_mesh: "default",
      __meta_kuma_service: "web",
      __meta_kuma_dataplane: "web-1",
      __meta_kuma_label_kuma_io_zone: "z",
      __meta_kuma_label_team: "infra",
      __meta_kuma_label_c: "d",
    });
    expect(targets[1].__metrics_path__).toBe("/n");
    expect(() => assignmentTargets(new Json({ typeUrl: "x" }))).toThrow("received invalid typeURL");
    expect(() => assignmentTargets(new Json({ type_url: TYPE, resources: [{ "@type": "x" }] }))).toThrow(
      '"x" is no monitoring assignment',
    );
  });

  test("long polling: the version known is sent, 304 changes nothing, a failure keeps what there is", async () => {
    let calls = 0;
    await using server = await testServer(() => {
      calls++;
      if (calls === 1) return { versionInfo: "1", nonce: "n1", typeUrl: TYPE, resources: [assignment] };
      if (calls === 2) return { status: 304, body: "" };
      return calls === 3 ? { status: 500, body: "" } : { typeUrl: TYPE, resources: [] };
    });
    await using watched = watch(
      sectionsOf(
        `kuma_sd_configs: [{server: '${server.url}', client_id: me, refresh_interval: 20ms, fetch_timeout: 90s}]`,
      ),
    );
    await eventually(() => expect(watched.targets()).toHaveLength(2));
    await eventually(() => expect(watched.targets()).toEqual([]));
    expect(watched.reason()).toContain("assigns no targets");
    expect(server.asked[0]).toMatchObject({ method: "POST", path: "/v3/discovery:monitoringassignments" });
    expect(server.asked[0].query.get("fetch-timeout")).toBe("1m30s");
    expect(JSON.parse(server.asked[0].body)).toEqual({ node: { id: "me" }, type_url: TYPE });
    expect(JSON.parse(server.asked[1].body)).toEqual({
      version_info: "1",
      response_nonce: "n1",
      node: { id: "me" },
      type_url: TYPE,
    });
    const { registry } = watched;
    expect(metricValue(registry, "prometheus_sd_kuma_fetch_skipped_updates_total")).toBe(1);
    expect(metricValue(registry, "prometheus_sd_kuma_fetch_failures_total")).toBe(1);
    expect(metricValue(registry, "prometheus_sd_kuma_fetch_duration_seconds")).toBeGreaterThan(3);
  });
});

test("Eureka", async () => {
  await using server = await testServer(({ path }) =>
    path === "/eureka/apps"
      ? `<applications><versions__delta>1</versions__delta><application><name>WEB</name><instance>
          <instanceId>i1</instanceId><hostName>h</hostName><app>WEB</app><ipAddr>10.0.0.1</ipAddr><status>UP</status>
          <port enabled="true">8080</port><securePort enabled="false">443</securePort><countryId>1</countryId>
          <dataCenterInfo class="c"><name>MyOwn</name><metadata><zone>a</zone></metadata></dataCenterInfo>
          <metadata><prometheus.port>9090</prometheus.port></metadata>
          <homePageUrl>http://h/</homePageUrl><statusPageUrl>http://h/s</statusPageUrl><healthCheckUrl/>
          <vipAddress>web</vipAddress><secureVipAddress>sweb</secureVipAddress>
        </instance><instance><hostName>bare</hostName></instance></application></applications>`
      : undefined,
  );
  const targets = await findOnce(`eureka_sd_configs: [{server: '${server.url}/eureka'}]`);
  expect(targets[1]).toEqual({
    __address__: "h:8080",
    instance: "i1",
    __meta_eureka_app_name: "WEB",
    __meta_eureka_app_instance_hostname: "h",
    __meta_eureka_app_instance_homepage_url: "http://h/",
    __meta_eureka_app_instance_statuspage_url: "http://h/s",
    __meta_eureka_app_instance_healthcheck_url: "",
    __meta_eureka_app_instance_ip_addr: "10.0.0.1",
    __meta_eureka_app_instance_vip_address: "web",
    __meta_eureka_app_instance_secure_vip_address: "sweb",
    __meta_eureka_app_instance_status: "UP",
    __meta_eureka_app_instance_country_id: "1",
    __meta_eureka_app_instance_id: "i1",
    __meta_eureka_app_instance_port: "8080",
    __meta_eureka_app_instance_port_enabled: "true",
    __meta_eureka_app_instance_secure_port: "443",
    __meta_eureka_app_instance_secure_port_enabled: "false",
    __meta_eureka_app_instance_datacenterinfo_name: "MyOwn",
    __meta_eureka_app_instance_datacenterinfo_metadata_zone: "a",
    __meta_eureka_app_instance_metadata_prometheus_port: "9090",
  });
  expect(targets[0].__address__).toBe("bare:80");
});

test("Nomad: services, then the instances of each", async () => {
  await using server = await testServer(({ path }) =>
    path === "/v1/services"
      ? [{ Namespace: "default", Services: [{ ServiceName: "web app" }] }]
      : [
          {
            ID: "id",
            ServiceName: "web app",
            Namespace: "default",
            NodeID: "node",
            Datacenter: "dc1",
            Tags: ["a"],
            Address: "10.0.0.1",
            Port: 80,
          },
        ],
  );
  expect(await findOnce(`nomad_sd_configs: [{server: '${server.url}', region: r}]`)).toEqual([
    {
      __address__: "10.0.0.1:80",
      __meta_nomad_address: "10.0.0.1",
      __meta_nomad_dc: "dc1",
      __meta_nomad_node_id: "node",
      __meta_nomad_namespace: "default",
      __meta_nomad_service: "web app",
      __meta_nomad_service_address: "10.0.0.1",
      __meta_nomad_service_id: "id",
      __meta_nomad_service_port: "80",
      __meta_nomad_tags: ",a,",
    },
  ]);
  expect(server.asked[1].path).toBe("/v1/service/web%20app");
  expect(Object.fromEntries(server.asked[1].query)).toEqual({ region: "r", namespace: "default", stale: "" });
});

describe("Marathon", () => {
  const tasks = [{ id: "t", host: "h", ports: [31000, 31001], ipAddresses: [{ ipAddress: "10.0.0.1" }] }];
  const addresses = (app: object) => appGroup(new Json({ id: "/a", tasks, ...app })).targets.map((t) => t.__address__);

  test("ports come from mappings, definitions or tasks, as the network has it", () => {
    const mapping = [
      { containerPort: 80, hostPort: 0 },
      { containerPort: 81, hostPort: 31500 },
    ];
    expect(addresses({ container: { portMappings: mapping } })).toEqual(["h:31000", "h:31500"]);
    expect(addresses({ container: { docker: { portMappings: mapping } } })).toEqual(["h:31000", "h:31500"]);
    expect(addresses({ container: { portMappings: mapping }, networks: [{ mode: "container" }] })).toEqual([
      "10.0.0.1:80",
      "10.0.0.1:81",
    ]);
    const definitions = [{ port: 1 }, { port: 2 }];
    expect(addresses({ portDefinitions: definitions })).toEqual(["h:31000", "h:31001"]);
    expect(addresses({ portDefinitions: definitions, requirePorts: true })).toEqual(["h:1", "h:2"]);
    expect(addresses({})).toEqual(["h:31000", "h:31001"]);
    expect(addresses({ tasks: [] })).toEqual([]);
  });

  test("labels of apps and ports; the token in DC/OS' form", async () => {
    const app = {
      id: "/a",
      tasks,
      labels: { "x-y": "z" },
      container: { docker: { image: "img" }, portMappings: [{ hostPort: 0, labels: { p: "q" } }, { hostPort: 5 }] },
    };
    await using server = await testServer(() => ({ apps: [app] }));
    const [first] = await findOnce(`marathon_sd_configs: [{servers: ['${server.url}'], auth_token: secret}]`);
    expect(first).toEqual({
      __address__: "h:31000",
      __meta_marathon_app: "/a",
      __meta_marathon_image: "img",
      __meta_marathon_task: "t",
      __meta_marathon_port_index: "0",
      __meta_marathon_app_label_x_y: "z",
      __meta_marathon_port_mapping_label_p: "q",
    });
    expect(server.asked[0].headers.authorization).toBe("token=secret");
    expect(server.asked[0].query.get("embed")).toBe("apps.tasks");
  });
});

test("Triton: containers and compute nodes", async () => {
  await using server = await testServer(({ path }) =>
    path === "/v1/discover"
      ? {
          containers: [
            { vm_uuid: "u", vm_alias: "a", vm_brand: "lx", vm_image_uuid: "i", server_uuid: "s", groups: ["g"] },
          ],
        }
      : { cns: [{ server_uuid: "s", server_hostname: "h" }] },
  );
  const yaml = "triton_sd_configs: [{account: a, dns_suffix: t.example, endpoint: e, groups: [g, h]}]";
  const patch = { endpoint: `${server.url}/v1` };
  expect(await findOnce(yaml, patch)).toEqual([
    {
      __address__: "u.t.example:9163",
      __meta_triton_machine_id: "u",
      __meta_triton_machine_alias: "a",
      __meta_triton_machine_brand: "lx",
      __meta_triton_machine_image: "i",
      __meta_triton_server_id: "s",
      __meta_triton_groups: ",g,",
    },
  ]);
  expect(server.asked[0].query.get("groups")).toBe("g,h");
  expect(await findOnce(yaml.replace("account: a", "account: a, role: cn"), patch)).toEqual([
    { __address__: "s.t.example:9163", __meta_triton_machine_id: "s", __meta_triton_machine_alias: "h" },
  ]);
  expect(server.asked[1].path).toBe("/v1/gz/discover");
});

test("Uyuni: logs in, asks for groups, endpoints and networks; logs in again after a failure", async () => {
  const value = (inner: string) =>
    `<methodResponse><params><param><value>${inner}</value></param></params></methodResponse>`;
  const struct = (fields: Record<string, string>) =>
    `<value><struct>${Object.entries(fields)
      .map(([name, inner]) => `<member><name>${name}</name><value>${inner}</value></member>`)
      .join("")}</struct></value>`;
  const array = (inner: string) => `<array><data>${inner}</data></array>`;
  let failing = true;
  await using server = await testServer(({ body }) => {
    if (body.includes("auth.login")) return value("<string>token</string>");
    if (failing) return { status: 500, body: "" };
    if (body.includes("listSystemGroups")) {
      const groups = array(
        `${struct({ id: "<int>1</int>", name: "g1" })}${struct({ id: "<int>2</int>", name: "g2" })}`,
      );
      return value(array(struct({ id: "<int>1000</int>", system_groups: groups })));
    }
    if (body.includes("listEndpoints")) {
      return value(
        array(
          struct({
            system_id: "<int>1000</int>",
            endpoint_name: "e",
            port: "<int>9100</int>",
            path: "/metrics",
            module: "m",
            exporter_name: "node",
            tls_enabled: "<boolean>1</boolean>",
          }),
        ),
      );
    }
    return value(
      array(struct({ system_id: "<int>1000</int>", hostname: "h", primary_fqdn: "h.example", ip: "10.0.0.1" })),
    );
  });
  await using watched = watch(
    sectionsOf(`uyuni_sd_configs: [{server: '${server.url}/x', username: u, password: p, refresh_interval: 20ms}]`),
  );
  await eventually(() => expect(watched.reason()).toContain("HTTP status 500"));
  failing = false;
  await eventually(() =>
    expect(watched.targets()).toEqual([
      {
        __address__: "h:9100",
        __meta_uyuni_minion_hostname: "h",
        __meta_uyuni_primary_fqdn: "h.example",
        __meta_uyuni_system_id: "1000",
        __meta_uyuni_groups: "g1,g2",
        __meta_uyuni_endpoint_name: "e",
        __meta_uyuni_exporter: "node",
        __meta_uyuni_proxy_module: "m",
        __meta_uyuni_metrics_path: "/metrics",
        __meta_uyuni_scheme: "https",
      },
    ]),
  );
  expect(server.asked[0].path).toBe("/x/rpc/api");
  const logins = server.asked.filter(({ body }) => body.includes("auth.login")).length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(server.asked.filter(({ body }) => body.includes("auth.login"))).toHaveLength(logins);
});

test("PuppetDB: parameters of all kinds, flattened", async () => {
  const parameters = {
    text: "t",
    empty: "",
    yes: true,
    small: 0.00001,
    large: 1234567,
    list: ["a", 1, false, null],
    none: [],
    nothing: null,
    deep: { "a-b": { c: "d" } },
  };
  await using server = await testServer(() => [
    { certname: "c.example", resource: "r", type: "T", title: "t", parameters },
  ]);
  const yaml = `puppetdb_sd_configs: [{url: '${server.url}/base/', query: 'q', include_parameters: true}]`;
  const [target] = await findOnce(yaml);
  expect(server.asked[0]).toMatchObject({ method: "POST", path: "/base/pdb/query/v4", body: '{"query":"q"}' });
  const found = Object.entries(target).filter(([name]) => name.startsWith("__meta_puppetdb_parameter_"));
  expect(Object.fromEntries(found.map(([name, value]) => [name.slice(26), value]))).toEqual({
    text: "t",
    yes: "true",
    small: "1e-05",
    large: "1.234567e+06",
    list: "a,1,false,",
    deep_a_b_c: "d",
  });
  const [plain] = await findOnce(yaml.replace(", include_parameters: true", ""));
  expect(Object.keys(plain).some((name) => name.includes("parameter"))).toBe(false);
});
