import { describe, expect, test } from "vitest";
import { CERTIFICATE, KEY, OTHER_KEY } from "../testing/certificates.ts";
import { podMonitor, probe, prometheus, scopeOf, scrapeConfig, serviceMonitor } from "../testing/objects.ts";
import { ANYWHERE, type Monitor, monitorJobs } from "../validate.ts";
import { checkRelabelRule } from "./relabel.ts";

const SECRETS = {
  "Secret/default/tls": { cert: CERTIFICATE, key: KEY, other: OTHER_KEY, junk: "very-secret-junk" },
};

function problem(object: Monitor, spec: object = {}): string {
  const { error } = monitorJobs(object, scopeOf(prometheus(spec), SECRETS), ANYWHERE);
  return error ? `${error.where.field}: ${error.message}` : "";
}

const endpoint = (fields: object) => serviceMonitor({ selector: {}, endpoints: [fields] });
const ref = (key: string) => ({ secret: { name: "tls", key } });

describe("monitors", () => {
  test.each<[string, Monitor, string, object?]>([
    ["good", endpoint({ port: "web" }), ""],
    ["timeout over interval", endpoint({ interval: "10s", scrapeTimeout: "20s" }), "spec.endpoints[0].scrapeTimeout: "],
    ["timeout over the instance's interval", endpoint({ scrapeTimeout: "40s" }), "spec.endpoints[0].scrapeTimeout: "],
    ["timeout within it", endpoint({ scrapeTimeout: "40s" }), "", { scrapeInterval: "1m" }],
    ["no such class", serviceMonitor({ endpoints: [{}], scrapeClass: "x" }), "spec.scrapeClass: "],
    [
      "file access",
      endpoint({ bearerTokenFile: "/x" }),
      "spec.endpoints[0].bearerTokenFile: ",
      { arbitraryFSAccessThroughSMs: { deny: true } },
    ],
    [
      "file access by TLS",
      endpoint({ tlsConfig: { caFile: "/x" } }),
      "spec.endpoints[0].tlsConfig.caFile: ",
      { arbitraryFSAccessThroughSMs: { deny: true } },
    ],
    [
      "two ways in",
      endpoint({ basicAuth: {}, oauth2: {} }),
      "spec.endpoints[0].oauth2: basicAuth and oauth2 exclude each other",
    ],
    [
      "selector",
      serviceMonitor({ selector: { matchExpressions: [{ key: "a", operator: "In" }] }, endpoints: [{}] }),
      "spec.selector.matchExpressions[0].values: ",
    ],
    [
      "role selector too early",
      serviceMonitor({ selectorMechanism: "RoleSelector", endpoints: [{}] }),
      "spec.selectorMechanism: ",
      { version: "v2.16.0" },
    ],
    ["proxy", endpoint({ noProxy: "x" }), "spec.endpoints[0].noProxy: noProxy needs proxyUrl"],
    [
      "missing Secret",
      endpoint({ basicAuth: { username: { name: "no", key: "k" } } }),
      "undefined: Secret default/no does not exist",
    ],
    [
      "good TLS",
      endpoint({ tlsConfig: { ca: ref("cert"), cert: ref("cert"), keySecret: { name: "tls", key: "key" } } }),
      "",
    ],
    [
      "foreign key",
      endpoint({ tlsConfig: { cert: ref("cert"), keySecret: { name: "tls", key: "other" } } }),
      "spec.endpoints[0].tlsConfig.keySecret: the private key does not belong",
    ],
    [
      "no certificate",
      endpoint({ tlsConfig: { ca: ref("junk") } }),
      "spec.endpoints[0].tlsConfig.ca: what it refers to is no certificate",
    ],
    ["half a pair", endpoint({ tlsConfig: { cert: ref("cert") } }), "spec.endpoints[0].tlsConfig.keySecret: "],
    [
      "pod relabelling",
      podMonitor({ podMetricsEndpoints: [{ relabelings: [{ action: "replace" }] }] }),
      "spec.podMetricsEndpoints[0].relabelings[0].targetLabel: ",
    ],
  ])("%s", (_, object, expected, spec = {}) => {
    const said = problem(object, spec);
    if (expected === "") expect(said).toBe("");
    else expect(said).toContain(expected);
    expect(said).not.toContain("very-secret-junk");
  });

  test.each([
    ["blackbox", true],
    ["blackbox:9115", true],
    ["10.0.0.1:9115", true],
    ["[2001:db8::1]:9115", true],
    ["2001:db8::1", true],
    ["http://blackbox", false],
    ["blackbox:99999", false],
    ["black box", false],
    ["", false],
  ])("prober %s: %s", (url, good) => {
    const object = probe({ prober: { url, path: "/probe" }, targets: { staticConfig: { static: ["x"] } } });
    expect(problem(object) === "").toBe(good);
  });

  test("a probe without targets is refused", () => {
    expect(problem(probe({ prober: { url: "x" } }))).toContain("spec.targets: ");
  });
});

