import { parseYaml } from "@pharos/kit";
import type { TargetGroup } from "@pharos/model";
import { describe, expect, test } from "vitest";
import { parseGlobalScrapeConfig, parseScrapeConfig } from "./config.ts";
import { buildTarget, scrapeOffset, type TargetSpec } from "./target.ts";

const config = (yaml = "") =>
  parseScrapeConfig(parseYaml(`{job_name: j, ${yaml}}`), parseGlobalScrapeConfig(parseYaml("").map()), () => []);
const group: TargetGroup = { source: "g", labels: { a: "group", b: "group" }, targets: [] };

function build(target: Record<string, string>, yaml = ""): TargetSpec {
  const built = buildTarget(config(yaml), group, target);
  if ("dropped" in built) throw new Error("dropped");
  return built;
}

test("the job, the group and the target in this order of weight; internal labels stay inside", () => {
  const spec = build({ __address__: "h:1", a: "target", job: "own", __meta_m: "1", __internal: "2" });
  expect(spec.labels.toObject()).toEqual({ a: "target", b: "group", instance: "h:1", job: "own" });
  expect(spec.discoveredLabels.toObject()).toEqual({
    __address__: "h:1",
    __always_scrape_classic_histograms__: "false",
    __convert_classic_histograms_to_nhcb__: "false",
    __internal: "2",
    __meta_m: "1",
    __metrics_path__: "/metrics",
    __scheme__: "http",
    __scrape_interval__: "1m",
    __scrape_native_histograms__: "false",
    __scrape_timeout__: "10s",
    a: "target",
    b: "group",
    job: "own",
  });
  expect(spec).toMatchObject({ url: "http://h:1/metrics", interval: 60_000, timeout: 10_000, unixSocket: "" });
});

test.each([
  [{ __metrics_path__: "x y" }, "", "http://h:1/x%20y"],
  [{ __param_module: "a&b" }, "params: {module: [c, d], z: ['1']}", "http://h:1/metrics?module=a%26b&module=d&z=1"],
  [{ __scheme__: "https", __address__: "[::1]:9" }, "", "https://[::1]:9/metrics"],
])("URL of %j", (labels, yaml, url) => {
  expect(build({ __address__: "h:1", ...(labels as Record<string, string>) }, yaml).url).toBe(url);
});

test("labels decide about histograms and times", () => {
  const spec = build(
    { __address__: "h", __scrape_native_histograms__: "T", __scrape_interval__: "30s", __scrape_timeout__: "5s" },
    "convert_classic_histograms_to_nhcb: true",
  );
  expect(spec.histograms).toEqual({ scrapeNativeHistograms: true, keepClassic: false, convertClassicHistograms: true });
  expect([spec.interval, spec.timeout]).toEqual([30_000, 5_000]);
});

describe("what cannot be a target says why", () => {
  test.each([
    [{}, "no address"],
    [{ __address__: "http://h" }, '"http://h" is not a valid hostname'],
    [{ __address__: "h", __scrape_interval__: "0s" }, "scrape interval cannot be 0"],
    [{ __address__: "h", __scrape_timeout__: "x" }, 'error parsing scrape timeout: not a valid duration string: "x"'],
    [
      { __address__: "h", __scrape_timeout__: "2m" },
      'scrape timeout cannot be greater than scrape interval ("2m" > "1m")',
    ],
    [
      { __address__: "h", __scrape_native_histograms__: "maybe" },
      'error parsing scrape native histograms: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ])("%j", (labels, message) => {
    expect(() => build(labels as Record<string, string>)).toThrow(message);
  });
});

test("relabelling drops, or leaves nothing to tell the target by", () => {
  expect(buildTarget(config("relabel_configs: [{action: drop}]"), group, { __address__: "h" })).toHaveProperty(
    "dropped",
  );
  const bare = config("relabel_configs: [{action: labelkeep, regex: '__address__|__scrape_.*'}]");
  // instance is set afterwards, so there is always one label.
  expect(buildTarget(bare, group, { __address__: "h" })).toMatchObject({ url: "://h" });
});

test("offsets lie inside the interval, stay, and differ by server", () => {
  const spec = build({ __address__: "h" });
  const now = 1_700_000_012_345;
  const offset = scrapeOffset(spec, "seed", now);
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThan(60_000);
  expect((now + 5_000 + scrapeOffset(spec, "seed", now + 5_000)) % 60_000).toBe((now + offset) % 60_000);
  expect(scrapeOffset(spec, "other", now)).not.toBe(offset);
});
