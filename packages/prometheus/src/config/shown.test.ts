import { expect, test } from "vitest";
import { loadConfig } from "./config.ts";
import { shownConfig, shownJob } from "./shown.ts";

const load = (text: string) => loadConfig(text, { file: "", env: { REGION: "eu" } });

test("defaults are filled in, variables expanded, secrets hidden", () => {
  const shown = shownConfig(
    load(
      [
        "global: {external_labels: {region: $REGION}}",
        "alerting: {alertmanagers: [{static_configs: [{targets: ['a:1']}]}]}",
        "scrape_configs:",
        "- job_name: a",
        "  basic_auth: {username: u, password: hidden}",
        "  relabel_configs: [{target_label: x, replacement: y}]",
      ].join("\n"),
    ),
  );
  for (const part of [
    "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n",
    "region: eu",
    "api_version: v2",
    "metrics_path: /metrics",
    "honor_timestamps: true",
    "separator: ;",
    "action: replace",
    "translation_strategy: UnderscoreEscapingWithSuffixes",
    "password: <secret>",
  ]) {
    expect(shown).toContain(part);
  }
  expect(shown).not.toContain("hidden");
});

test("what is shown loads again, and is then shown the same", () => {
  const text = "global: {scrape_interval: 15s}\nscrape_configs: [{job_name: a, params: {x: [y]}, sample_limit: 5}]\n";
  const once = shownConfig(load(text));
  expect(shownConfig(load(once))).toBe(once);
});

test("one job", () => {
  const [job] = load("scrape_configs: [{job_name: a, authorization: {credentials: hidden}}]").scrapeConfigs;
  expect(shownJob(job)).toContain("job_name: a\n");
  expect(shownJob(job)).not.toContain("hidden");
});
