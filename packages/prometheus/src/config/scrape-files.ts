/** Jobs of the main file and of those that scrape_config_files names. */
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseSdConfigs, type SdConfig } from "@pharos/discovery";
import { parseYaml, type YamlNode } from "@pharos/kit";
import { describeError, UserError } from "@pharos/model";
import { type GlobalScrapeConfig, parseScrapeConfig, type ScrapeConfig } from "@pharos/scrape";
import { stringify } from "yaml";

export interface JobConfig extends ScrapeConfig {
  sdConfigs: SdConfig[];
  /** The job as YAML, secrets included. */
  source(): string;
}

function parseJob(node: YamlNode, global: GlobalScrapeConfig): JobConfig {
  return { ...parseScrapeConfig(node, global, parseSdConfigs), source: () => stringify(node.toValue()) };
}

/** At most one wildcard, and only in the last part. */
const GLOB = /^[^*]*(\*[^/]*)?$/;

/** The patterns under a key, checked; `what` names the key in complaints. */
export function readGlobs(node: YamlNode | undefined, what: string): string[] {
  return (node?.items() ?? []).map((item) => {
    const glob = item.string();
    if (!GLOB.test(glob)) {
      throw item.error(`invalid ${what} path ${JSON.stringify(glob)}`, {
        code: "prometheus.config",
        fix: "Use one * at most, and only in the file's name",
      });
    }
    return glob;
  });
}

const fault = (node: YamlNode, message: string) => node.error(message, { code: "prometheus.config" });

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError("prometheus.config", `cannot read the scrape configuration: ${describeError(error)}`, {
      where: { file },
      cause: error,
    });
  }
}

/** The jobs in the order of the files. A UserError when one cannot be read or two have the same name. */
export function readJobs(
  main: YamlNode | undefined,
  globs: readonly string[],
  global: GlobalScrapeConfig,
): JobConfig[] {
  const jobs: JobConfig[] = [];
  /** Where each name was seen first. */
  const seen = new Map<string, string>();
  for (const node of main?.items() ?? []) {
    const job = parseJob(node, global);
    if (seen.has(job.jobName)) {
      throw fault(node, `found multiple scrape configs with job name ${JSON.stringify(job.jobName)}`);
    }
    seen.set(job.jobName, "main config file");
    jobs.push(job);
  }
  for (const file of globs.flatMap((glob) => globSync(glob).sort())) {
    const map = parseYaml(readText(file), file).map();
    for (const node of map.get("scrape_configs")?.items() ?? []) {
      const job = parseJob(node, global);
      const first = seen.get(job.jobName);
      if (first !== undefined) {
        const name = JSON.stringify(job.jobName);
        throw fault(node, `found multiple scrape configs with job name ${name}, first found in ${first}`);
      }
      seen.set(job.jobName, JSON.stringify(resolve(file)));
      jobs.push(job);
    }
    map.done("config.ScrapeConfigs");
  }
  return jobs;
}
