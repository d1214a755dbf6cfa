/** prometheus.yml from the text of its jobs, which mostly do not change from one time to the next. */
import { toYaml } from "./config.ts";
import type { Yaml } from "./http-client.ts";

/** `config` with the jobs before those it has already. */
export function assemble(config: Yaml, jobs: readonly string[]): string {
  const { scrape_configs: more, ...rest } = config;
  const entries = Object.entries(rest);
  const split = entries.findIndex(([key]) => key !== "global" && key !== "runtime" && key !== "rule_files");
  const part = (from: [string, unknown][]): string => (from.length > 0 ? toYaml(Object.fromEntries(from)) : "");
  const before = part(split < 0 ? entries : entries.slice(0, split));
  const after = part(split < 0 ? [] : entries.slice(split));
  const list = [...jobs.filter((text) => text !== ""), ...((more as Yaml[]).length > 0 ? [toYaml(more)] : [])];
  return `${before}scrape_configs:${list.length > 0 ? `\n${list.join("")}` : " []\n"}${after}`;
}
