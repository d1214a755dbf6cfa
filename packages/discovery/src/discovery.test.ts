import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml, Registry, silentLogger } from "@pharos/kit";
import { type TargetGroup, UserError } from "@pharos/model";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Discovery } from "./discovery.ts";
import type { Mechanism, SdConfig } from "./mechanism.ts";
import { candidateNames, parseResolvConf } from "./mechanisms/resolv-conf.ts";
import { readJsonGroups } from "./mechanisms/target-files.ts";
import { providerKey } from "./provider.ts";
import { parseSdConfigs } from "./registry.ts";

const parse = (yaml: string): SdConfig[] => parseSdConfigs(parseYaml(yaml, "/etc/prometheus.yml").map());

interface Told {
  job: string;
  groups: TargetGroup[];
}

const running: Discovery[] = [];
function start(): { discovery: Discovery; told: Told[]; last: (job: string) => string[] | undefined } {
  const told: Told[] = [];
  const discovery = new Discovery({
    log: silentLogger,
    registry: new Registry(),
    onUpdate: (job, groups) => told.push({ job, groups }),
    throttleMs: 5,
  });
  running.push(discovery);
  const last = (job: string): string[] | undefined =>
    told
      .findLast((entry) => entry.job === job)
      ?.groups.flatMap(({ targets }) => targets.map(({ __address__ }) => __address__))
      .sort();
  return { discovery, told, last };
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((discovery) => discovery.stop()));
});

