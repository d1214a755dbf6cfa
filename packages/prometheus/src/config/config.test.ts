import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pharos/model";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig, loadConfigFile } from "./config.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pharos-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const load = (text: string, env = {}) => loadConfig(text, { file: "/etc/p/prometheus.yml", env });

test("defaults are upstream's", () => {
  const { global, storage, scrapeConfigs } = load("");
  expect(global).toMatchObject({
    scrapeInterval: 60_000,
    scrapeTimeout: 10_000,
    evaluationInterval: 60_000,
    ruleQueryOffset: 0,
    queryLogFile: "",
  });
  expect(storage).toMatchObject({ maxExemplars: 100_000, retention: {}, outOfOrderTimeWindowMs: 0 });
  expect(scrapeConfigs).toEqual([]);
});

test("external labels are expanded from the environment, and nothing else is", () => {
  const { global } = load(
    "global: {external_labels: {a: '${A}-$B', dollar: '$$5', none: 'x${NOPE}'}}\nrule_files: ['$A.yml']",
    { A: "one", B: "two" },
  );
  expect(global.externalLabels.toObject()).toEqual({ a: "one-two", dollar: "$5", none: "x" });
  expect(load("rule_files: ['$A.yml']").ruleFiles).toEqual(["/etc/p/$A.yml"]);
});

test.each([
  ["globall: {}", "field globall not found in type config.plain", 1],
  ["global:\n  nope: 1", "field nope not found in type config.plain", 2],
  ["rule_files: [a/*/b.yml]", 'invalid rule file path "a/*/b.yml"', 1],
  ["scrape_configs:\n- job_name: a\n- job_name: a", 'found multiple scrape configs with job name "a"', 3],
  ["global: {scrape_interval: 1s, scrape_timeout: 2s}", "global scrape timeout greater than scrape interval", 1],
  ["storage: {tsdb: {retention: {percentage: 101}}}", "must be in the range [0, 100]", 1],
  ["storage: {tsdb: {retention: {size: -1GB}}}", "must be greater than or equal to 0", 1],
  ["storage: {tsdb: {chunk_encoding: {floats: XOR}}}", "must be 'xor' or 'xor2'", 1],
  ["tracing: {}", "tracing endpoint must be set", 1],
  ["tracing: {endpoint: a, headers: {Authorization: x}}", "authorization header configuration is not yet supported", 1],
  ["tracing: {endpoint: a, client_type: udp}", "expected tracing client type to be to be http or grpc, but got udp", 1],
  [
    "alerting: {alertmanagers: [{api_version: v1}]}",
    "expected Alertmanager api version to be one of [v2] but got v1",
    1,
  ],
  ["alerting:\n  alert_relabel_configs:\n  - ", "empty or null alert relabeling rule", 3],
  ["runtime: {gogc: x}", "must be a number", 1],
  ["global: {}\nglobal: {}", "field global already set in type config.plain", 2],
])("refuses %j", (text, message, line) => {
  let error: unknown;
  try {
    load(text);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toContain(message);
  expect((error as UserError).where).toMatchObject({ file: "/etc/p/prometheus.yml", line });
});

test("jobs come from other files too, and one named twice is told where it was first", () => {
  mkdirSync(join(folder, "jobs"));
  writeFileSync(join(folder, "jobs", "1.yml"), "scrape_configs: [{job_name: one}]");
  const file = join(folder, "prometheus.yml");
  writeFileSync(file, "scrape_config_files: [jobs/*.yml]\nscrape_configs: [{job_name: main}]");
  expect(loadConfigFile(file).scrapeConfigs.map(({ jobName }) => jobName)).toEqual(["main", "one"]);
  writeFileSync(join(folder, "jobs", "2.yml"), "scrape_configs: [{job_name: main}]");
  expect(() => loadConfigFile(file)).toThrow('job name "main", first found in main config file');
  writeFileSync(join(folder, "jobs", "2.yml"), "scrape_configs: [{job_name: one}]");
  expect(() => loadConfigFile(file)).toThrow(`first found in ${JSON.stringify(join(folder, "jobs", "1.yml"))}`);
});

test("feature flags change the defaults only", () => {
  const defaults = { protobufFirst: true, extraScrapeMetrics: true };
  const { scrapeConfigs } = loadConfig(
    "scrape_configs: [{job_name: a}, {job_name: b, scrape_protocols: [PrometheusText0.0.4], extra_scrape_metrics: false}]",
    { file: "", defaults },
  );
  expect(scrapeConfigs.map((job) => [job.scrapeProtocols[0], job.extraScrapeMetrics])).toEqual([
    ["PrometheusProto", true],
    ["PrometheusText0.0.4", false],
  ]);
});

test("whatever the text is, the complaint is a UserError", () => {
  const words = fc.constantFrom(
    "global",
    "scrape_configs",
    "job_name",
    ":",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "1s",
    "*",
    "&a",
    "!!binary ",
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
      try {
        load(parts.join(""));
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