describe("scrape configs", () => {
  test.each<[string, object, string, string?]>([
    ["static", { staticConfigs: [{ targets: ["a:1"] }] }, ""],
    [
      "label names",
      { staticConfigs: [{ targets: ["a:1"], labels: { "a-b": "c" } }] },
      "spec.staticConfigs[0].labels: ",
      "v2.55.0",
    ],
    ["label names of version 3", { staticConfigs: [{ targets: ["a:1"], labels: { "a-b": "c" } }] }, ""],
    [
      "mechanism too early",
      { ionosSDConfigs: [{ datacenterID: "x" }] },
      "spec.ionosSDConfigs: it needs Prometheus 2.36.0",
      "v2.35.0",
    ],
    [
      "field too early",
      { consulSDConfigs: [{ server: "x", filter: "y" }] },
      "spec.consulSDConfigs[0].filter: it needs Prometheus 3.0.0",
      "v2.55.0",
    ],
    ["port of A records", { dnsSDConfigs: [{ names: ["x"], type: "A" }] }, "spec.dnsSDConfigs[0].port: "],
    ["URL", { httpSDConfigs: [{ url: "nowhere" }] }, "spec.httpSDConfigs[0].url: "],
    [
      "azure without client",
      { azureSDConfigs: [{ subscriptionID: "x", tenantID: "y" }] },
      "spec.azureSDConfigs[0].clientID: ",
    ],
    [
      "azure of the machine",
      { azureSDConfigs: [{ subscriptionID: "x", authenticationMethod: "ManagedIdentity" }] },
      "",
    ],
    [
      "selectors of another role",
      { kubernetesSDConfigs: [{ role: "Node", selectors: [{ role: "pod" }] }] },
      "spec.kubernetesSDConfigs[0].selectors[0].role: ",
    ],
    [
      "half the keys",
      { ec2SDConfigs: [{ region: "r", accessKey: { name: "tls", key: "key" } }] },
      "ec2_sd_configs: accessKey and secretKey must be given together",
    ],
  ])("%s", (_, spec, expected, version) => {
    const said = problem(scrapeConfig(spec), { version });
    if (expected === "") expect(said).toBe("");
    else expect(said).toContain(expected);
  });
});

describe("relabelling", () => {
  const check =
    (rule: object, version = "v3.13.0") =>
    () =>
      checkRelabelRule(rule, version, "r");

  test.each([
    [{ targetLabel: "a" }],
    [{ action: "LabelMap", regex: "a_(.+)", replacement: "$1" }],
    [{ action: "labeldrop", regex: "a.*" }],
    [{ action: "keepequal", sourceLabels: ["a"], targetLabel: "b" }],
    [{ action: "hashmod", sourceLabels: ["a"], targetLabel: "b", modulus: 2 }],
    [{ targetLabel: "${1}_x", regex: "(.+)" }],
  ])("%j is good", (rule) => {
    expect(check(rule)).not.toThrow();
  });

  test.each([
    [{ action: "replace" }, "r.targetLabel"],
    [{ action: "hashmod", targetLabel: "b" }, "r.modulus"],
    [{ targetLabel: "a", regex: "(" }, "r.regex"],
    [{ action: "labeldrop", regex: "a", sourceLabels: ["x"] }, "r.sourceLabels"],
    [{ action: "keepequal", targetLabel: "b", regex: "x" }, "r.regex"],
    [{ action: "lowercase", targetLabel: "b", replacement: "x" }, "r.replacement"],
  ])("%j is not", (rule, field) => {
    expect(check(rule)).toThrow(expect.objectContaining({ where: { field } }));
  });

  test("actions and names by version", () => {
    expect(check({ action: "uppercase", targetLabel: "a" }, "v2.35.0")).toThrow(/2\.36\.0/);
    expect(check({ targetLabel: "a-b" }, "v2.55.0")).toThrow(/no label name/);
    expect(check({ targetLabel: "a-b" }, "v3.0.0")).not.toThrow();
  });
});
