import { afterEach, expect, test, vi } from "vitest";
import { findOnce, testServer } from "../../test-server.ts";

afterEach(() => vi.unstubAllEnvs());

const cloud = () =>
  testServer(({ path, query, headers: { host } }) => {
    const base = (name: string) => ({
      type: name,
      endpoints: [
        { interface: "admin", region: "R", url: "http://not.this" },
        { interface: "public", region: "other", url: "http://not.this" },
        { interface: "public", region: "x", region_id: "R", url: `http://${host}/${name}` },
      ],
    });
    const page = (key: string, item: object) =>
      query.has("marker")
        ? { [key]: [item] }
        : { [key]: [], [`${key}_links`]: [{ rel: "next", href: `http://${host}${path}?marker=1` }] };
    switch (path) {
      case "/v3/auth/tokens": {
        const catalog = ["compute", "network", "load-balancer"].map(base);
        return { status: 201, headers: { "x-subject-token": "tok" }, body: JSON.stringify({ token: { catalog } }) };
      }
      case "/compute/os-hypervisors/detail":
        return page("hypervisors", {
          id: 7,
          host_ip: "10.0.0.9",
          hypervisor_hostname: "hv",
          status: "enabled",
          state: "up",
          hypervisor_type: "QEMU",
        });
      case "/network/v2.0/ports":
        return page("ports", { id: "port", device_id: "srv" });
      case "/network/v2.0/floatingips":
        return page("floatingips", { port_id: "port", fixed_ip_address: "10.0.0.1", floating_ip_address: "1.2.3.4" });
      case "/compute/servers/detail":
        return page("servers", {
          id: "srv",
          name: "vm",
          status: "ACTIVE",
          tenant_id: "t",
          user_id: "u",
          flavor: { original_name: "m1", id: "1" },
          image: "",
          metadata: { "a b": "c" },
          addresses: { private: [{ addr: "10.0.0.1" }, { addr: "1.2.3.4" }], other: [{ addr: "fd00::1" }] },
        });
      case "/load-balancer/v2.0/lbaas/loadbalancers":
        return page("loadbalancers", {
          id: "lb",
          name: "balancer",
          vip_address: "10.0.0.5",
          vip_port_id: "port",
          operating_status: "ONLINE",
          provisioning_status: "ACTIVE",
          availability_zone: "az",
          provider: "amphora",
          project_id: "p",
          tags: ["a", "b"],
        });
      case "/load-balancer/v2.0/lbaas/listeners":
        return page("listeners", { protocol: "PROMETHEUS", protocol_port: 9273, loadbalancers: [{ id: "lb" }] });
      default:
        return undefined;
    }
  });

const yaml = (role: string, more: string) => `openstack_sd_configs: [{role: ${role}, region: R, port: 9100, ${more}}]`;

test("hypervisors, page after page, with a token by password", async () => {
  await using server = await cloud();
  const identity = `identity_endpoint: '${server.url}/v3/', username: u, password: p, domain_name: d, project_name: t`;
  expect(await findOnce(yaml("hypervisor", identity))).toEqual([
    {
      __address__: "10.0.0.9:9100",
      __meta_openstack_hypervisor_id: "7",
      __meta_openstack_hypervisor_hostname: "hv",
      __meta_openstack_hypervisor_host_ip: "10.0.0.9",
      __meta_openstack_hypervisor_status: "enabled",
      __meta_openstack_hypervisor_state: "up",
      __meta_openstack_hypervisor_type: "QEMU",
    },
  ]);
  expect(JSON.parse(server.asked[0].body)).toEqual({
    auth: {
      identity: { methods: ["password"], password: { user: { name: "u", domain: { name: "d" }, password: "p" } } },
      scope: { project: { name: "t", domain: { name: "d" } } },
    },
  });
  expect(server.asked[1].headers["x-auth-token"]).toBe("tok");
});

test("instances: an address each, floating ones beside the fixed ones; an application credential", async () => {
  await using server = await cloud();
  const identity = `identity_endpoint: '${server.url}', application_credential_id: i, application_credential_secret: s, all_tenants: true`;
  const common = {
    __meta_openstack_instance_id: "srv",
    __meta_openstack_instance_name: "vm",
    __meta_openstack_instance_status: "ACTIVE",
    __meta_openstack_instance_flavor: "m1",
    __meta_openstack_project_id: "t",
    __meta_openstack_user_id: "u",
    __meta_openstack_tag_a_b: "c",
  };
  expect(await findOnce(yaml("instance", identity))).toEqual([
    {
      ...common,
      __address__: "10.0.0.1:9100",
      __meta_openstack_address_pool: "private",
      __meta_openstack_private_ip: "10.0.0.1",
      __meta_openstack_public_ip: "1.2.3.4",
    },
    {
      ...common,
      __address__: "[fd00::1]:9100",
      __meta_openstack_address_pool: "other",
      __meta_openstack_private_ip: "fd00::1",
    },
  ]);
  expect(JSON.parse(server.asked[0].body)).toEqual({
    auth: { identity: { methods: ["application_credential"], application_credential: { id: "i", secret: "s" } } },
  });
  const list = server.asked.find(({ path }) => path === "/compute/servers/detail");
  expect(list?.query.get("all_tenants")).toBe("true");
});

test("load balancers with a Prometheus listener; the identity of the environment", async () => {
  await using server = await cloud();
  vi.stubEnv("OS_AUTH_URL", `${server.url}/v3`);
  vi.stubEnv("OS_USERNAME", "env");
  vi.stubEnv("OS_PASSWORD", "secret");
  vi.stubEnv("OS_USER_DOMAIN_NAME", "Default");
  vi.stubEnv("OS_PROJECT_ID", "pid");
  expect(await findOnce(yaml("loadbalancer", "availability: public"))).toEqual([
    {
      __address__: "10.0.0.5:9273",
      __meta_openstack_loadbalancer_id: "lb",
      __meta_openstack_loadbalancer_name: "balancer",
      __meta_openstack_loadbalancer_operating_status: "ONLINE",
      __meta_openstack_loadbalancer_provisioning_status: "ACTIVE",
      __meta_openstack_loadbalancer_availability_zone: "az",
      __meta_openstack_loadbalancer_vip: "10.0.0.5",
      __meta_openstack_loadbalancer_provider: "amphora",
      __meta_openstack_loadbalancer_tags: "a,b",
      __meta_openstack_loadbalancer_floating_ip: "1.2.3.4",
      __meta_openstack_project_id: "p",
    },
  ]);
  expect(JSON.parse(server.asked[0].body).auth.scope).toEqual({ project: { id: "pid" } });
});

test("a region without the service, and no identity at all, are told", async () => {
  await using server = await cloud();
  const identity = `identity_endpoint: '${server.url}/v3', username: u, password: p, availability: internal`;
  await expect(findOnce(yaml("hypervisor", identity))).rejects.toThrow(
    "OpenStack's catalog has no internal endpoint of a compute service in region R",
  );
  vi.stubEnv("OS_AUTH_URL", "");
  await expect(findOnce(yaml("hypervisor", "availability: public"))).rejects.toThrow("OS_AUTH_URL is not set");
  await expect(findOnce(yaml("hypervisor", "identity_endpoint: 'http://k/v2.0'"))).rejects.toThrow("version 2");
});
