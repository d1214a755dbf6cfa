import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { checkReadable } from "../readable.ts";
import { podMonitor, probe, prometheus, scopeOf, scrapeConfig, serviceMonitor } from "../testing/objects.ts";
import { assemble } from "./assemble.ts";
import { generateAgentConfig, generatePrometheusConfig, scrapeJobs, toYaml } from "./config.ts";
import { shardPlace } from "./sharding.ts";

type Job = Record<string, unknown> & { relabel_configs: Record<string, unknown>[] };

const monitor = (endpoint: object = {}, spec: object = {}) =>
  serviceMonitor({ selector: { matchLabels: { app: "x" } }, endpoints: [{ port: "web", ...endpoint }], ...spec });

function job(object: ReturnType<typeof serviceMonitor>, scope = scopeOf()): Job {
  return scrapeJobs({ serviceMonitors: [object] }, scope)[0] as Job;
}

describe("generation by version", () => {
  test.each([
    ["v2.25.0", ["follow_redirects", "enable_http2", "scrape_protocols"], []],
    ["v2.35.0", ["scrape_protocols"], ["follow_redirects", "enable_http2"]],
    ["v3.0.0", [], ["follow_redirects", "enable_http2", "scrape_protocols"]],
  ])("%s leaves out %j", (version, absent, present) => {
    const scope = scopeOf(prometheus({ version }));
    const made = job(
      monitor({ followRedirects: true, enableHttp2: false }, { scrapeProtocols: ["PrometheusText0.0.4"] }),
      scope,
    );
    for (const key of absent) expect(made).not.toHaveProperty(key);
    for (const key of present) expect(made).toHaveProperty(key);
    expect([...scope.gate.ignored.keys()].sort()).toEqual([...absent].sort());
  });

  test("limits: the lower of wish and enforcement, and the global section for those without", () => {
    const enforced = { enforcedSampleLimit: 100, enforcedBodySizeLimit: "10MB" };
    const scope = () => scopeOf(prometheus(enforced));
    expect(job(monitor({}, { sampleLimit: 50 }), scope()).sample_limit).toBe(50);
    expect(job(monitor({}, { sampleLimit: 500 }), scope()).sample_limit).toBe(100);
    expect(job(monitor(), scope()).sample_limit).toBeUndefined();
    const config = generatePrometheusConfig(prometheus(enforced), {}, [], scope());
    expect(config.global).toMatchObject({ sample_limit: 100, body_size_limit: "10MB" });
    const old = scopeOf(prometheus({ ...enforced, version: "v2.40.0" }));
    expect(job(monitor(), old).sample_limit).toBe(100);
  });

  test("retention stands in the configuration from 3.11 on", () => {
    const storage = (version: string, spec: object) => {
      const instance = prometheus({ version, ...spec });
      return generatePrometheusConfig(instance, {}, [], scopeOf(instance)).storage;
    };
    expect(storage("v3.13.0", { retentionSize: "1GB" })).toEqual({ tsdb: { retention: { size: "1GB" } } });
    expect(storage("v3.13.0", {})).toEqual({ tsdb: { retention: { time: "24h" } } });
    expect(storage("v3.5.0", { retention: "1d" })).toBeUndefined();
  });

  test("a version that is none is refused", () => {
    for (const version of ["latest", "v1.8.0", "v4.0.0"]) {
      const instance = prometheus({ version });
      expect(() => generatePrometheusConfig(instance, {}, [], scopeOf(instance))).toThrow(/unsupported/);
    }
  });
});