/** A mechanism run by the test. */
function manual(): { config: SdConfig; runs: { update: (groups: TargetGroup[]) => void; signal: AbortSignal }[] } {
  const runs: { update: (groups: TargetGroup[]) => void; signal: AbortSignal }[] = [];
  const mechanism: Mechanism = {
    name: "manual",
    parse: () => ({}),
    async run(_config, { update }, signal) {
      runs.push({ update, signal });
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
  return { config: { mechanism, config: { any: 1 } }, runs };
}
const group = (source: string, ...addresses: string[]): TargetGroup => ({
  source,
  labels: {},
  targets: addresses.map((__address__) => ({ __address__ })),
});

describe("jobs and providers", () => {
  test("groups replace those of the same source; an empty one takes it away", async () => {
    const { discovery, last } = start();
    const { config, runs } = manual();
    discovery.apply([{ job: "a", sdConfigs: [config] }]);
    runs[0].update([group("x", "1:1"), group("y", "2:2")]);
    await vi.waitFor(() => expect(last("a")).toEqual(["1:1", "2:2"]));
    runs[0].update([group("x", "3:3"), group("y")]);
    await vi.waitFor(() => expect(last("a")).toEqual(["3:3"]));
  });

  test("equal configurations run once for all jobs, and go on through a reload", async () => {
    const { discovery, last } = start();
    const { config, runs } = manual();
    discovery.apply([
      { job: "a", sdConfigs: [config] },
      { job: "b", sdConfigs: [{ ...config }] },
    ]);
    expect(runs).toHaveLength(1);
    runs[0].update([group("x", "1:1")]);
    await vi.waitFor(() => expect([last("a"), last("b")]).toEqual([["1:1"], ["1:1"]]));
    discovery.apply([{ job: "c", sdConfigs: [config] }]);
    await vi.waitFor(() => expect(last("c")).toEqual(["1:1"]));
    expect(runs).toHaveLength(1);
    discovery.apply([]);
    expect(runs[0].signal.aborted).toBe(true);
  });

  test("a changed job is not told of until its new mechanism has answered", async () => {
    const { discovery, told, last } = start();
    discovery.apply([{ job: "a", sdConfigs: parse("static_configs: [{targets: ['1:1']}]") }]);
    await vi.waitFor(() => expect(last("a")).toEqual(["1:1"]));
    const { config, runs } = manual();
    discovery.apply([{ job: "a", sdConfigs: [config] }]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(told).toHaveLength(1);
    runs[0].update([group("x", "2:2")]);
    await vi.waitFor(() => expect(last("a")).toEqual(["2:2"]));
  });

  test("says why a job is empty", async () => {
    const { discovery, last } = start();
    discovery.apply([
      { job: "none", sdConfigs: [] },
      { job: "static", sdConfigs: parse("static_configs: [{targets: []}]") },
    ]);
    await vi.waitFor(() => expect(last("static")).toEqual([]));
    expect(discovery.reasonFor("none")).toContain("no service discovery");
    expect(discovery.reasonFor("static")).toContain("names no targets");
  });
});

describe("files", () => {
  test("follows additions, changes, broken and deleted files", async () => {
    const dir = mkdtempSync(join(tmpdir(), "pharos-sd-"));
    const { discovery, told, last } = start();
    const write = (name: string, text: string): void => {
      writeFileSync(join(dir, `${name}.tmp`), text);
      renameSync(join(dir, `${name}.tmp`), join(dir, name));
    };
    write("a.json", '[{"targets": ["1:1"], "labels": {"k": "v"}}, {"targets": ["2:2"]}]');
    discovery.apply([{ job: "f", sdConfigs: parse(`file_sd_configs: [{files: ['${dir}/*.json']}]`) }]);
    await vi.waitFor(() => expect(last("f")).toEqual(["1:1", "2:2"]));
    expect(told[0].groups[0].labels).toEqual({ k: "v", __meta_filepath: join(dir, "a.json") });
    write("a.json", '[{"targets": ["3:3"]}]');
    await vi.waitFor(() => expect(last("f")).toEqual(["3:3"]), { timeout: 3000 });
    write("a.json", '[{"targets": ["4:4"');
    write("b.json", '[{"targets": ["5:5"]}]');
    await vi.waitFor(() => expect(last("f")).toEqual(["3:3", "5:5"]), { timeout: 3000 });
    rmSync(dir, { recursive: true });
    await vi.waitFor(() => expect(last("f")).toEqual([]), { timeout: 3000 });
    expect(discovery.reasonFor("f")).toContain("no file matches");
  });
});

test("http: groups come and go; what is no JSON changes nothing", async () => {
  let answer = { type: "application/json; charset=utf-8", body: '[{"targets":["1:1"]},{"targets":["2:2"]}]' };
  const server = createServer((_request, response) => {
    response.setHeader("content-type", answer.type);
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { discovery, last } = start();
  const url = `http://127.0.0.1:${port}/sd`;
  discovery.apply([{ job: "h", sdConfigs: parse(`http_sd_configs: [{url: '${url}', refresh_interval: 20ms}]`) }]);
  await vi.waitFor(() => expect(last("h")).toEqual(["1:1", "2:2"]));
  answer = { type: "text/html", body: "[]" };
  await vi.waitFor(() => expect(discovery.reasonFor("h")).toContain("unsupported content type"));
  expect(last("h")).toEqual(["1:1", "2:2"]);
  answer = { type: "application/json", body: '[{"targets":["3:3"]}]' };
  await vi.waitFor(() => expect(last("h")).toEqual(["3:3"]));
  server.close();
});

test("any JSON is target groups or a UserError", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => {
      try {
        for (const { targets } of readJsonGroups(text, "f", {})) expect(Array.isArray(targets)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("search domains, as a resolver goes through them", () => {
  const conf = parseResolvConf("nameserver 10.0.0.1\nsearch a.svc.local svc.local. # c\noptions edns0 ndots:5\n");
  expect(conf).toEqual({ search: ["a.svc.local", "svc.local."], ndots: 5 });
  expect(candidateNames("x.y", conf)).toEqual(["x.y.a.svc.local.", "x.y.svc.local.", "x.y."]);
  expect(candidateNames("1.2.3.4.5.6", conf)[0]).toBe("1.2.3.4.5.6.");
  expect(candidateNames("x.y.", conf)).toEqual(["x.y."]);
});

test("a URL may be a target where relabelling makes an address of it", () => {
  expect(
    parse("static_configs: [{targets: ['http://a']}]\nrelabel_configs: [{target_label: __address__}]"),
  ).toHaveLength(1);
});

test("every mechanism of Prometheus is known by its name", () => {
  const names =
    "aws azure consul digitalocean dns docker dockerswarm ec2 ecs elasticache eureka file gce hetzner http ionos kubernetes kuma lightsail linode marathon msk nerve nomad oci openstack outscale ovhcloud puppetdb rds scaleway serverset stackit triton uyuni vultr";
  for (const name of names.split(" ")) expect(parse(`${name}_sd_configs: []`), name).toEqual([]);
});

test("secrets tell providers apart, and are not printed", () => {
  const [a, b] = ["x", "y"].map((token) => parse(`consul_sd_configs: [{token: ${token}}]`)[0]);
  expect(providerKey(a)).not.toBe(providerKey(b));
  expect(JSON.stringify(a.config)).toContain('"token":"<secret>"');
});

test.each([
  ["static_configs: [{targets: ['http://a']}]", "is not a valid hostname"],
  ["static_configs: [null]", "empty or null section"],
  ["file_sd_configs: [{files: []}]", "must contain at least one path name"],
  ["file_sd_configs: [{files: ['a/*/b.json']}]", "is not valid for file discovery"],
  ["http_sd_configs: [{}]", "URL is missing"],
  ["http_sd_configs: [{url: 'ftp://a'}]", "URL scheme must be 'http' or 'https'"],
  ["dns_sd_configs: [{names: []}]", "at least one SRV record name"],
  ["dns_sd_configs: [{names: [a], type: A}]", "a port is required"],
  ["dns_sd_configs: [{names: [a], type: X}]", "invalid DNS-SD records type X"],
  ["kubernetes_sd_configs: [{}]", "role missing"],
  ["kubernetes_sd_configs: [{role: vacation}]", 'unknown Kubernetes SD role "vacation"'],
  ["kubernetes_sd_configs: [{role: pod, bearer_token: x}]", "provide the 'api_server' URL explicitly"],
  ["kubernetes_sd_configs: [{role: pod, kubeconfig_file: k, api_server: 'http://a'}]", "simultaneously"],
  ["kubernetes_sd_configs: [{role: pod, selectors: [{role: service}]}]", "pod role supports only pod, node selectors"],
  ["kubernetes_sd_configs: [{role: pod, selectors: [{role: pod}, {role: pod}]}]", "duplicated selector role: pod"],
  ["kubernetes_sd_configs: [{role: pod, api_server: 'http://a', namespaces: {own_namespace: true}}]", "own_namespace"],
  ["aws_sd_configs: [{}]", 'unknown AWS SD role ""'],
  ["aws_sd_configs: [{role: s3}]", 'unknown AWS SD role "s3"'],
  ["azure_sd_configs: [{}]", "azure SD configuration requires a subscription_id"],
  ["azure_sd_configs: [{subscription_id: s}]", "azure SD configuration requires a tenant_id"],
  ["azure_sd_configs: [{subscription_id: s, authentication_method: x}]", 'unknown authentication_type "x"'],
  ["consul_sd_configs: [{server: ' '}]", "consul SD configuration requires a server address"],
  ["consul_sd_configs: [{token: t, authorization: {credentials: c}}]", "at most one of consul SD token"],
  ["consul_sd_configs: [{username: u, basic_auth: {username: v}}]", "username and password and basic auth"],
  ["digitalocean_sd_configs: [{role: x}]", 'unknown DigitalOcean SD role "x"'],
  ["docker_sd_configs: [{}]", "host missing"],
  ["docker_sd_configs: [{host: 'unix:///s', filters: [{name: a, value: b}]}]", "field value not found"],
  ["dockerswarm_sd_configs: [{host: 'unix:///s'}]", "role missing (one of: tasks, services, nodes)"],
  ["dockerswarm_sd_configs: [{host: 'unix:///s', role: x}]", "invalid role x, expected tasks, services, or nodes"],
  ["ec2_sd_configs: [{filters: [{name: a}]}]", "EC2 SD configuration filter values cannot be empty"],
  ["ec2_sd_configs: [{clusters: [a]}]", "field clusters not found in type aws.plain"],
  ["eureka_sd_configs: [{}]", "eureka_sd: empty or null eureka server"],
  ["eureka_sd_configs: [{server: a}]", "eureka_sd: invalid eureka server URL"],
  ["gce_sd_configs: [{zone: z}]", "GCE SD configuration requires a project"],
  ["gce_sd_configs: [{project: p}]", "GCE SD configuration requires a zone"],
  ["gce_sd_configs: [{project: p, zone: z, proxy_url: 'http://a'}]", "field proxy_url not found"],
  ["hetzner_sd_configs: [{}]", "role missing (one of: robot, hcloud)"],
  ["hetzner_sd_configs: [{role: x}]", 'unknown role "x"'],
  ["ionos_sd_configs: [{}]", "datacenter id can't be empty"],
  ["kuma_sd_configs: [{}]", "kuma SD server must not be empty"],
  ["kuma_sd_configs: [{server: a}]", "kuma SD server must not be empty and have a scheme: a"],
  ["marathon_sd_configs: [{}]", "marathon_sd: must contain at least one Marathon server"],
  ["marathon_sd_configs: [{servers: [a], auth_token: t, auth_token_file: f}]", "auth_token & auth_token_file"],
  ["nerve_sd_configs: [{}]", "nerve SD config must contain at least one Zookeeper server"],
  ["nerve_sd_configs: [{servers: [a]}]", "nerve SD config must contain at least one path"],
  ["serverset_sd_configs: [{servers: [a], paths: [b]}]", "serverset SD config paths must begin with '/': b"],
  ["nomad_sd_configs: [{server: ''}]", "nomad SD configuration requires a server address"],
  ["oci_sd_configs: [{}]", "oci_sd: region is required"],
  ["oci_sd_configs: [{region: r}]", "oci_sd: api_key auth requires tenancy"],
  ["oci_sd_configs: [{region: r, auth: x}]", 'oci_sd: unknown auth method "x"'],
  ["oci_sd_configs: [{region: r, auth: instance_principal, user: u}]", "instance_principal auth must not have"],
  ["openstack_sd_configs: [{role: x}]", 'unknown OpenStack SD role "x"'],
  ["openstack_sd_configs: [{role: instance}]", "openstack SD configuration requires a region"],
  ["openstack_sd_configs: [{role: instance, region: r, availability: x}]", "unknown availability x"],
  ["outscale_sd_configs: [{region: ''}]", "outscale SD configuration requires a region"],
  ["outscale_sd_configs: [{access_key: a}]", "one of secret_key & secret_key_file must be configured"],
  ["ovhcloud_sd_configs: [{}]", "application key can not be empty"],
  ["puppetdb_sd_configs: [{url: 'http://a'}]", "query missing"],
  ["scaleway_sd_configs: [{}]", "role missing (one of: instance, baremetal)"],
  ["scaleway_sd_configs: [{role: instance}]", "project_id is mandatory"],
  ["stackit_sd_configs: [{endpoint: '://x'}]", "stackit_sd: invalid endpoint"],
  ["triton_sd_configs: [{}]", "triton SD configuration requires an account"],
  ["triton_sd_configs: [{role: x}]", "triton SD configuration requires role to be 'container' or 'cn'"],
  ["uyuni_sd_configs: [{}]", "Uyuni SD configuration requires server host"],
  ["vultr_sd_configs: [{nothing: 1}]", "field nothing not found in type vultr.plain"],
])("refuses %s", (yaml, message) => {
  expect(() => parse(yaml)).toThrow(UserError);
  expect(() => parse(yaml)).toThrow(message);
});
