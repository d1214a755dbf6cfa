/** Mechanisms that ask a cloud: whole label sets from small recorded answers. */
import { generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { eventually, findOnce, metricValue, sectionsOf, testServer, watch } from "../test-server.ts";
import { parseIpList } from "./ovhcloud.ts";

const folder = mkdtempSync(join(tmpdir(), "pharos-clouds-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const privatePem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;

describe("Hetzner", () => {
  test("cloud servers page by page, networks by name, what is not there as upstream prints it", async () => {
    await using server = await testServer(({ path, query }) => {
      if (path === "/networks") {
        return { networks: [{ id: 7, name: "my net" }], meta: { pagination: { next_page: null } } };
      }
      const page = Number(query.get("page"));
      const second = {
        id: 2,
        name: "bare",
        status: "off",
        public_net: { ipv4: null, ipv6: null },
        server_type: { name: "cx11", cores: 1, memory: 2.5, disk: 20, cpu_type: "shared" },
        location: { name: "fsn1", network_zone: "eu-central" },
        image: null,
        private_net: [{ network: 7, ip: "10.0.0.2" }],
        labels: { "a/b": "c" },
      };
      return {
        servers: page === 1 ? [] : [second],
        meta: { pagination: { next_page: page === 1 ? 2 : null } },
      };
    });
    const targets = await findOnce("hetzner_sd_configs: [{role: hcloud, label_selector: 'x=y', port: 9100}]", {
      endpoint: server.url,
    });
    expect(server.asked[0].query.get("label_selector")).toBe("x=y");
    expect(targets).toEqual([
      {
        __address__: "<nil>:9100",
        __meta_hetzner_role: "hcloud",
        __meta_hetzner_server_id: "2",
        __meta_hetzner_server_name: "bare",
        __meta_hetzner_server_status: "off",
        __meta_hetzner_public_ipv4: "<nil>",
        __meta_hetzner_public_ipv6_network: "<nil>",
        __meta_hetzner_hcloud_location: "fsn1",
        __meta_hetzner_hcloud_location_network_zone: "eu-central",
        __meta_hetzner_hcloud_datacenter_location: "fsn1",
        __meta_hetzner_hcloud_datacenter_location_network_zone: "eu-central",
        __meta_hetzner_hcloud_server_type: "cx11",
        __meta_hetzner_hcloud_cpu_cores: "1",
        __meta_hetzner_hcloud_cpu_type: "shared",
        __meta_hetzner_hcloud_memory_size_gb: "2",
        __meta_hetzner_hcloud_disk_size_gb: "20",
        __meta_hetzner_hcloud_private_ipv4_my_net: "10.0.0.2",
        __meta_hetzner_hcloud_label_a_b: "c",
        __meta_hetzner_hcloud_labelpresent_a_b: "true",
      },
    ]);
  });

  test("dedicated servers", async () => {
    await using server = await testServer(() => [
      {
        server: {
          server_ip: "1.2.3.4",
          server_number: 5,
          server_name: "s",
          dc: "NBG1-DC1",
          status: "ready",
          product: "DS",
          cancelled: true,
          subnet: [
            { ip: "1.2.3.0", mask: "28" },
            { ip: "2a01::", mask: "64" },
          ],
        },
      },
    ]);
    expect(await findOnce("hetzner_sd_configs: [{role: robot}]", { endpoint: server.url })).toEqual([
      {
        __address__: "1.2.3.4:80",
        __meta_hetzner_role: "robot",
        __meta_hetzner_server_id: "5",
        __meta_hetzner_server_name: "s",
        __meta_hetzner_server_status: "ready",
        __meta_hetzner_datacenter: "nbg1-dc1",
        __meta_hetzner_public_ipv4: "1.2.3.4",
        __meta_hetzner_public_ipv6_network: "2a01::/64",
        __meta_hetzner_robot_datacenter: "nbg1-dc1",
        __meta_hetzner_robot_product: "DS",
        __meta_hetzner_robot_cancelled: "true",
      },
    ]);
  });
});

describe("DigitalOcean", () => {
  test("droplets with networks, by linked pages", async () => {
    await using server = await testServer(({ query }) =>
      query.get("page") === "1"
        ? { droplets: [{ id: 1, name: "no network", networks: {} }], links: { pages: { last: "x" } } }
        : {
            droplets: [
              {
                id: 2,
                name: "d",
                image: { slug: "ubuntu", name: "Ubuntu" },
                region: { slug: "nyc1" },
                size_slug: "s-1",
                status: "active",
                vpc_uuid: "v",
                features: ["ipv6", "vpc"],
                tags: ["web"],
                networks: {
                  v4: [
                    { ip_address: "10.0.0.1", type: "private" },
                    { ip_address: "1.2.3.4", type: "public" },
                  ],
                  v6: [{ ip_address: "2001::1", type: "public" }],
                },
              },
            ],
            links: { pages: { prev: "x" } },
          },
    );
    expect(await findOnce("digitalocean_sd_configs: [{port: 9100}]", { endpoint: server.url })).toEqual([
      {
        __address__: "1.2.3.4:9100",
        __meta_digitalocean_droplet_id: "2",
        __meta_digitalocean_droplet_name: "d",
        __meta_digitalocean_image: "ubuntu",
        __meta_digitalocean_image_name: "Ubuntu",
        __meta_digitalocean_private_ipv4: "10.0.0.1",
        __meta_digitalocean_public_ipv4: "1.2.3.4",
        __meta_digitalocean_public_ipv6: "2001::1",
        __meta_digitalocean_region: "nyc1",
        __meta_digitalocean_size: "s-1",
        __meta_digitalocean_status: "active",
        __meta_digitalocean_vpc: "v",
        __meta_digitalocean_features: ",ipv6,vpc,",
        __meta_digitalocean_tags: ",web,",
      },
    ]);
  });

  test("databases: the private host first, pages until nothing is new", async () => {
    await using server = await testServer(() => ({
      databases: [
        {
          id: "x",
          name: "db",
          engine: "pg",
          version: "16",
          status: "online",
          region: "fra1",
          size: "s",
          num_nodes: 2,
          connection: { host: "public" },
          private_connection: { host: "private" },
          tags: ["a:b"],
        },
      ],
    }));
    expect(await findOnce("digitalocean_sd_configs: [{role: databases}]", { endpoint: server.url })).toEqual([
      {
        __address__: "private:80",
        __meta_digitalocean_db_id: "x",
        __meta_digitalocean_db_name: "db",
        __meta_digitalocean_db_engine: "pg",
        __meta_digitalocean_db_version: "16",
        __meta_digitalocean_db_status: "online",
        __meta_digitalocean_db_region: "fra1",
        __meta_digitalocean_db_size: "s",
        __meta_digitalocean_db_num_nodes: "2",
        __meta_digitalocean_db_host: "public",
        __meta_digitalocean_db_private_host: "private",
        "__meta_digitalocean_db_tag_a:b": "true",
      },
    ]);
    expect(server.asked).toHaveLength(2);
  });
});

test("Linode: events say whether to ask again; a token that may not read them asks each time", async () => {
  let events: unknown[] = [];
  let allowed = true;
  const count = (path: string): number => server.asked.filter((asked) => asked.path === path).length;
  await using server = await testServer(({ path }) => {
    if (path === "/v4/account/events") {
      return allowed ? { data: events, pages: 1 } : { status: 401, body: '{"errors": []}' };
    }
    if (path === "/v4/linode/instances") {
      return { data: [{ id: 1, label: "l", ipv4: ["1.1.1.1"], specs: { memory: 1024 } }], pages: 1 };
    }
    if (path === "/v4/networking/ips") {
      return { data: [{ address: "1.1.1.1", public: true, rdns: "null" }], pages: 1 };
    }
    return { data: [], pages: 1 };
  });
  await using watched = watch(
    sectionsOf("linode_sd_configs: [{refresh_interval: 15ms, region: eu}]", { endpoint: server.url }),
  );
  await eventually(() => expect(watched.targets()).toHaveLength(1));
  expect(watched.targets()?.[0]).toMatchObject({
    __address__: "1.1.1.1:80",
    __meta_linode_public_ipv4_rdns: "",
    __meta_linode_specs_memory_bytes: "1073741824",
  });
  await eventually(() => expect(count("/v4/account/events")).toBeGreaterThan(2));
  // Every tenth quiet refresh asks for everything all the same.
  expect(count("/v4/linode/instances")).toBeLessThanOrEqual(1 + Math.floor(count("/v4/account/events") / 10));
  const asked = server.asked.find(({ path }) => path === "/v4/account/events");
  expect(JSON.parse(String(asked?.headers["x-filter"])).created["+gte"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  events = [{ id: 1 }];
  const known = count("/v4/linode/instances");
  await eventually(() => expect(count("/v4/linode/instances")).toBeGreaterThan(known + 3));
  allowed = false;
  const before = count("/v4/account/events");
  const everything = count("/v4/linode/instances");
  await eventually(() => expect(count("/v4/linode/instances")).toBeGreaterThan(everything + 4));
  expect(count("/v4/account/events") - before).toBeLessThan(3);
});

describe("Scaleway", () => {
  const keys = "project_id: 11111111-1111-1111-1111-111111111112, access_key: SCWXXXXXXXXXXXXXXXXX";
  test("an instance with private networks only; the key comes from a file", async () => {
    const file = join(folder, "scaleway");
    writeFileSync(file, "the-key\n");
    await using server = await testServer(({ path }) =>
      path === "/ipam/v1/regions/fr-par/ips"
        ? { ips: [{ address: "172.16.0.5/22", is_ipv6: false, resource: { id: "nic" } }], total_count: 1 }
        : {
            headers: { "x-total-count": "1" },
            body: JSON.stringify({
              servers: [{ id: "s", zone: "fr-par-1", private_nics: [{ id: "nic" }], tags: ["a"], state: "running" }],
            }),
          },
    );
    const [target] = await findOnce(
      `scaleway_sd_configs: [{role: instance, ${keys}, secret_key_file: '${file}', name_filter: n, tags_filter: [x, y]}]`,
      { endpoint: server.url },
    );
    expect(target).toMatchObject({
      __address__: "172.16.0.5:80",
      __meta_scaleway_instance_private_ipv4: "172.16.0.5",
      __meta_scaleway_instance_region: "fr-par",
      __meta_scaleway_instance_tags: ",a,",
    });
    expect(server.asked[0].headers["x-auth-token"]).toBe("the-key");
    expect(Object.fromEntries(server.asked[0].query)).toMatchObject({ name: "n", tags: "x,y" });
    expect(server.asked[1].query.getAll("resource_ids")).toEqual(["nic"]);
  });

  test("bare metal", async () => {
    await using server = await testServer(({ path }) => {
      if (path.endsWith("/offers")) return { offers: [{ id: "o", name: "EM-A" }], total_count: 1 };
      if (path.endsWith("/os")) return { os: [{ id: "u", name: "Ubuntu", version: "22" }], total_count: 1 };
      const ips = [
        { address: "2001::1", version: "IPv6" },
        { address: "1.1.1.1", version: "IPv4" },
        { address: "2.2.2.2", version: "IPv4" },
      ];
      const server = { id: "s", name: "m", zone: "fr-par-2", status: "ready", project_id: "p", offer_id: "o" };
      return { servers: [{ ...server, install: { os_id: "u" }, tags: ["t"], ips }], total_count: 1 };
    });
    const secret = "secret_key: 11111111-1111-1111-1111-111111111111";
    const targets = await findOnce(`scaleway_sd_configs: [{role: baremetal, zone: fr-par-2, ${keys}, ${secret}}]`, {
      endpoint: server.url,
    });
    expect(targets).toEqual([
      {
        __address__: "1.1.1.1:80",
        __meta_scaleway_baremetal_id: "s",
        __meta_scaleway_baremetal_name: "m",
        __meta_scaleway_baremetal_zone: "fr-par-2",
        __meta_scaleway_baremetal_status: "ready",
        __meta_scaleway_baremetal_project_id: "p",
        __meta_scaleway_baremetal_type: "EM-A",
        __meta_scaleway_baremetal_os_name: "Ubuntu",
        __meta_scaleway_baremetal_os_version: "22",
        __meta_scaleway_baremetal_tags: ",t,",
        __meta_scaleway_baremetal_public_ipv4: "1.1.1.1",
        __meta_scaleway_baremetal_public_ipv6: "2001::1",
      },
    ]);
  });
});

test("OVH: addresses of a list", () => {
  expect(parseIpList(["1.2.3.4", "2001:db8::1", "5.6.7.8/32", "10.0.0.0/24", "2001::/64"])).toEqual([
    "1.2.3.4",
    "2001:db8::1",
    "5.6.7.8",
  ]);
  expect(() => parseIpList(["0.0.0.0", "10.0.0.0/8"])).toThrow("could not parse IP addresses from list");
  expect(() => parseIpList(["nothing"])).toThrow("could not parse IP addresses from list");
});

describe("OVH", () => {
  test("requests are signed with the server's time; a server without details is left out", async () => {
    await using server = await testServer(({ path }) => {
      if (path === "/auth/time") return Math.floor(Date.now() / 1000) + 1000;
      return path === "/vps" ? ["a b"] : { status: 404, body: "{}" };
    });
    const keys = "application_key: ak, application_secret: as, consumer_key: ck";
    await using watched = watch(
      sectionsOf(`ovhcloud_sd_configs: [{service: vps, endpoint: '${server.url}', ${keys}}]`),
    );
    await eventually(() => expect(watched.reason()).toContain("lists 1 servers, none of which is a target"));
    const { headers } = server.asked[1];
    expect(headers["x-ovh-application"]).toBe("ak");
    expect(Number(headers["x-ovh-timestamp"]) - Date.now() / 1000).toBeGreaterThan(990);
    expect(headers["x-ovh-signature"]).toMatch(/^\$1\$[0-9a-f]{40}$/);
    expect(server.asked[2].path).toBe("/vps/a%20b");
  });
});

test("STACKIT: a service account's key is exchanged for a token", async () => {
  await using server = await testServer(({ path }) =>
    path === "/token"
      ? { access_token: "tok", expires_in: 3600 }
      : {
          items: [
            {
              id: "i",
              name: "n",
              availabilityZone: "z",
              status: "ACTIVE",
              powerStatus: "RUNNING",
              machineType: "g1.1",
              labels: { a: "b", number: 1 },
              nics: [{ networkName: "my-net", ipv4: "10.0.0.1" }, { publicIp: "1.2.3.4" }],
            },
            { id: "without addresses", nics: [{ networkName: "x" }] },
          ],
        },
  );
  const account = { credentials: { kid: "k", iss: "i", sub: "s", aud: "a", privateKey: privatePem } };
  const file = join(folder, "stackit.json");
  writeFileSync(file, JSON.stringify(account));
  const targets = await findOnce(
    `stackit_sd_configs: [{project: p, endpoint: '${server.url}', service_account_key_path: '${file}'}]`,
    { tokenUrl: `${server.url}/token` },
  );
  expect(targets).toEqual([
    {
      __address__: "1.2.3.4:80",
      __meta_stackit_project: "p",
      __meta_stackit_id: "i",
      __meta_stackit_name: "n",
      __meta_stackit_availability_zone: "z",
      __meta_stackit_status: "ACTIVE",
      __meta_stackit_power_status: "RUNNING",
      __meta_stackit_type: "g1.1",
      __meta_stackit_private_ipv4_my_net: "10.0.0.1",
      __meta_stackit_public_ipv4: "1.2.3.4",
      __meta_stackit_label_a: "b",
      __meta_stackit_labelpresent_a: "true",
    },
  ]);
  const [header, claims, signature] = (new URLSearchParams(server.asked[0].body).get("assertion") ?? "").split(".");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "RS512", typ: "JWT", kid: "k" });
  const signed = Buffer.from(`${header}.${claims}`);
  expect(verify("RSA-SHA512", signed, publicKey, Buffer.from(signature, "base64url"))).toBe(true);
  expect(server.asked[1]).toMatchObject({ path: "/v1/projects/p/servers", headers: { authorization: "Bearer tok" } });
});

test("Outscale: signed posts, page after page", async () => {
  await using server = await testServer(({ body }) =>
    body === "{}"
      ? { Vms: [{ VmId: "no address" }], NextPageToken: "next" }
      : {
          Vms: [
            {
              VmId: "i-1",
              State: "running",
              PublicIp: "1.2.3.4",
              PrivateIp: "10.0.0.1",
              Placement: { SubregionName: "eu-west-2a" },
              Tags: [
                { Key: "a b", Value: "c" },
                { Key: "empty", Value: "" },
              ],
            },
          ],
        },
  );
  const targets = await findOnce(
    `outscale_sd_configs: [{access_key: AK, secret_key: SK, endpoint: '${server.url}/api/v1'}]`,
  );
  expect(targets).toEqual([
    {
      __address__: "10.0.0.1:80",
      __meta_outscale_vm_instance_id: "i-1",
      __meta_outscale_vm_region: "eu-west-2",
      __meta_outscale_vm_subregion: "eu-west-2a",
      __meta_outscale_vm_state: "running",
      __meta_outscale_vm_private_ip: "10.0.0.1",
      __meta_outscale_vm_public_ip: "1.2.3.4",
      __meta_outscale_vm_tag_a_b: "c",
    },
  ]);
  expect(server.asked[1]).toMatchObject({ method: "POST", path: "/api/v1/ReadVms", body: '{"NextPageToken":"next"}' });
  expect(server.asked[1].headers.authorization).toContain("/eu-west-2/oapi/aws4_request");
});

test("GCE: instances page by page, by the environment's key", async () => {
  await using server = await testServer(({ path, query }) => {
    if (path === "/token") return { access_token: "g", expires_in: 3600 };
    if (!query.has("pageToken")) return { items: [{ id: "1", networkInterfaces: [] }], nextPageToken: "p2" };
    return {
      items: [
        {
          id: "8087716956832600000",
          name: "vm",
          zone: "https://z",
          status: "RUNNING",
          machineType: "https://m",
          networkInterfaces: [
            {
              name: "nic0",
              network: "https://n",
              subnetwork: "https://s",
              networkIP: "10.0.0.1",
              accessConfigs: [{ type: "ONE_TO_ONE_NAT", natIP: "1.2.3.4" }],
            },
            { name: "nic1", networkIP: "10.1.0.1" },
          ],
          tags: { items: ["a", "b"] },
          metadata: { items: [{ key: "k-1", value: "v" }, { key: "no value" }] },
          labels: { "l-1": "w" },
        },
      ],
    };
  });
  const file = join(folder, "google.json");
  const key = { type: "service_account", client_email: "e", private_key: privatePem, token_uri: `${server.url}/token` };
  writeFileSync(file, JSON.stringify(key));
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
  vi.stubEnv("NO_PROXY", "*");
  expect(await findOnce("gce_sd_configs: [{project: p, zone: z, filter: 'a=b'}]", { endpoint: server.url })).toEqual([
    {
      __address__: "10.0.0.1:80",
      __meta_gce_project: "p",
      __meta_gce_zone: "https://z",
      __meta_gce_instance_id: "8087716956832600000",
      __meta_gce_instance_name: "vm",
      __meta_gce_instance_status: "RUNNING",
      __meta_gce_machine_type: "https://m",
      __meta_gce_network: "https://n",
      __meta_gce_subnetwork: "https://s",
      __meta_gce_private_ip: "10.0.0.1",
      __meta_gce_public_ip: "1.2.3.4",
      __meta_gce_interface_ipv4_nic0: "10.0.0.1",
      __meta_gce_interface_ipv4_nic1: "10.1.0.1",
      __meta_gce_tags: ",a,b,",
      __meta_gce_metadata_k_1: "v",
      __meta_gce_label_l_1: "w",
    },
  ]);
  expect(server.asked[1]).toMatchObject({ path: "/compute/v1/projects/p/zones/z/instances" });
  expect(server.asked[1].query.get("filter")).toBe("a=b");
  expect(server.asked[1].headers.authorization).toBe("Bearer g");
});

describe("Azure", () => {
  const group = "/subscriptions/sub/resourceGroups/rg/providers";
  const machine = (id: string, card: string) => ({
    id: `${group}/Microsoft.Compute/${id}`,
    name: "vm",
    location: "westeurope",
    instanceId: "3",
    tags: { "a b": "c" },
    properties: {
      osProfile: { computerName: "host" },
      storageProfile: { osDisk: { osType: "Linux" } },
      hardwareProfile: { vmSize: "Standard_D1" },
      networkProfile: { networkInterfaces: [{ id: `${group}/Microsoft.Network/networkInterfaces/${card}` }] },
    },
  });
  const card = (properties: object) => ({ properties });
  const primary = card({
    primary: true,
    ipConfigurations: [
      { properties: { privateIPAddress: "10.0.0.1", publicIPAddress: { properties: { ipAddress: "1.2.3.4" } } } },
    ],
  });
  const yaml =
    "azure_sd_configs: [{subscription_id: sub, tenant_id: t, client_id: c, client_secret: s, port: 9100, refresh_interval: 30ms}]";

  test("machines and scale sets; interfaces are cached; what is deallocated or gone is left out", async () => {
    await using server = await testServer(({ path, query, method }) => {
      if (method === "POST") return { access_token: "z", expires_in: 3600 };
      const compute = "/subscriptions/sub/providers/Microsoft.Compute";
      if (path === `${compute}/virtualMachines`) {
        if (query.has("page")) return { value: [machine("virtualMachines/b", "gone")] };
        return {
          value: [machine("virtualMachines/a", "n1"), machine("virtualMachines/d", "deallocated")],
          nextLink: `${server.url}${path}?page=2`,
        };
      }
      if (path === `${compute}/virtualMachineScaleSets`) {
        return { value: [{ id: `${group}/Microsoft.Compute/virtualMachineScaleSets/set`, name: "set" }] };
      }
      if (path.endsWith("/virtualMachineScaleSets/set/virtualMachines")) {
        return { value: [machine("virtualMachineScaleSets/set/virtualMachines/3", "n2")] };
      }
      if (path.endsWith("/networkInterfaces/deallocated")) return card({ ipConfigurations: [] });
      if (path.endsWith("/networkInterfaces/n1")) return primary;
      return path.endsWith("/virtualMachineScaleSets/set/virtualMachines/3/networkInterfaces/n2") ? primary : undefined;
    });
    await using watched = watch(sectionsOf(yaml, { endpoint: server.url, authority: server.url }));
    await eventually(() => expect(watched.targets()).toHaveLength(2));
    const common = {
      __address__: "10.0.0.1:9100",
      __meta_azure_subscription_id: "sub",
      __meta_azure_tenant_id: "t",
      __meta_azure_machine_name: "vm",
      __meta_azure_machine_computer_name: "host",
      __meta_azure_machine_os_type: "Linux",
      __meta_azure_machine_location: "westeurope",
      __meta_azure_machine_resource_group: "rg",
      __meta_azure_machine_size: "Standard_D1",
      __meta_azure_machine_private_ip: "10.0.0.1",
      __meta_azure_machine_public_ip: "1.2.3.4",
      __meta_azure_machine_tag_a_b: "c",
    };
    const id = `${group}/Microsoft.Compute`;
    expect(watched.targets()).toEqual(
      expect.arrayContaining([
        { ...common, __meta_azure_machine_id: `${id}/virtualMachines/a` },
        {
          ...common,
          __meta_azure_machine_id: `${id}/virtualMachineScaleSets/set/virtualMachines/3`,
          __meta_azure_machine_scale_set: "set",
        },
      ]),
    );
    await eventually(() => {
      expect(metricValue(watched.registry, "prometheus_sd_azure_cache_hit_total")).toBeGreaterThan(2);
    });
    expect(server.asked.filter(({ path }) => path.endsWith("/networkInterfaces/n1"))).toHaveLength(1);
    expect(server.asked.find(({ method }) => method === "POST")?.path).toBe("/t/oauth2/v2.0/token");
  });

  test("one machine without a private address: nothing is changed, a failure is counted", async () => {
    await using server = await testServer(({ path, method }) => {
      if (method === "POST") return { access_token: "z", expires_in: 3600 };
      if (path.endsWith("virtualMachines")) return { value: [machine("virtualMachines/a", "n1")] };
      if (path.endsWith("virtualMachineScaleSets")) return { value: [] };
      return card({ primary: true, ipConfigurations: [{ properties: {} }] });
    });
    await using watched = watch(sectionsOf(yaml, { endpoint: server.url, authority: server.url }));
    await eventually(() => expect(watched.reason()).toContain("unable to find a private IP for VM vm"));
    expect(metricValue(watched.registry, "prometheus_sd_azure_failures_total")).toBeGreaterThan(0);
  });

  test("a cloud that is not known is told when it is asked", async () => {
    await using watched = watch(sectionsOf(yaml.replace("port:", "environment: moon, port:")));
    await eventually(() => expect(watched.reason()).toContain('no cloud configuration matching the name "MOON"'));
  });
});
