/**
 * Whether the program that will run can read a configuration. Pharos reads all it will run with; an upstream image reads
 * more than Pharos does, so there what Pharos does not know yet is left to it, and all the rest is read all the same.
 */
import { UserError } from "@pharos/model";
import { loadConfig } from "@pharos/prometheus";
import { parse } from "yaml";
import { toYaml } from "./prometheus/config.ts";
import type { Yaml } from "./prometheus/http-client.ts";

export type Reader = "pharos" | "upstream";

/** Sections and keys of jobs that an upstream image is trusted with. */
const SECTIONS = ["remote_write", "remote_read", "otlp", "tracing", "storage", "runtime"];
const KNOWN_DISCOVERY = new Set(["file", "http", "dns", "kubernetes"].map((name) => `${name}_sd_configs`));

function withoutUnknown(config: Yaml): Yaml {
  const out = Object.fromEntries(Object.entries(config).filter(([key]) => !SECTIONS.includes(key)));
  const jobs = config.scrape_configs;
  if (Array.isArray(jobs)) {
    out.scrape_configs = jobs.map((job: Yaml) =>
      Object.fromEntries(
        Object.entries(job).filter(([key]) => !key.endsWith("_sd_configs") || KNOWN_DISCOVERY.has(key)),
      ),
    );
  }
  return out;
}

/** Throws a UserError when it cannot be read. */
export function checkReadable(text: string, reader: Reader): void {
  try {
    loadConfig(text, { file: "" });
  } catch (error) {
    if (reader !== "upstream" || !(error instanceof UserError) || !error.code.endsWith(".unsupported")) throw error;
    loadConfig(toYaml(withoutUnknown(parse(text) as Yaml)), { file: "" });
  }
}