describe("order of relabelling", () => {
  test("class, user, enforced namespace, shard", () => {
    const scope = scopeOf(
      prometheus({
        shards: 3,
        enforcedNamespaceLabel: "tenant",
        scrapeClasses: [{ name: "c", default: true, relabelings: [{ targetLabel: "class", replacement: "1" }] }],
      }),
    );
    const rules = job(monitor({ relabelings: [{ targetLabel: "user", replacement: "1" }] }), scope).relabel_configs;
    const written = rules.map(({ target_label: target, action }) => target ?? action);
    expect(written.slice(-6)).toEqual(["class", "user", "tenant", "__tmp_hash", "__tmp_hash", "keep"]);
    expect(rules.at(-2)).toMatchObject({ modulus: 3, action: "hashmod" });
  });

  test("an object that is excluded keeps its namespace label", () => {
    const scope = scopeOf(
      prometheus({
        enforcedNamespaceLabel: "tenant",
        excludedFromEnforcement: [{ resource: "servicemonitors", namespace: "default", name: "test" }],
      }),
    );
    expect(job(monitor(), scope).relabel_configs.some(({ target_label: label }) => label === "tenant")).toBe(false);
  });

  test("users that shard themselves are left alone", () => {
    const scope = scopeOf(prometheus({ shards: 2 }));
    const [made] = scrapeJobs(
      {
        scrapeConfigs: [
          scrapeConfig({
            staticConfigs: [{ targets: ["a:1"] }],
            relabelings: [{ sourceLabels: ["x"], targetLabel: "y", modulus: 5, action: "HashMod" }],
          }),
        ],
      },
      scope,
    ) as Job[];
    expect(made.relabel_configs.filter(({ action }) => action === "hashmod")).toHaveLength(1);
  });

  test("shards go round the zones", () => {
    const scope = {
      ...scopeOf(prometheus({ shards: 4, shardingStrategy: { mode: "Topology", topology: { values: ["a", "b"] } } })),
      features: { topologySharding: true },
    };
    expect([0, 1, 2, 3].map((shard) => shardPlace(scope, shard))).toEqual([
      { zone: "a", inZone: 0 },
      { zone: "b", inZone: 0 },
      { zone: "a", inZone: 1 },
      { zone: "b", inZone: 1 },
    ]);
  });
});

describe("the whole", () => {
  const monitors = {
    serviceMonitors: [monitor()],
    podMonitors: [podMonitor({ selector: {}, podMetricsEndpoints: [{ portNumber: 80 }] })],
    probes: [
      probe({ prober: { url: "blackbox:9115", path: "/probe" }, targets: { staticConfig: { static: ["https://x"] } } }),
    ],
    scrapeConfigs: [scrapeConfig({ dnsSDConfigs: [{ names: ["x"], type: "SRV" }] })],
  };

  test("is what Prometheus reads, whichever way it is put together", () => {
    const instance = prometheus({
      remoteWrite: [{ url: "http://x/write" }],
      alerting: { alertmanagers: [{ name: "am", port: "web" }] },
    });
    const scope = scopeOf(instance);
    const whole = generatePrometheusConfig(instance, monitors, ["/rules/*.yaml"], scope);
    const jobs = scrapeJobs(monitors, scope).map((entry) => toYaml([entry]));
    const text = assemble(generatePrometheusConfig(instance, {}, ["/rules/*.yaml"], scope), jobs);
    expect(parse(text)).toEqual(JSON.parse(JSON.stringify(whole)));
    expect(() => checkReadable(text, "upstream")).not.toThrow();
  });

  test("without anything there is still a list of jobs", () => {
    const instance = prometheus({});
    expect(parse(assemble(generatePrometheusConfig(instance, {}, [], scopeOf(instance)), []))).toMatchObject({
      scrape_configs: [],
    });
  });

  test("an agent has no rules, alerts or retention; one on every node scrapes Pods of its node", () => {
    const scope = { ...scopeOf(), features: { daemonSet: true } };
    const config = generateAgentConfig(monitors, scope);
    expect(Object.keys(config)).toEqual(["global", "scrape_configs"]);
    const [only, ...others] = config.scrape_configs as Job[];
    expect(others).toEqual([]);
    expect(only.kubernetes_sd_configs).toMatchObject([
      { selectors: [{ role: "pod", field: "spec.nodeName=$(NODE_NAME)" }] },
    ]);
    expect(only.relabel_configs.some(({ action }) => action === "hashmod")).toBe(false);
  });

  test("credentials stand where Prometheus reads them and nowhere else", () => {
    const scope = scopeOf(prometheus({}), { "Secret/default/s": { user: "bob", pass: "hunter2" } });
    const reference = (key: string) => ({ name: "s", key });
    const made = job(monitor({ basicAuth: { username: reference("user"), password: reference("pass") } }), scope);
    const { basic_auth: auth, ...rest } = made;
    expect(auth).toEqual({ username: "bob", password: "hunter2" });
    expect(JSON.stringify(rest)).not.toContain("hunter2");
  });
});
